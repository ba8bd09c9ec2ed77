"""What a day's drift report holds, which bands it is judged by, and how it reads."""

from datetime import date
from typing import Literal, get_args

from pydantic import Field

from hm_pipeline.frozen import Frozen
from hm_pipeline.markdown import table

Measure = Literal["volume", "users", "items", "category_mix", "unknown_items"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
COUNTS = ("volume", "users", "items")


class Band(Frozen):
    """What is usual; None: no bound on that side."""

    least: float | None = Field(None, ge=0)
    most: float | None = Field(None, ge=0)

    def holds(self, value: float) -> bool:
        """Whether a value lies inside, the bounds included."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


class DriftConfig(Frozen):
    """The `[drift]` table of a market: counts in times the usual, the others as shares."""

    volume: Band = Band(least=0.5, most=2.0)  # interactions
    users: Band = Band(least=0.5, most=2.0)  # who came
    items: Band = Band(least=0.5, most=2.0)  # different ones looked at
    category_mix: Band = Band(most=0.5)  # distance from the window before
    unknown_items: Band = Band(most=0.5)  # share of the day's items
    stops: tuple[Measure, ...] = ("category_mix", "unknown_items")  # outside its band nothing is promoted


class Finding(Frozen):
    """One measure of yesterday."""

    measure: Measure
    value: float  # a count, a distance, or a share
    usual: float | None  # the median of the days before; None where there are none
    judged: float | None  # what the band is about: value / usual of counts, the value of the others
    band: Band
    outside: bool  # never on a closed day
    stops: bool  # outside, and configured to stop a promotion


class DriftReport(Frozen):
    """A day's findings, one a measure."""

    day: date
    closed: bool  # nothing is expected of the day: nothing is judged
    weekdays: int  # the same weekdays among the days before
    days: int  # all days before
    findings: tuple[Finding, ...]

    @property
    def outside(self) -> list[Finding]:
        """What left its band."""
        return [finding for finding in self.findings if finding.outside]

    @property
    def stopping(self) -> list[Finding]:
        """What left its band and stops a promotion."""
        return [finding for finding in self.findings if finding.stops]


def words(finding: Finding) -> str:
    """A finding for a person, with its figures and its band."""
    name = finding.measure.replace("_", " ")
    if finding.judged is None and finding.usual is not None:
        return f"{name} is not known: the day has no row"
    if finding.judged is None:
        return f"{name} is {_figure(finding)} and there is no day to compare it with"
    said = f"{name} is {_figure(finding)}"
    if finding.measure in COUNTS:
        said += f", {finding.judged:.2f} times the usual {finding.usual:,.0f}"
    elif finding.usual is not None:
        said += f" where {finding.usual:.4f} is usual"
    return f"{said}; {_band_words(finding.band)} is tolerated"


def markdown(report: DriftReport) -> str:
    """The report as a table; what is outside its band is bold."""
    head = ("measure", str(report.day), "usual", "judged", "band", "")
    return table(head, map(_line, report.findings), text=(0, 5))


def _figure(finding: Finding) -> str:
    return _shown(finding.value, finding.measure)


def _shown(value: float | None, measure: Measure) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if measure in COUNTS else f"{value:.4f}"


def _band_words(band: Band) -> str:
    least = "" if band.least is None else f"at least {band.least:.2f}"
    most = "" if band.most is None else f"at most {band.most:.2f}"
    return " and ".join(part for part in (least, most) if part) or "anything"


def _line(finding: Finding) -> tuple[str, ...]:
    name, judged = finding.measure.replace("_", " "), finding.judged
    said = "-" if judged is None else f"{judged:.2f}"
    verdict = "stops a promotion" if finding.stops else "outside" if finding.outside else "as usual"
    return (
        name,
        _figure(finding),
        _shown(finding.usual, finding.measure),
        f"**{said}**" if finding.outside else said,
        _band_words(finding.band),
        verdict,
    )
