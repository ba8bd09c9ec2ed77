"""A stage's result lies under the digest of all that made it, and is computed once.

{root}/{market}/{day}/{stage}/{digest}/manifest.json     written last: without it nothing is there
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from hm_pipeline.errors import NotThereError
from hm_pipeline.frozen import Frozen, digest_of
from hm_pipeline.progress import Step
from hm_pipeline.storage import find, materialise, publish
from tasks import ledger
from tasks.code import code_digest
from tasks.erase_list import erase_list
from tasks.forgetting import forget
from tasks.progress import tell
from tasks.retry import again_on_conflict
from tasks.run import Run
from tasks.scratch import scratch
from tasks.settings import settings

T = TypeVar("T")


class Stored(Frozen, Generic[T]):
    """Where a T lies: all that travels between tasks, so that two workers share nothing but storage."""

    prefix: str  # key below the root
    facts: dict[str, Any] = {}  # small figures, kept in the manifest
    reused: bool = False  # found, not computed

    @property
    def digest(self) -> str:
        """Of what it was made from."""
        return self.prefix.rsplit("/", 1)[-1]

    def folder(self) -> Path:
        """A local folder with its files. NotThereError where nothing whole lies.

        An erasure may rewrite it while it is read: then it is read again, and knows who is erased.
        """
        return again_on_conflict(self._folder, tries=3)

    def _folder(self) -> Path:
        storage = settings().storage
        manifest = find(storage, self.prefix)
        if manifest is None:
            raise NotThereError(f"{storage.uri}/{self.prefix} has no manifest: run that day again")
        return materialise(storage, manifest, settings().work / "cache")


def stored(prefix: str) -> Stored[Any]:
    """What lies under a prefix, with its facts. NotThereError where nothing whole does."""
    storage = settings().storage
    manifest = find(storage, prefix)
    if manifest is None:
        raise NotThereError(f"{storage.uri}/{prefix} has no manifest: run that day again")
    return Stored(prefix=prefix, facts=manifest.facts, reused=True)


def address(run: Run, stage: str, made_from: object, rooms: tuple[str, ...]) -> str:
    """The prefix of a stage's result: the same inputs, configuration and code have the same one."""
    return f"{run.market}/{run.day}/{stage}/{digest_of(made_from, code_digest(*rooms))}"


def kept(
    run: Run,
    stage: str,
    made_from: object,
    rooms: tuple[str, ...],
    produce: Callable[[Path], dict[str, Any]],
    *,
    title: str = "",
) -> Stored[Any]:
    """The stage's stored result; `produce` writes it into an empty folder and returns its facts.

    The facts remember under `took` how long that was. Where users were forgotten while it was made, of what
    may have held them, they are taken out of it as well.

    `made_from` is everything (JSON-able) that the result depends on besides the code in `rooms`.
    """
    prefix = address(run, stage, made_from, rooms)
    storage, title = settings().storage, title or stage
    found = find(storage, prefix)
    if found is not None:
        tell(Step(title, 1, 1, "already there"))
        return Stored(prefix=prefix, facts=found.facts, reused=True)
    tell(Step(title, 0, 1))
    before = ledger.erasures(run.market)
    with scratch() as folder:
        start = time.perf_counter()
        facts = produce(folder)
        facts |= {"took": {"title": title, "seconds": time.perf_counter() - start}}
        manifest = publish(storage, prefix, folder, facts)
    if ledger.erasures(run.market) != before:
        again_on_conflict(lambda: forget(prefix, erase_list(run.market)), tries=3)
    tell(Step(title, 1, 1, str(facts.get("said", ""))))
    return Stored(prefix=prefix, facts=manifest.facts)
