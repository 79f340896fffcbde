"""The nginx example in front of a real webserver: nobody without the password, and no secret on any page."""

import ssl
import subprocess
from collections.abc import Generator
from pathlib import Path
from shutil import which

import httpx
import pytest
import trustme

from market_data.settings import Environment, Settings, load_settings
from market_data.sources import catalog
from market_data_tests.ports import free_port
from market_data_tests.ui.dev import Dev, dagster_dev, until

ROOT = Path(__file__).resolve().parents[2]
NGINX = which("nginx") or which("nginx", path="/usr/sbin")
USER = ("desk", "a password of the desk")
KEY = "db-made-up-key-of-29-letters00"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Generator[Dev]:
    """The interface, in an environment with a vendor's key in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABENTO_API_KEY", KEY)
        with dagster_dev(_settings(tmp_path_factory.mktemp("proxy"))) as dev:
            yield dev


def _settings(folder: Path) -> Settings:
    feeds = folder / "feeds.yaml"
    feeds.write_text(
        "feeds: {paid: {source: databento, symbols: [ESH4], tables: [trades], start: 2024-01-02, calendar: 24/7,"
        " options: {dataset: GLBX.MDP3, schemas: [trades]}}}\n",
        encoding="utf-8",
    )
    return load_settings(catalog(), Environment(home=folder / "data", config=feeds))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def plain(dev: Dev, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The proxy's address for http; https is that of the fixture `proxy`."""
    folder = tmp_path_factory.mktemp("nginx")
    ports = {"80": free_port(), "443": free_port()}
    _write(folder, dev, authority, ports)
    command = [NGINX or "", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as nginx:
        try:
            until(lambda: nginx.poll() is not None or _listens(f"http://127.0.0.1:{ports['80']}"))
            assert nginx.poll() is None, nginx.stderr and nginx.stderr.read().decode()
            yield f"http://127.0.0.1:{ports['80']}"
        finally:
            nginx.terminate()


def _listens(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code > 0
    except httpx.TransportError:
        return False


def _write(folder: Path, dev: Dev, authority: trustme.CA, ports: dict[str, int]) -> None:
    """The example as it stands, but for names, ports and places; the rest of an nginx around it."""
    certificate = authority.issue_cert("market-data.example", "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "market-data.crt")
    certificate.private_key_pem.write_to_path(folder / "market-data.key")
    hashed = subprocess.check_output(["openssl", "passwd", "-6", "-stdin"], input=USER[1], text=True)
    (folder / "market-data.htpasswd").write_text(f"{USER[0]}:{hashed}")
    example = (ROOT / "deploy/nginx/market-data.conf").read_text(encoding="utf-8")
    for old, new in {
        "listen 80;": f"listen 127.0.0.1:{ports['80']};",
        "listen 443 ssl;": f"listen 127.0.0.1:{ports['443']} ssl;",
        "https://$host$request_uri": f"https://$host:{ports['443']}$request_uri",
        "server 127.0.0.1:3000;": f"server {dev.url.removeprefix('http://')};",
        "/etc/nginx/tls/": f"{folder}/",
        "/etc/nginx/market-data.htpasswd": f"{folder}/market-data.htpasswd",
    }.items():
        assert old in example, old
        example = example.replace(old, new)
    (folder / "market-data.conf").write_text(example)
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"user root;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}include {folder}/market-data.conf;\n}}\n"
    )


@pytest.fixture(scope="module")
def proxy(plain: str, authority: trustme.CA) -> Generator[httpx.Client]:
    """Whoever trusts the proxy's certificate and knows no password."""
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    redirected = httpx.get(f"{plain}/", trust_env=False)
    assert redirected.status_code == 301
    with httpx.Client(base_url=redirected.headers["Location"], verify=trusting, trust_env=False, timeout=60) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/graphql", "/server_info", "/logs/x", "/download_debug/x"])
@pytest.mark.parametrize("user", [None, (USER[0], "a guess"), ("somebody", USER[1])])
def test_nobody_gets_in_without_the_password(proxy: httpx.Client, path: str, user: tuple[str, str] | None) -> None:
    answer = proxy.get(path, auth=user) if user else proxy.get(path)
    assert answer.status_code == 401
    assert "agster" not in answer.text


def test_with_the_password_the_interface_is_there(proxy: httpx.Client) -> None:
    assert "/_next/static/" in proxy.get("/", auth=USER).text
    answer = proxy.post("/graphql", auth=USER, json={"query": "{version}"})
    assert answer.status_code == 200
    assert answer.json()["data"]["version"]


def test_the_interface_gets_its_websocket_through_the_proxy(proxy: httpx.Client) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "bWFya2V0LWRhdGEtdGVzdA==",
        "Sec-WebSocket-Protocol": "graphql-ws",
    }
    with proxy.stream("GET", "/graphql", auth=USER, headers=upgrade) as answer:
        assert answer.status_code == 101


def test_a_vendors_key_is_on_no_page(dev: Dev, proxy: httpx.Client) -> None:
    resources = "{repositoriesOrError {... on RepositoryConnection {nodes {name allTopLevelResourceDetails"
    resources += " {name description configuredValues {key value type}}}}}}"
    asked = [
        "{instance {info daemonHealth {allDaemonStatuses {daemonType healthy}}}}",
        "{workspaceOrError {... on Workspace {locationEntries {displayMetadata {key value}}}}}",
        resources,
        "{nothing",
        '{runOrError(runId: "nothing") {__typename ... on PythonError {message stack}}}',
    ]
    pages = [proxy.post("/graphql", auth=USER, json={"query": query}).text for query in asked]
    pages += [proxy.get(path, auth=USER).text for path in ("/nothing", "/server_info", "/download_debug/nothing")]
    assert "platform" in pages[2]
    assert [page for page in pages if KEY in page] == []
    assert KEY not in dev.output.read_text(encoding="utf-8")
