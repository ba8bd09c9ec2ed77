"""What was measured of preprocessing, one JSON line a turn."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

from lines import Lines
from pydantic import TypeAdapter

from hm_pipeline.frozen import Frozen

Engine = Literal["library", "duckdb", "pandas"]


class Turn(Frozen):
    """One engine, one whole process."""

    record: Literal["turn"] = "turn"
    run: str  # ratios are taken inside it
    number: int
    engine: Engine
    millions: int
    rows: int  # that were kept, purchases among them
    seconds: float
    cpu: float  # seconds of all threads
    mib: float  # held at most
    parts: dict[str, float]  # seconds inside the process
    result: str  # digest: the same for everybody


class Journal(Lines[Turn]):
    """What was measured, by size."""

    kind: TypeAdapter[Turn] = TypeAdapter(Turn)

    def newest(self) -> dict[int, list[Turn]]:
        """The turns of the newest run of each size, the smallest first."""
        runs = {turn.millions: turn.run for turn in self.all()}
        return {
            millions: [turn for turn in self.all() if turn.run == runs[millions]] for millions in sorted(runs)
        }


def of(engine: Engine, turns: Sequence[Turn]) -> list[Turn]:
    """An engine's own."""
    return [turn for turn in turns if turn.engine == engine]


def seconds(turns: Sequence[Turn], part: str | None = None) -> float:
    """The median of the turns, or of one part of each."""
    return median(turn.parts[part] if part else turn.seconds for turn in turns)
