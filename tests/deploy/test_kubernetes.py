"""deploy/k8s against Kubernetes' own schemas, and against itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import kubernetes_validate
import pytest
from manifests import BASE, EXAMPLE, POOLS, Manifest, base_manifests, containers_of, kustomized, named, pods
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.utilities.asyncutils import run_coro_as_sync
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

VERSIONS = ("1.29", "1.32", "1.34")
SECRETS = {  # what README.md has the commands for
    ("hm", "hm-postgres"): {"postgres", "prefect", "mlflow"},
    ("hm", "hm-prefect"): {"auth"},
    ("hm", "hm-webhook"): {"url"},
    ("hm", "hm-s3"): set(),
    ("hm-runs", "hm-prefect"): {"auth"},
    ("hm-runs", "hm-s3"): set(),
}


def label(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid_with_no_unknown_field(version: str):
    for manifest in base_manifests():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_an_unknown_field_would_be_noticed():
    wrong = named("Deployment", "mlflow") | {"spek": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("folder", [BASE, EXAMPLE], ids=lambda folder: folder.name)
def test_kustomize_makes_valid_manifests_of_it(folder: Path):
    made = kustomized(folder)
    if made is None:
        pytest.skip("no kubectl here")
    for manifest in made:
        kubernetes_validate.validate(manifest, VERSIONS[1], strict=True)
    assert not [m for m in made if m["kind"] == "Secret"]


def test_the_example_gives_its_runs_the_image_that_its_servers_have():
    made = kustomized(EXAMPLE)
    if made is None:
        pytest.skip("no kubectl here")
    images = {c["image"] for _, pod in pods(made) for c in containers_of(pod)} - {"postgres:15"}
    of_runs = next(m["data"] for m in made if m["metadata"]["name"] == "hm-set-up")
    assert images == {of_runs["HM_IMAGE_CPU"]}


@pytest.mark.parametrize("workload", list(pods(base_manifests())), ids=lambda w: label(w[0]))
def test_pods_run_as_somebody_without_rights_on_a_file_system_they_cannot_write(
    workload: tuple[Manifest, Manifest],
):
    _, pod = workload
    assert_hardened(pod)


def assert_hardened(pod: Manifest) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers_of(pod):
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] is True
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


def test_whatever_a_pod_refers_to_exists():
    maps = {place(m) for m in base_manifests() if m["kind"] == "ConfigMap"}
    maps |= {("hm", "pools"), ("hm", "databases")}  # made by the kustomization
    accounts = {place(m) for m in base_manifests() if m["kind"] == "ServiceAccount"}
    for manifest, pod in [*pods(base_manifests()), *((m, m["spec"]["template"]["spec"]) for m in jobs())]:
        namespace = manifest["metadata"]["namespace"]
        assert (namespace, pod["serviceAccountName"]) in accounts
        volumes = [v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v]
        for container in containers_of(pod):
            sources = container.get("envFrom", ())
            named_maps = [*volumes, *(s["configMapRef"]["name"] for s in sources if "configMapRef" in s)]
            assert {(namespace, name) for name in named_maps} <= maps
            for name, key in secrets_of(container):
                assert key is None or key in SECRETS[namespace, name]
                assert (namespace, name) in SECRETS
            mounts = {mount["name"] for mount in container.get("volumeMounts", ())}
            claimed = {"data"} if manifest["kind"] == "StatefulSet" else set()
            assert mounts <= {volume["name"] for volume in pod["volumes"]} | claimed


def place(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def secrets_of(container: Manifest) -> Iterator[tuple[str, str | None]]:
    for variable in container.get("env", ()):
        if "valueFrom" in variable:
            ref = variable["valueFrom"]["secretKeyRef"]
            yield ref["name"], ref["key"]
    for source in container.get("envFrom", ()):
        if "secretRef" in source:
            yield source["secretRef"]["name"], None


def jobs() -> list[Manifest]:
    return [job(file) for file in POOLS]


def job(file: Path, **variables: Any) -> Manifest:
    """The Kubernetes job that a pool's worker would start for a run."""

    async def made() -> Manifest:
        template = json.loads(file.read_text())
        configuration = await KubernetesWorkerJobConfiguration.from_template_and_values(template, variables)
        run = FlowRun(id=uuid4(), flow_id=uuid4(), name="tiny-2021-06-09")
        configuration.prepare_for_flow_run(run)
        return dict(configuration.job_manifest)

    with temporary_settings({PREFECT_API_URL: "http://prefect.hm.svc.cluster.local:4200/api"}):
        return run_coro_as_sync(made())


@pytest.mark.parametrize("file", POOLS, ids=lambda file: file.stem)
def test_a_run_of_each_pool_becomes_a_valid_hardened_job_without_kubernetes_rights(file: Path):
    made = job(file, env={"HM_DISPATCH": "pools"})
    for version in VERSIONS:
        kubernetes_validate.validate(made, version, strict=True)
    pod = made["spec"]["template"]["spec"]
    assert_hardened(pod)
    assert pod["automountServiceAccountToken"] is False
    assert made["metadata"]["namespace"] == "hm-runs"
    environment = {e["name"]: e["value"] for e in pod["containers"][0]["env"]}
    assert environment["HM_DISPATCH"] == "pools"
    assert environment["PREFECT_API_URL"] == "http://prefect.hm.svc.cluster.local:4200/api"


def test_a_run_on_the_gpu_pool_alone_asks_for_a_gpu():
    def limits(file: Path) -> Manifest:
        return dict(job(file)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"])

    assert {file.stem for file in POOLS if "nvidia.com/gpu" in limits(file)} == {"gpu-pool"}


def test_pools_have_a_template_each():
    from flows.setting_up.pools import work_pools
    from tasks.settings import settings

    assert {file.stem for file in POOLS} == set(work_pools(settings().config))


def test_a_worker_may_start_and_end_jobs_of_runs_and_no_more():
    rules = {
        (group, resource): set(rule["verbs"])
        for rule in named("Role", "worker")["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert rules == {
        ("batch", "jobs"): {"create", "delete", "get", "list", "watch"},
        ("", "pods"): {"get", "list", "watch"},
        ("", "pods/log"): {"get"},
        ("", "events"): {"create"},
    }
    assert named("Role", "worker")["metadata"]["namespace"] == "hm-runs"
    assert not [m for m in base_manifests() if m["kind"].startswith("ClusterRole")]


def test_both_namespaces_refuse_what_no_policy_allows():
    for namespace in ("hm", "hm-runs"):
        nothing = next(
            m
            for m in base_manifests()
            if (m["kind"], *place_or_none(m)) == ("NetworkPolicy", namespace, "nothing")
        )
        assert nothing["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def place_or_none(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]
