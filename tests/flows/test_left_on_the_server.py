"""Deployments that prefect.yaml no longer declares: `hm set-up` takes them away, `--check` names them."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from prefect.client.schemas.filters import DeploymentFilter
from prefect.client.schemas.responses import DeploymentResponse

from flows import setup
from flows.setting_up.deployments import declared, flow_of, take_away_undeclared, undeclared

DEPLOY = Path(__file__).parents[2] / "deploy"


@dataclass
class Server:
    """What a Prefect server says of its deployments; a page holds 200, as there."""

    flows: dict[UUID, str] = field(default_factory=dict)
    there: dict[UUID, DeploymentResponse] = field(default_factory=dict)

    def add(self, name: str, entrypoint: str, tags: list[str]) -> None:
        """As `prefect deploy` does."""
        flow, _, own = name.partition("/")
        flow_id = next((i for i, known in self.flows.items() if known == flow), None) or uuid4()
        self.flows[flow_id] = flow
        made = DeploymentResponse(id=uuid4(), name=own, flow_id=flow_id, entrypoint=entrypoint, tags=tags)
        self.there[made.id] = made

    def names(self) -> set[str]:
        return {f"{self.flows[one.flow_id]}/{one.name}" for one in self.there.values()}

    def read_deployments(
        self, *, deployment_filter: DeploymentFilter, limit: int, offset: int
    ) -> list[DeploymentResponse]:
        assert deployment_filter.tags is not None
        wanted = set(deployment_filter.tags.all_ or ())
        return [one for one in self.there.values() if wanted <= set(one.tags)][offset:][: min(limit, 200)]

    def read_flow(self, flow_id: UUID) -> Any:
        return SimpleNamespace(name=self.flows[flow_id])

    def read_deployment_by_name(self, name: str) -> None:
        assert name in self.names()

    def delete_deployment(self, deployment_id: UUID) -> None:
        del self.there[deployment_id]


@pytest.fixture
def server() -> Any:
    """Everything of deploy/prefect.yaml, and what belongs to others."""
    server = Server()
    for entry in declared(DEPLOY):
        server.add(f"{flow_of(entry['entrypoint']).name}/{entry['name']}", entry["entrypoint"], entry["tags"])
    server.add("payroll/SE", "payroll.py:pay", ["hr"])
    server.add("hats/SE", "hats/flow.py:knit", ["hm"])  # our tag, another's flow
    server.add("daily/by hand", "flows.daily.daily", [])  # our flow, which a person deployed
    return server


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    """deploy/ after the market SE became NO."""
    content = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
    for entry in content["deployments"]:
        entry["name"] = entry["name"].replace("SE", "NO")
    (tmp_path / "prefect.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def test_a_renamed_markets_old_deployments_go_and_nothing_else(server: Any, renamed: Path) -> None:
    before = server.names()
    said = list(take_away_undeclared(server, renamed))
    assert before - server.names() == {"daily/SE", "gaps/SE"}
    assert [line.split(" taken away")[0] for line in said] == ["deployment daily/SE", "deployment gaps/SE"]
    assert list(take_away_undeclared(server, renamed)) == []


def test_those_beyond_the_first_page_are_found(server: Any) -> None:
    for number in range(250):
        server.add(f"daily/old-{number}", "flows.daily.daily", ["hm"])
    assert len(undeclared(server, DEPLOY)) == 250


def test_the_check_names_what_is_left_over_and_takes_nothing_away(
    server: Any, renamed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("work_pools", "slots", "undeployed", "lacking"):
        monkeypatch.setattr(setup, name, lambda *_: {})
    monkeypatch.setattr(setup, "find_webhook", lambda _: None)
    before = server.names()
    said = list(setup._lacks(server, renamed))
    assert [line.partition(" is there")[0] for line in said] == ["deployment daily/SE", "deployment gaps/SE"]
    assert server.names() == before
