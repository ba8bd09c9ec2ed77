"""What was measured, one JSON line each: the tables need nothing else, and a row that is complete is not
measured again."""

from typing import Annotated, Literal

from lines import Lines
from pydantic import Field, TypeAdapter

from hm_pipeline.frozen import Frozen


class Round(Frozen):
    """One turn of one contender."""

    record: Literal["round"] = "round"
    run: str  # all rounds of one run of a row have the same: ratios are taken inside it
    row: str
    contender: str
    number: int  # 0: the trial that chose the threads
    threads: int
    seconds: float
    cpu: float  # seconds of all its threads
    steps: int = 0
    targets: int = 0
    useful_gflop: float = 0.0  # of positions that are no padding
    done_gflop: float = 0.0  # with padding; for the matrix peak, what was multiplied
    peak_mib: float

    @property
    def rate(self) -> float:
        """Targets a second."""
        return self.targets / self.seconds

    @property
    def gflop_rate(self) -> float:
        """GFLOP/s, those of padding too."""
        return self.done_gflop / self.seconds


class Equal(Frozen):
    """The mean loss over the same targets with the same weights, cut in two ways."""

    record: Literal["equal"] = "equal"
    run: str
    contender: str
    targets: int
    share: float  # of all training targets: those whose whole past fits in max_history
    ours: float
    theirs: float

    @property
    def relative(self) -> float:
        """The difference as a share."""
        return abs(self.ours - self.theirs) / self.ours


class Done(Frozen):
    """A row is complete."""

    record: Literal["done"] = "done"
    run: str
    row: str
    rounds: int
    machine: str


Record = Annotated[Round | Equal | Done, Field(discriminator="record")]


class Journal(Lines[Record]):
    """What was measured, by question."""

    kind: TypeAdapter[Record] = TypeAdapter(Record)

    def done(self, row: str) -> Done | None:
        """The newest complete run of a row."""
        runs = [r for r in self.all() if isinstance(r, Done) and r.row == row]
        return runs[-1] if runs else None

    def rounds(self, run: str) -> list[Round]:
        """All turns of a run, the trials too."""
        return [r for r in self.all() if isinstance(r, Round) and r.run == run]

    def equals(self, run: str) -> list[Equal]:
        """What was shown to have one loss in a run."""
        return [r for r in self.all() if isinstance(r, Equal) and r.run == run]
