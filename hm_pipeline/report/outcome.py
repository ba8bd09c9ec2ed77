"""A night, told to a person: what the terminal, the markdown page and the HTML page are made from."""

from datetime import date

from hm_pipeline.data.drift_report import DriftReport
from hm_pipeline.evaluation.longevity import Pooled
from hm_pipeline.evaluation.table import Table
from hm_pipeline.frozen import Frozen
from hm_pipeline.registry.ledger import ModelRef


class StageCost(Frozen):
    """What one stored stage took when it was made."""

    stage: str  # "train lstm"
    seconds: float
    price: float | None = None  # of a fit, in the currency of the pools
    reused: bool = False  # not in this run: it lay there


class Outcome(Frozen):
    """All that a night leaves to read."""

    market: str
    day: date
    profile: str
    users_asked: int
    places: int | None = None  # of a list; None in reports of older code
    target: str = "first"  # which arrival was asked about: the first, or the last of the day
    verdict: str  # in words
    overtaken: bool = False  # a newer day was decided before: nothing moved
    ledger_entry: int  # that holds it
    champion: ModelRef | None  # in office after this night, as far as this day decides
    hit_ratios: dict[str, float] = {}  # of each model; empty in reports of older code
    table: Table
    prices: dict[str, float]  # of each fit, in `currency`
    currency: str
    lists: str | None  # folder or uri with lists.parquet and default.parquet
    published_hr: float | None
    notes: tuple[str, ...]
    drift: DriftReport | None = None  # of the newest day; None in reports of older code
    ageing: tuple[Pooled, ...] = ()  # the champions' HR by age, of all nights so far
    stages: tuple[StageCost, ...] = ()  # what each stage took
    page: str | None = None  # path or uri of report.html; known to who reads it back
    reused: bool = False  # everything was there already

    @property
    def price(self) -> float:
        """Of all fits, in `currency`."""
        return sum(self.prices.values())

    @property
    def promoted(self) -> bool:
        """Whether the champion is this night's."""
        return self.champion is not None and self.champion.day == self.day

    @property
    def own(self) -> str | None:
        """The champion among the table's models: tonight's candidate, or `champion`, as it stood before."""
        name = self.champion and (self.champion.kind if self.promoted else "champion")
        return name if name in self.table.models else None
