"""The Dockerfile, which nothing here can build: what goes into it, and who runs it."""

import re
import subprocess
import tomllib

import pytest
from cluster import REPO
from manifests import services

from tasks.code import revision

DOCKERFILE = (REPO / "Dockerfile").read_text()
LET_IN = {line[1:] for line in (REPO / ".dockerignore").read_text().splitlines() if line.startswith("!")}


def instructions(word: str) -> list[str]:
    """The arguments of every line that begins with it."""
    return re.findall(rf"^{word} (.*)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)


def test_whatever_is_copied_exists_and_is_let_in():
    sources = {s for line in instructions("COPY") if "--from" not in line for s in line.split()[:-1]}
    assert sources <= LET_IN
    assert all((REPO / source).exists() for source in sources)


def test_nothing_else_is_let_in():
    assert (REPO / ".dockerignore").read_text().splitlines()[1] == "*"
    assert "**/.env" in (REPO / ".dockerignore").read_text().splitlines()


def test_no_variable_or_argument_is_a_secret():
    names = re.findall(r"(\w+)=", " ".join(instructions("ENV") + instructions("ARG")))
    assert not [n for n in names if re.search("KEY|SECRET|PASSWORD|TOKEN|AUTH", n)]


def test_whoever_builds_it_tells_it_its_commit():
    """The last stage before the two targets: what comes after it is built anew with every commit."""
    assert "HM_REVISION=" in instructions("ARG")
    assert "HM_REVISION=${HM_REVISION}" in instructions("ENV")
    telling = "--build-arg HM_REVISION=$revision"
    for place in (REPO / "Dockerfile", REPO / "deploy" / "k8s" / "README.md"):
        builds = [line for line in place.read_text().splitlines() if "docker build " in line]
        assert builds
        assert all(telling in line for line in builds)
    built = [s["build"]["args"] for s in services().values() if "build" in s]
    assert [args["HM_REVISION"] for args in built] == ["${HM_REVISION:-}"] * 2


def test_in_an_image_the_code_is_the_commit_that_it_was_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HM_REVISION", "959d51ffffb1+")
    assert revision.__wrapped__() == "959d51ffffb1+"
    monkeypatch.setenv("HM_REVISION", "")
    assert re.fullmatch(r"[0-9a-f]{12}\+?|\d+\.\d+\.\d+", revision.__wrapped__())


def test_it_runs_as_somebody_without_rights():
    assert instructions("USER") == ["10001:10001"]


def test_both_targets_exist():
    stages = [line.split(" AS ")[1] for line in instructions("FROM")]
    assert stages == ["builder", "runtime", "cpu", "gpu"]


def test_secrets_of_a_place_are_ignored_by_git():
    for file in ("deploy/.env", ".env"):
        done = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", file], cwd=REPO, check=False)
        assert done.returncode == 0, file


def test_what_the_image_has_besides_is_pinned_as_everything_is():
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    pinned = (REPO / "constraints.txt").read_text().splitlines()
    assert set(project["optional-dependencies"]["cluster"]) <= set(pinned)
