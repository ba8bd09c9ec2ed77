"""What the gate is told about one night, and what it answers: plain numbers, nothing else.

candidates              kind -> how it did on the arrivals of D-1
against_champion        kind -> its HR minus the champion's, user by user
against_heir            kind -> its HR minus the HR of tonight's candidate of the champion's own kind
"""

from datetime import date
from typing import Literal

from pydantic import Field

from hm_pipeline.data.drift_report import DriftReport
from hm_pipeline.evaluation.paired import Difference
from hm_pipeline.frozen import Frozen

Step = Literal["first", "own kind", "other kind", "stays", "older day"]
"""What settled it: nobody was there before, step 1, step 2, nothing was promoted, the day is too old."""


class GateConfig(Frozen):
    """When a model may replace the champion. Rails that are None are not looked at."""

    margin: float = Field(0.01, ge=0)  # HR, absolute: how much worse the champion's own kind may be
    z: float = Field(1.64, ge=0)  # standard errors by which another kind must be better
    pool_nights: int = Field(7, ge=1)  # decided nights whose differences are pooled, tonight included
    nights_running: int = Field(2, ge=1)  # decided nights in a row another kind must pass
    min_targets: int = Field(200, ge=0)  # users who arrived on D-1; with fewer nothing is promoted
    min_coverage: float | None = None  # of the candidate's lists
    min_personalization: float | None = None  # of the candidate's lists
    max_mix_distance: float | None = None  # category mix of the lists against the window's mix


class Champion(Frozen):
    """Who is in office: the newest champion of an earlier run date."""

    kind: str
    day: date  # the run date that made it
    version: int | None = None


class Candidate(Frozen):
    """One kind's numbers tonight; None where something could not be measured."""

    validation_hr: float | None = None  # on the validation users: the only number that chooses
    hr: float | None = None  # on the arrivals of D-1: for the words only
    coverage: float | None = None
    personalization: float | None = None
    mix_distance: float | None = None
    floor: bool = False  # popularity, repeat, …: a win of it is said plainly


class Night(Frozen):
    """All that the gate looks at for one run date."""

    day: date
    targets: int  # users who arrived on D-1
    champion: Champion | None = None
    newest: date | None = None  # the newest run date that was decided before, whatever its outcome
    candidates: dict[str, Candidate]
    against_champion: dict[str, Difference] = Field(default_factory=dict)
    against_heir: dict[str, Difference] = Field(default_factory=dict)
    drift: DriftReport | None = None  # of the newest day; what `[drift]` says may stop the night
    held_kinds: frozenset[str] = frozenset()


class Meeting(Frozen):
    """A kind against the incumbent's kind in one night: what later nights pool."""

    difference: Difference
    passed: bool = False  # it was the one to meet the incumbent, and was better by z errors


class Trial(Frozen):
    """One comparison the verdict rests on, with the numbers that decided it."""

    challenger: str
    incumbent: str
    step: Step
    mean: float
    se: float | None
    needed: float  # the mean that would have been enough
    users: int
    nights: int
    passed: bool


class Verdict(Frozen):
    """Who is champion after this night, and why."""

    day: date
    promote: bool
    winner: str | None  # the kind in office after this night; None: nobody, or the day is too old to say
    step: Step
    reason: str
    incumbent: str | None = None  # the kind that others met in step 2
    challenger: str | None = None  # the best other kind on validation
    trials: tuple[Trial, ...] = ()
    meetings: dict[str, Meeting] = Field(default_factory=dict)

    @property
    def promoted(self) -> str | None:
        """The kind whose candidate becomes champion; None where nobody does."""
        return self.winner if self.promote else None
