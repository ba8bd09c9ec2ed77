"""Prefect's server, asked over HTTP as its UI does."""

import time
from typing import Any

import patient

ALIVE = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "PAUSED")
OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Prefect:
    """A server that may be away for a while: it is asked again."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/api"
        self._deployments: dict[str, str] = {}

    def start(self, deployment: str, name: str, **parameters: Any) -> str:
        """Begin a run of a deployment; its id."""
        body = {"parameters": parameters, "name": name}
        return str(self.ask(f"deployments/{self._id(deployment)}/create_flow_run", body)["id"])

    def state(self, run: str) -> str:
        """The type of a run's state."""
        return str(self.ask(f"flow_runs/{run}")["state_type"])

    def told(self, run: str) -> str:
        """A run's state with its message."""
        state = self.ask(f"flow_runs/{run}")["state"]
        return f"{state['name']}: {state.get('message') or ''}"

    def ended(self, run: str, seconds: float) -> str:
        """The type of the run's last state; of its present one where it does not end in that time."""
        end = time.monotonic() + seconds
        while (state := self.state(run)) not in OVER and time.monotonic() < end:
            time.sleep(0.5)
        return state

    def runs(self, states: tuple[str, ...], deployment: str | None = None) -> list[dict[str, Any]]:
        """The runs in these states, newest first."""
        which: dict[str, Any] = {"flow_runs": {"state": {"type": {"any_": list(states)}}}}
        if deployment is not None:
            which["deployments"] = {"id": {"any_": [self._id(deployment)]}}
        found: list[dict[str, Any]] = self.ask("flow_runs/filter", which | {"sort": "START_TIME_DESC"})
        return found

    def slots_held(self, limit: str) -> float:
        """How many places of a global limit are taken."""
        found = self.ask("v2/concurrency_limits/filter", {})
        return float(next(one["active_slots"] for one in found if one["name"] == limit))

    def _id(self, deployment: str) -> str:
        if deployment not in self._deployments:
            self._deployments[deployment] = str(self.ask(f"deployments/name/{deployment}")["id"])
        return self._deployments[deployment]

    def ask(self, path: str, body: dict[str, Any] | None = None, patience: float = 300) -> Any:
        """Its answer; a POST where there is a body."""
        return patient.ask(f"{self.url}/{path}", body, patience=patience)
