"""The ledger folded into who is champion now, and what `latest` must show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import assert_never

from hm_pipeline.errors import RegistryError
from hm_pipeline.registry.ledger import Decision, Entry, Erasure, ModelRef, Release, Rollback, key_of
from hm_pipeline.registry.night import Verdict


@dataclass(frozen=True)
class State:
    """Everything that follows from the entries so far."""

    line: tuple[ModelRef, ...] = ()  # champions in order of their run dates, the present one last
    challenger: ModelRef | None = None
    lists: str | None = None  # manifest uri that `latest` must show
    lists_day: date | None = None  # the run date of those lists
    newest: date | None = None  # the newest decided run date
    decisions: dict[date, Decision] = field(default_factory=dict)  # the last one of each run date
    shown: dict[date, str] = field(default_factory=dict)  # the lists last entered for each run date
    held_kinds: frozenset[str] = frozenset()
    held_versions: frozenset[int] = frozenset()
    erasures: tuple[Erasure, ...] = ()
    seq: int = 0  # of the last entry

    @property
    def champion(self) -> ModelRef | None:
        """Who is in office."""
        return self.line[-1] if self.line else None

    @property
    def previous(self) -> ModelRef | None:
        """Who was in office before, and would be again after a rollback."""
        return self.line[-2] if len(self.line) > 1 else None

    @property
    def history(self) -> list[Verdict]:
        """The verdicts that the gate pools, oldest run date first."""
        return [self.decisions[day].verdict for day in sorted(self.decisions)]


def state(entries: Iterable[Entry]) -> State:
    """The fold; entries in any order, each once, none missing: RegistryError otherwise."""
    folded = State()
    for entry in sorted(entries, key=lambda e: e.seq):
        if entry.seq != folded.seq + 1:
            raise RegistryError(
                f"the ledger has {key_of(entry.seq)} after entry {folded.seq}: {key_of(folded.seq + 1)} is "
                "missing or an entry stands there twice. Restore it from a backup before the next run."
            )
        folded = replace(_after(folded, entry), seq=entry.seq)
    return folded


def before(entries: Iterable[Entry], day: date) -> State:
    """What a run of `day` knew: decisions of earlier run dates only, all holds and releases.

    Its champion is the newest of an earlier run date, whom the candidates of `day` meet; a rollback
    counts where the model rolled back belongs to an earlier run date.
    """
    folded = State()
    for entry in sorted(entries, key=lambda e: e.seq):
        if _belongs_before(entry, day):
            folded = replace(_after(folded, entry), seq=entry.seq)
    return folded


def rollback(current: State, day: date, *, lists: str | None, reason: str = "", code: str = "") -> Rollback:
    """The entry that goes back to the previous champion; RegistryError where there is none.

    `lists` is the manifest uri of that model's lists, re-published by the caller.
    """
    if current.champion is None or current.previous is None:
        count = len(current.line)
        raise RegistryError(
            f"nothing to roll back to: the ledger knows {count} champion{'s' * (count != 1)}, a rollback "
            "needs two. Run another night, or `hm show` to look at the present lists."
        )
    return Rollback(
        seq=current.seq + 1,
        day=day,
        champion=current.previous,
        rolled_back=current.champion,
        lists=lists,
        reason=reason,
        code=code,
    )


def _belongs_before(entry: Entry, day: date) -> bool:
    match entry:
        case Decision():
            return entry.day < day
        case Rollback():
            return entry.rolled_back.day < day
        case Release() | Erasure():
            return True
        case _:
            assert_never(entry)


def _after(now: State, entry: Entry) -> State:
    match entry:
        case Decision():
            return _decided(now, entry)
        case Rollback():
            return _rolled_back(now, entry)
        case Release():
            return replace(
                now,
                held_kinds=now.held_kinds - entry.kinds,
                held_versions=now.held_versions - entry.versions,
            )
        case Erasure():
            return replace(now, erasures=(*now.erasures, entry))
        case _:
            assert_never(entry)


def _decided(now: State, entry: Decision) -> State:
    """A newer run date moves what it says; an older one is remembered and moves nothing."""
    decisions = {**now.decisions, entry.day: entry}
    if now.newest is not None and entry.day < now.newest:
        return replace(now, decisions=decisions)
    moved = entry.lists is not None
    return replace(
        now,
        line=_with(now.line, entry),
        challenger=entry.challenger,
        lists=entry.lists if moved else now.lists,
        lists_day=entry.day if moved else now.lists_day,
        shown=_shown(now, entry),
        newest=entry.day,
        decisions=decisions,
    )


def _with(line: Sequence[ModelRef], entry: Decision) -> tuple[ModelRef, ...]:
    """A run date decided again takes back its own champion, also where it promotes nobody now."""
    earlier = tuple(ref for ref in line if ref.day < entry.day)
    return earlier if entry.champion is None else (*earlier, entry.champion)


def _rolled_back(now: State, entry: Rollback) -> State:
    """The one rolled back leaves the line, so that the next rollback goes back one more."""
    line = tuple(ref for ref in now.line if ref != entry.rolled_back)
    moved = entry.lists is not None
    return replace(
        now,
        line=line if line and line[-1] == entry.champion else (*line, entry.champion),
        challenger=now.challenger if now.challenger != entry.champion else None,
        lists=entry.lists if moved else now.lists,
        lists_day=entry.day if moved else now.lists_day,
        shown=_shown(now, entry),
        held_kinds=now.held_kinds | {entry.rolled_back.kind},
        held_versions=now.held_versions | {entry.rolled_back.version},
    )


def _shown(now: State, entry: Decision | Rollback) -> dict[date, str]:
    return now.shown if entry.lists is None else {**now.shown, entry.day: entry.lists}
