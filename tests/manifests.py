"""What deploy/compose.yaml and deploy/k8s say, as Python values."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
BASE, EXAMPLE = DEPLOY / "k8s" / "base", DEPLOY / "k8s" / "overlays" / "example"
COMPOSE = DEPLOY / "compose.yaml"
POOLS = sorted((BASE / "pools").glob("*.json"))
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Container:
    """One container, from whichever of the two pictures."""

    name: str  # as the service or the workload is called
    command: tuple[str, ...]
    environment: dict[str, str]  # what has a value in the manifest; secrets have none
    spec: Manifest


def services() -> dict[str, Manifest]:
    """Compose's, with merges resolved."""
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


def compose_containers() -> Iterator[Container]:
    """Those that run the project's image."""
    for name, service in services().items():
        if "hm-pipeline" in service["image"]:
            environment = {k: str(v) for k, v in service.get("environment", {}).items()}
            yield Container(name, tuple(service["command"]), environment, service)


def base_manifests() -> list[Manifest]:
    """Every document of the base, as written."""
    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    return [doc for name in listed for doc in yaml.safe_load_all((BASE / name).read_text())]


def kustomized(folder: Path) -> list[Manifest] | None:
    """What kubectl makes of it; None without kubectl."""
    if shutil.which("kubectl") is None:
        return None
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def named(kind: str, name: str) -> Manifest:
    """One of the base."""
    return next(m for m in base_manifests() if (m["kind"], m["metadata"]["name"]) == (kind, name))


def pods(manifests: list[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    """Every workload and its pod's spec."""
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield manifest, manifest["spec"]["template"]["spec"]


def containers_of(pod: Manifest) -> list[Manifest]:
    """Init containers too."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def kubernetes_containers() -> Iterator[Container]:
    """Those of the base that run the project's image, with their ConfigMaps."""
    for manifest, pod in pods(base_manifests()):
        for spec in containers_of(pod):
            if spec["image"].startswith("hm-pipeline"):
                command = (*spec["command"], *spec.get("args", ()))
                yield Container(f"{manifest['metadata']['name']}/{spec['name']}", command, _known(spec), spec)


def _known(spec: Manifest) -> dict[str, str]:
    maps = (ref["configMapRef"]["name"] for ref in spec.get("envFrom", ()) if "configMapRef" in ref)
    known = {k: v for name in maps for k, v in named("ConfigMap", name)["data"].items()}
    return known | {e["name"]: e["value"] for e in spec.get("env", ()) if "value" in e}


def here(text: str, ports: dict[int, int]) -> str:
    """A command's word or a variable's value with this machine's loopback for the picture's hosts and ports."""
    if text == "0.0.0.0":
        return "127.0.0.1"
    local = re.sub(r"(?<=[/@])[\w-]+\.hm\.svc\.cluster\.local(?=:\d)", "127.0.0.1", text)
    for public, free in ports.items():
        local = re.sub(rf"\b{public}\b", f"{free}", local)
    return local


def bare_environment() -> dict[str, str]:
    """This process's, without what configures any of the programs."""
    ours = ("AWS_", "PREFECT_", "MLFLOW_", "HM_", "PG")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
