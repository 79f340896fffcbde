"""Where a redirect may lead: never from https to http, and into a private network only if the feed is at home there.

A vendor's answer, or whoever stands between, decides where a redirect leads; without this it could make the platform
ask a cloud's metadata service or a neighbour that trusts it.
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpx

from market_data.domain.errors import VendorRefused


def guard(base_url: str, *, allow_private: bool = False) -> Callable[[httpx.Request], None]:
    """Return a request hook for httpx, which calls it for each redirect too, before it connects.

    Names are resolved once here and once more by the connection: a name whose answer changes in between gets through.
    A name that cannot be resolved here is let through, because a proxy may know it.

    Args:
        base_url: what the feed is configured with. Private itself, it may redirect to private addresses.
        allow_private: the feed allows private addresses.
    """
    base = httpx.URL(base_url)
    schemes = ("https",) if base.scheme == "https" else ("http", "https")

    def check(request: httpx.Request) -> None:
        if request.url.scheme not in schemes:
            raise VendorRefused(f"{base_url} redirects to {_shown(request.url)}, which is not secure: not followed")
        if allow_private or request.url.host == base.host:
            return
        if is_private(request.url.host) and not is_private(base.host):
            raise VendorRefused(f"{base_url} redirects to {_shown(request.url)}, a private address: not followed")

    return check


def is_private(host: str) -> bool:
    """Return whether any address of a host is not public: loopback, private, link-local, multicast."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_not_public(ip_address(str(address[0]).partition("%")[0])) for *_, address in found)


def _not_public(address: IPv4Address | IPv6Address) -> bool:
    return not address.is_global or address.is_multicast


def _shown(url: httpx.URL) -> str:
    """Without what may be a secret: a user, a password, a signed query."""
    return f"{url.scheme}://{url.host}{url.path}"
