"""What deploy/kubernetes promises, read from its files and, where the tools are, from what kustomize makes of them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ["volume", "bucket"]
BUILD = ["kustomize", "build"] if which("kustomize") else ["kubectl", "kustomize"]
Resource = dict[str, Any]


def resources(kind: str) -> Iterator[Resource]:
    for path in sorted((FOLDER / "base").glob("*.yaml")):
        for resource in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if resource.get("kind") == kind:
                yield resource


def instance(overlay: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "overlays" / overlay / "dagster.yaml").read_text(encoding="utf-8"))


DEPLOYMENTS = list(resources("Deployment"))
each = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=[d["metadata"]["name"] for d in DEPLOYMENTS])


def test_webserver_daemon_and_code_location_are_there() -> None:
    assert {deployment["metadata"]["name"] for deployment in DEPLOYMENTS} == {"webserver", "daemon", "code"}


def must_be_restricted(pod: dict[str, Any], security: str = "securityContext") -> None:
    """Kubernetes' own profile `restricted`, and a root file system that cannot be written."""
    (container,) = pod["containers"]
    assert pod[security]["runAsNonRoot"] is True
    assert pod[security]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container[security]["allowPrivilegeEscalation"] is False
    assert container[security]["readOnlyRootFilesystem"] is True
    assert container[security]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"]["memory"]


@each
def test_a_pod_can_do_little_and_is_watched(deployment: Resource) -> None:
    pod = deployment["spec"]["template"]["spec"]
    must_be_restricted(pod)
    assert {"startupProbe", "livenessProbe"} <= set(pod["containers"][0])
    assert pod["automountServiceAccountToken"] is (pod["serviceAccountName"] == "launcher")


def test_there_is_never_a_second_daemon() -> None:
    (daemon,) = (d for d in DEPLOYMENTS if d["metadata"]["name"] == "daemon")
    assert daemon["spec"]["replicas"] == 1
    assert daemon["spec"]["strategy"] == {"type": "Recreate"}


def test_nothing_is_allowed_in_or_out_that_no_policy_names() -> None:
    (nothing,) = (policy for policy in resources("NetworkPolicy") if policy["metadata"]["name"] == "nothing")
    assert nothing["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_whoever_launches_may_touch_runs_and_no_secrets() -> None:
    (role,) = resources("Role")
    assert {name for rule in role["rules"] for name in rule["resources"]} == {
        *("jobs", "jobs/status", "pods", "pods/log", "pods/status", "events"),
    }
    assert not any("*" in rule["verbs"] for rule in role["rules"])


def test_both_overlays_have_the_same_instance_but_for_where_the_data_lies() -> None:
    volume, bucket = instance("volume"), instance("bucket")
    assert volume["run_launcher"]["config"]["volumes"].pop(0)["persistentVolumeClaim"] == {"claimName": "data"}
    assert "emptyDir" in bucket["run_launcher"]["config"]["volumes"].pop(0)
    assert volume == bucket


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_instance_differs_from_a_laptops_in_storage_launcher_and_width(overlay: str) -> None:
    ours, laptop = instance(overlay), yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    assert ours.pop("storage")["postgres"]["postgres_url"] == {"env": "MARKET_DATA_POSTGRES_URL"}
    del laptop["instance_class"], ours["run_launcher"], laptop["run_launcher"]
    assert ours["concurrency"]["runs"].pop("max_concurrent_runs") > laptop["concurrency"]["runs"].pop(
        "max_concurrent_runs"
    )
    assert ours == laptop


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.skipif(which(BUILD[0]) is None, reason="neither kustomize nor kubectl is installed")
def test_what_kustomize_builds_is_valid(overlay: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    built = subprocess.check_output([*BUILD, str(FOLDER / "overlays" / overlay)], text=True)
    found = list(yaml.safe_load_all(built))
    for resource in found:
        kubernetes_validate.validate(resource, "1.33", strict=True)
    images = {pod["image"] for d in found if d["kind"] == "Deployment" for pod in _containers(d)}
    (told,) = (d["data"] for d in found if d["kind"] == "ConfigMap" and d["metadata"]["name"] == "market-data")
    assert images == {told["MARKET_DATA_IMAGE"]}


def _containers(deployment: Resource) -> list[dict[str, Any]]:
    return deployment["spec"]["template"]["spec"]["containers"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_runs_pod_is_as_restricted_as_the_others(overlay: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    job = _job(_launcher(overlay))
    kubernetes_validate.validate(job, "1.33", strict=True)
    pod = job["spec"]["template"]["spec"]
    must_be_restricted(pod)
    assert pod["serviceAccountName"] == "worker"
    assert pod["automountServiceAccountToken"] is False
    assert job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == "market-data"
    assert {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]} >= {"/data", "/tmp"}  # noqa: S108


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_runs_tags_cannot_loosen_its_pod(overlay: str) -> None:
    contexts = pytest.importorskip("dagster_k8s.container_context")
    config = _launcher(overlay)
    wish = contexts.K8sContainerContext(run_k8s_config=_pod({"pod_spec_config": {"host_network": True}}))
    with pytest.raises(Exception, match="host_network"):
        wish.validate_user_k8s_config_for_run(config["only_allow_user_defined_k8s_config_fields"], [])


def _launcher(overlay: str) -> dict[str, Any]:
    """The launcher's configuration as Dagster reads it."""
    from dagster._config import process_config, resolve_to_config_type

    jobs = pytest.importorskip("dagster_k8s.job")
    config = instance(overlay)["run_launcher"]["config"] | {"job_image": "registry.example/market-data:0.1.0"}
    checked = process_config(resolve_to_config_type(jobs.DagsterK8sJobConfig.config_type_run_launcher()), config)
    assert checked.success, checked.errors
    return dict(checked.value or {})


def _pod(config: dict[str, Any]) -> Any:
    return pytest.importorskip("dagster_k8s.job").UserDefinedDagsterK8sConfig.from_dict(config)


def _job(config: dict[str, Any]) -> dict[str, Any]:
    """The job that Dagster's launcher makes of a run, by its own code and with no cluster."""
    jobs = pytest.importorskip("dagster_k8s.job")
    contexts = pytest.importorskip("dagster_k8s.container_context")
    # What `K8sContainerContext.create_for_run` takes from a launcher.
    names = ("service_account_name", "env_config_maps", "volume_mounts", "volumes", "resources", "security_context")
    context = contexts.K8sContainerContext(
        **{name: config[name] for name in names}, run_k8s_config=_pod(config["run_k8s_config"])
    )
    job_config = jobs.DagsterK8sJobConfig(
        job_image=config["job_image"],
        dagster_home=config["dagster_home"],
        instance_config_map=config["instance_config_map"],
    )
    job = jobs.construct_dagster_k8s_job(
        job_config, ["dagster"], "a-run", user_defined_k8s_config=context.run_k8s_config
    )
    return pytest.importorskip("kubernetes.client").ApiClient().sanitize_for_serialization(job)
