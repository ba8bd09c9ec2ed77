"""Runs on other machines, against a real Prefect API; here the tests are the workers, and set the states."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import Flow, flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Cancelling, Completed, Crashed, Failed, Pending, Running
from prefect.testing.utilities import prefect_test_harness

from flows import dispatch
from flows import errand as errands
from flows.dispatch import cancel_children, carry_out
from flows.errand import MOST_CRASHES, Child, Errand
from hm_pipeline.errors import DispatchError

pytestmark = pytest.mark.services


@flow(name="work")
def work(thing: str) -> None:
    """What the errands ask for."""


@pytest.fixture(scope="module")
def client() -> Iterator[SyncPrefectClient]:
    with prefect_test_harness(server_startup_timeout=200), get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="far-pool", type="process"))
        client.create_work_pool(WorkPoolCreate(name="empty-pool", type="process"))
        client.create_deployment(client.create_flow(work), name="far", work_pool_name="far-pool")
        client.create_deployment(client.create_flow(work), name="empty", work_pool_name="empty-pool")
        yield client


@pytest.fixture(autouse=True)
def a_worker_lives(client: SyncPrefectClient) -> None:
    client.send_worker_heartbeat("far-pool", "somebody")


def errand(*, place: str = "far", key: str = "", is_done: Callable[[], bool] = lambda: True) -> Errand:
    return Errand(
        name="a thing",
        deployment=f"work/{place}",
        pool=f"{place}-pool",
        parameters={"thing": "hat"},
        key=key or uuid4().hex,
        is_done=is_done,
        wait_minutes=1e-6,
    )


def becomes(client: SyncPrefectClient, run: FlowRun, *states: State) -> None:
    for state in states:
        client.set_flow_run_state(run.id, state, force=True)


def test_whoever_asks_again_is_given_the_run_that_lives(client: SyncPrefectClient) -> None:
    wanted = errand()
    first = Child.of(wanted)
    assert Child.of(wanted).run.id == first.run.id
    becomes(client, first.run, Pending(), Running())
    assert Child.of(wanted).run.id == first.run.id
    assert first.run.parameters == {"thing": "hat"}


@pytest.mark.parametrize("end", [Failed(), Crashed(), Cancelled()], ids=lambda state: state.name)
def test_a_dead_run_is_passed_by(client: SyncPrefectClient, end: State) -> None:
    wanted = errand()
    first = Child.of(wanted)
    becomes(client, first.run, end)
    second = Child.of(wanted)
    assert second.run.id != first.run.id
    assert Child.of(wanted).run.id == second.run.id


def test_what_completed_and_is_there_is_not_done_twice(client: SyncPrefectClient) -> None:
    there = True
    wanted = errand(is_done=lambda: there)
    first = Child.of(wanted)
    becomes(client, first.run, Completed())
    again = Child.of(wanted)
    assert again.run.id == first.run.id
    assert again.look()
    there = False  # erased since
    assert Child.of(wanted).run.id != first.run.id


def test_an_errand_is_tried_so_often_and_no_more(client: SyncPrefectClient) -> None:
    wanted = errand()
    wanted = Errand(**{**vars(wanted), "attempts": 2})
    for _ in range(2):
        becomes(client, Child.of(wanted).run, Failed(message="no hats"))
    with pytest.raises(DispatchError, match=r"2 runs of it ended without a result within 24 hours.*no hats"):
        Child.of(wanted)


def test_what_died_more_than_a_day_ago_is_not_counted(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Errand(**{**vars(errand()), "attempts": 1, "by_hand": "prefect deployment run work/far"})
    first = Child.of(wanted)
    becomes(client, first.run, Failed(message="no hats"))
    with pytest.raises(DispatchError, match=r"To start it now: prefect deployment run work/far\."):
        Child.of(wanted)
    monkeypatch.setattr(errands, "LATELY", timedelta(0))
    assert Child.of(wanted).run.id != first.run.id


@pytest.mark.parametrize(
    ("end", "said"), [(Failed(message="no hats"), "no hats"), (Cancelled(), "Cancelled")]
)
def test_a_failure_or_cancellation_of_the_run_is_the_errands(
    client: SyncPrefectClient, end: State, said: str
) -> None:
    there = False
    child = Child.of(errand(is_done=lambda: there))
    becomes(client, child.run, Pending(), Running())
    assert not child.look()
    becomes(client, child.run, end)
    with pytest.raises(DispatchError, match=said):
        child.look()
    there = True  # it had stored what was wanted before it failed
    assert child.look()


def test_what_hangs_is_cancelled(client: SyncPrefectClient) -> None:
    child = Child.of(Errand(**{**vars(errand()), "most_minutes": 0}))
    becomes(client, child.run, Pending(), Running())
    assert not child.look(), "it has only begun"
    assert not child.look()
    assert client.read_flow_run(child.run.id).state_name == "Cancelling"


def test_what_nobody_ends_though_it_was_told_to_stop_is_given_up(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = False
    child = Child.of(errand(is_done=lambda: there))
    becomes(client, child.run, Pending(), Running(), Cancelling(message="it hung"))
    assert [child.look() for _ in range(3)] == [False] * 3, "its worker may still end it"
    monkeypatch.setattr(errands, "STOP_MINUTES", 0)
    assert not child.look()
    with pytest.raises(
        DispatchError, match=r"ended Cancelled \(it hung; .*a machine of far-pool.*end it there"
    ):
        child.look()
    there = True  # its process had gone on
    assert child.look()


def test_how_a_run_ended_by_itself_stays_as_it_is(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "STOP_MINUTES", 0)
    child = Child.of(errand(is_done=lambda: False))
    becomes(client, child.run, Pending(), Running(), Cancelling())
    assert not child.look()
    becomes(client, child.run, Cancelled(message="by its worker"))
    with pytest.raises(DispatchError, match="by its worker"):
        child.look()


def test_the_work_of_a_lost_machine_is_taken_up(client: SyncPrefectClient) -> None:
    child = Child.of(errand(is_done=lambda: False))
    lost = []
    for _ in range(MOST_CRASHES):
        lost.append(child.run.id)
        becomes(client, child.run, Pending(), Running(), Crashed(message="no heartbeat"))
        assert not child.look()
        assert child.run.id not in lost
    becomes(client, child.run, Crashed(message="no heartbeat"))
    with pytest.raises(DispatchError, match="no heartbeat"):
        child.look()


def test_a_run_that_completed_somewhere_else_is_an_error(client: SyncPrefectClient) -> None:
    child = Child.of(errand(is_done=lambda: False))
    becomes(client, child.run, Completed())
    with pytest.raises(DispatchError, match="other code or another HM_ROOT"):
        child.look()


def test_a_pool_without_a_worker_ends_in_an_error_that_names_it(client: SyncPrefectClient) -> None:
    child = Child.of(errand(place="empty"))
    assert not child.look(), "it has only begun to wait"
    with pytest.raises(DispatchError, match="prefect worker start --pool empty-pool"):
        child.look()
    assert client.read_flow_run(child.run.id).state_name == "Crashed"


def test_a_run_that_queues_behind_others_waits(client: SyncPrefectClient) -> None:
    child = Child.of(errand())
    assert [child.look() for _ in range(3)] == [False] * 3


def test_a_deployment_that_is_not_there_is_named(client: SyncPrefectClient) -> None:
    with pytest.raises(DispatchError, match=r"no deployment work/nowhere.*hm set-up"):
        Child.of(errand(place="nowhere"))


def test_one_that_fails_stops_no_other_and_all_are_named(
    client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [uuid4().hex for _ in range(4)]
    seen: list[int] = []
    done: set[str] = set()

    def wanted(key: str) -> Errand:
        return errand(key=key, is_done=lambda: key in done)

    def work_a_while(_: float) -> None:
        """The worker: the second and the last fail; at most two live at a time."""
        live = [Child.of(wanted(key)).run for key in keys[: 2 + 2 * bool(seen)]]
        for number, run in enumerate(live):
            if number not in seen:
                seen.append(number)
                done.update({keys[number]} if number % 2 == 0 else ())
                becomes(client, run, Failed(message=f"hat {number}") if number % 2 else Completed())

    monkeypatch.setattr(dispatch.time, "sleep", work_a_while)
    with pytest.raises(DispatchError, match=r"(?s)2 of 4 did not come.*hat 1.*hat 3"):
        carry_out([wanted(key) for key in keys], at_once=2)
    assert seen == [0, 1, 2, 3]


def test_one_that_is_not_tried_any_more_stops_no_other(client: SyncPrefectClient) -> None:
    hopeless = Errand(**{**vars(errand(is_done=lambda: False)), "attempts": 1})
    becomes(client, Child.of(hopeless).run, Failed(message="no hats"))
    other = errand()
    becomes(client, Child.of(other).run, Completed())
    with pytest.raises(DispatchError, match=r"(?s)1 of 2 did not come.*no hats"):
        carry_out([hopeless, other], at_once=1)


def test_who_cancels_a_run_cancels_its_children(client: SyncPrefectClient) -> None:
    children: list[Child] = []

    @flow(name="parent")
    def parent() -> None:
        children.extend(Child.of(errand()) for _ in range(3))

    parent()
    becomes(client, children[1].run, Completed())
    becomes(client, children[2].run, Pending(), Running())
    task = client.read_task_run(children[0].run.parent_task_run_id)
    me = client.read_flow_run(task.flow_run_id)
    cancel_children(parent, me, Cancelled())
    ended = [client.read_flow_run(child.run.id).state_name for child in children]
    assert ended == ["Cancelled", "Completed", "Cancelling"]
    assert Child.of(children[2].errand).run.id != children[2].run.id, "nobody attaches to what is ending"


def waiting(client: SyncPrefectClient, wanted: Errand) -> tuple[Flow[..., Any], FlowRun, Child]:
    """A parent that goes on, and the run that it waits for."""
    children: list[Child] = []

    @flow(name="parent")
    def parent() -> UUID:
        children.append(Child.of(wanted))
        return UUID(flow_run.id)

    me = parent()
    client.set_flow_run_state(me, Running(), force=True)
    return parent, client.read_flow_run(me), children[0]


def test_a_run_that_was_found_alive_is_cancelled_with_the_last_that_waits_for_it(
    client: SyncPrefectClient,
) -> None:
    wanted = errand()
    parent, first, child = waiting(client, wanted)
    _, second, same = waiting(client, wanted)
    assert same.run.id == child.run.id
    becomes(client, child.run, Pending(), Running())
    becomes(client, first, Cancelling())
    cancel_children(parent, first, Cancelling())
    assert client.read_flow_run(child.run.id).state_name == "Running", "another one waits for it"
    becomes(client, first, Cancelled())
    becomes(client, second, Cancelling())
    cancel_children(parent, second, Cancelling())
    assert client.read_flow_run(child.run.id).state_name == "Cancelling"
