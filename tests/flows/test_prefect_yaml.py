"""deploy/prefect.yaml, deploy/automations and deploy/markets say the same; no server is asked."""

import inspect
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.client.schemas.schedules import CronSchedule

from flows.errand import LATELY
from flows.gaps import TRIES
from flows.setting_up.automations import wanted
from flows.setting_up.deployments import declared, flow_of, names, scheduled_markets
from flows.setting_up.pools import slots, work_pools
from hm_pipeline.config import load, markets

DEPLOY = Path(__file__).parents[2] / "deploy"
DEPLOYMENTS = dict(zip(names(DEPLOY), declared(DEPLOY), strict=True))
MARKETS = [market for market in markets(DEPLOY) if load(DEPLOY, market).market.nightly]


def test_prefect_reads_it_as_we_do() -> None:
    content = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
    assert len(PrefectYamlModel.model_validate(content).deployments) == len(DEPLOYMENTS)


def test_each_deployment_is_declared_once() -> None:
    assert len(declared(DEPLOY)) == len(set(names(DEPLOY)))


def test_all_markets_but_those_only_studied_have_their_nights_and_their_gap_check() -> None:
    for flow in ("daily", "gaps"):
        assert {name for name in DEPLOYMENTS if name.startswith(f"{flow}/")} == {
            f"{flow}/{m}" for m in MARKETS
        }


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployments_parameters_exist_and_those_it_lacks_have_defaults_or_are_asked_for(name: str) -> None:
    parameters = inspect.signature(flow_of(DEPLOYMENTS[name]["entrypoint"]).fn).parameters
    given = DEPLOYMENTS[name].get("parameters", {})
    assert set(given) <= set(parameters)
    if DEPLOYMENTS[name].get("schedules"):
        lacking = {p.name for p in parameters.values() if p.default is inspect.Parameter.empty} - set(given)
        assert not lacking, "a schedule cannot be asked"


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("flow", ["daily", "gaps"])
def test_a_markets_schedule_is_in_its_own_time_zone(flow: str, market: str) -> None:
    entry = DEPLOYMENTS[f"{flow}/{market}"]
    assert entry["parameters"] == {"market": market}
    assert f"market:{market}" in entry["tags"]
    (schedule,) = entry["schedules"]
    assert schedule["timezone"] == load(DEPLOY, market).market.timezone
    CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


def test_a_market_is_checked_for_gaps_exactly_where_its_nights_are_scheduled() -> None:
    active = {
        name: entry["schedules"][0]["active"]
        for name, entry in DEPLOYMENTS.items()
        if "/" in name and "schedules" in entry
    }
    assert {m for m in MARKETS if active[f"daily/{m}"]} == {m for m in MARKETS if active[f"gaps/{m}"]}
    assert set(scheduled_markets(DEPLOY)) == {m for m in MARKETS if active[f"daily/{m}"]}


def test_every_pool_of_pools_toml_trains_and_answers_on_its_work_pool() -> None:
    pools = load(DEPLOY, MARKETS[0]).pools
    for flow in ("train", "answer"):
        found = {name for name in DEPLOYMENTS if name.startswith(f"{flow}/")}
        assert found == {f"{flow}/{pool}" for pool in pools}
        for pool in pools:
            assert DEPLOYMENTS[f"{flow}/{pool}"]["work_pool"]["name"] == f"{pool}-pool"
    assert set(work_pools(DEPLOY)) == {"orchestrator-pool", *(f"{pool}-pool" for pool in pools)}


def test_what_is_exclusive_is_limited_and_the_orchestrator_is_not() -> None:
    """Parents and children on a pool of limit 1 would wait for each other for ever."""
    pools = load(DEPLOY, MARKETS[0]).pools
    exclusive = [name for name, pool in pools.items() if pool.exclusive]
    assert exclusive == ["gpu"]
    assert slots(DEPLOY) == exclusive
    assert work_pools(DEPLOY) == {"orchestrator-pool": None, "cpu-pool": None, "gpu-pool": 1}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_run_sends_heartbeats_and_phones_nobody(name: str) -> None:
    env = _environment(name)
    assert env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert env["DO_NOT_TRACK"] == "1"
    assert env["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert all(isinstance(value, str) for value in env.values())
    assert "hm" in DEPLOYMENTS[name]["tags"], "the automation for lost runs goes by this tag"


def test_those_who_have_models_trained_do_so_on_the_pools() -> None:
    dispatching = {name for name in DEPLOYMENTS if _environment(name).get("HM_DISPATCH") == "pools"}
    on_the_orchestrator = {n for n, e in DEPLOYMENTS.items() if e["work_pool"]["name"] == "orchestrator-pool"}
    assert dispatching == on_the_orchestrator


def test_three_missed_heartbeats_make_a_run_crashed() -> None:
    lost = next(a for a in wanted(DEPLOY, webhook=None, ui="") if "heartbeats" in a.name)
    trigger: Any = lost.trigger
    assert trigger.within.total_seconds() == 3 * int(
        _environment("daily/SE")["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
    )


def test_a_run_may_wait_a_quarter_of_an_hour_for_a_cold_node_and_everybody_says_how_long() -> None:
    stuck = next(a for a in wanted(DEPLOY, webhook=None, ui="") if "never began" in a.name)
    trigger, (action,) = cast(Any, stuck.trigger), stuck.actions
    minutes = f"{trigger.within.total_seconds() / 60:g} minutes"
    assert trigger.within.total_seconds() >= 1200
    told = [stuck.description, cast(Any, action).message, (DEPLOY / "README.md").read_text()]
    assert all(minutes in text for text in told)


def test_without_a_webhook_only_what_needs_none_is_made() -> None:
    made = wanted(DEPLOY, webhook=None, ui="")
    assert len(made) == 2
    assert {action.type for automation in made for action in automation.actions} == {"change-flow-run-state"}


def test_a_missing_night_is_noticed_for_each_scheduled_market_and_names_differ() -> None:
    made = [a.name for a in wanted(DEPLOY, webhook="00000000-0000-0000-0000-000000000000", ui="")]
    assert len(made) == len(set(made))
    for market in markets(DEPLOY):
        assert (f"hm: no new lists of {market}" in made) == (market in scheduled_markets(DEPLOY))


def test_a_gap_check_that_has_given_up_is_told_once_a_day_a_market() -> None:
    made = wanted(DEPLOY, webhook="00000000-0000-0000-0000-000000000000", ui="")
    trigger: Any = next(a.trigger for a in made if a.name == "hm: a gap check has given up")
    assert trigger.match_related["prefect.resource.id"] == ["prefect.tag.gaps"]
    assert {name for name, entry in DEPLOYMENTS.items() if "gaps" in entry["tags"]} == {
        f"gaps/{market}" for market in MARKETS
    }
    assert (trigger.threshold, trigger.within) == (TRIES + 1, LATELY)
    assert trigger.expect == {"prefect.flow-run.Failed"}
    assert trigger.for_each == {"related:deployment:prefect.resource.id"}


def _environment(name: str) -> dict[str, str]:
    environment: dict[str, str] = DEPLOYMENTS[name]["work_pool"]["job_variables"]["env"]
    return environment
