"""By hand: back to the champion before, and letting what was held compete again."""

from datetime import date
from typing import Any

from flows.display import console, live
from hm_pipeline.config import RunConfig, load
from hm_pipeline.errors import HmPipelineError, RegistryError
from hm_pipeline.registry.ledger import Release, Rollback
from hm_pipeline.registry.state import State
from hm_pipeline.registry.state import rollback as rollback_entry
from hm_pipeline.storage import find
from tasks import ledger, register
from tasks.code import revision
from tasks.commit import show
from tasks.lists import examine, recommend
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import stored


def roll_back(market: str, reason: str) -> None:
    """The champion before answers the newest histories; ledger first, then pointer, then aliases.

    Storage is all that it needs: a rollback is wanted when things are broken, and MLflow may be one of them.
    """
    with live(f"{market} · rollback"):
        config = load(settings().config, market)
        now = ledger.current(market)
        show(market, now)
        day = now.lists_day or now.newest
        entry = rollback_entry(now, day or date.min, lists=None, reason=reason, code=revision())
        lists = _fresh_lists(config, now, entry)

        def write(state: State) -> Rollback:
            if (state.champion, state.lists) != (now.champion, now.lists):
                raise RegistryError(f"market {market}: another run promoted meanwhile; look, then try again")
            return entry.model_copy(update={"seq": state.seq + 1, "lists": lists})

        ledger.amend(market, write)
        _show(market, entry.day)
    back, gone = entry.champion, entry.rolled_back
    console.print(
        f"{back.kind} of {back.day} (version {back.version}) is champion again; its lists are published"
    )
    console.print(f"{gone.kind} and version {gone.version} are held until `hm release --market {market}`")
    _align(market, entry.day)


def release_holds(market: str, reason: str) -> None:
    """Nothing is held any more; who competes next is decided by the next night."""
    load(settings().config, market)  # an unknown market is answered with those that are known

    def write(state: State) -> Release:
        if not state.held_kinds and not state.held_versions:
            raise RegistryError(f"market {market}: nothing is held, so there is nothing to release")
        return Release(
            seq=state.seq + 1,
            day=state.newest or date.min,
            kinds=state.held_kinds,
            versions=state.held_versions,
            reason=reason,
            code=revision(),
        )

    entry = ledger.amend(market, write)
    assert isinstance(entry, Release)
    console.print(f"released: {', '.join(sorted(entry.kinds))}, versions {sorted(entry.versions)}")


def _show(market: str, day: date) -> None:
    """The pointer after the ledger; a failure here must not read like a failed rollback."""
    try:
        show(market, ledger.current(market))
    except HmPipelineError as error:
        raise RegistryError(
            f"market {market}: the rollback is in the ledger, but latest.json does not show it yet "
            f"({error}). Do not roll back again: the next night shows it; sooner, once that is repaired: "
            f"`hm run --market {market} --day {day}`"
        ) from error


def _align(market: str, day: date) -> None:
    """MLflow's aliases, last: no reader of lists depends on them, and each night sets them by the ledger."""
    try:
        with live(f"{market} · aliases in MLflow"):
            register.align_aliases(market)
    except HmPipelineError as error:
        console.print(
            f"the rollback stands, but MLflow's aliases do not say so yet ({error}). The next night sets "
            f"them; sooner, once MLflow answers: `hm run --market {market} --day {day}`",
            markup=False,
        )


def _fresh_lists(config: RunConfig, now: State, entry: Rollback) -> str:
    """The manifest prefix of the restored champion's answers to the histories behind the present lists.

    PublishError where they are not fit to be shown.
    """
    shown = shown_lists(config.market.name, now)
    run = Run(config=config, day=entry.day, inputs="rollback")
    everything = stored(shown["samples"])
    lists = recommend.fn(run, everything, entry.champion)
    assert lists is not None
    examine.fn(run, everything, lists)
    return lists.prefix


def shown_lists(market: str, now: State) -> dict[str, Any]:
    """The facts of the lists that `latest` shows. RegistryError where nothing was published yet."""
    manifest = find(settings().storage, now.lists) if now.lists else None
    if manifest is None:
        raise RegistryError(f"market {market}: nothing is published yet; run a night first (hm run --help)")
    return manifest.facts
