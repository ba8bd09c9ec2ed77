"""A study's differences as a table: the interval, what seeds and users have in it, whether that is noise."""

from collections.abc import Iterator

from hm_pipeline.markdown import table
from hm_pipeline.studies.answer import Answer
from hm_pipeline.studies.statistics import Gap
from hm_pipeline.studies.words import bare, direction

NOISE = (
    "± beside a figure is one standard error over seeds; a model without chance is fitted once and has none. "
    "A difference has a 95% interval: `seeds` and `users` are its half from either alone (Student's t over "
    "seeds; over users paired, where all were asked the same), and their squares add. More than noise is "
    "what leaves out zero, each one judged by itself: of twenty that are nothing at most one passes by "
    "chance, and often fewer, since what one seed makes of one user is in both halves. `users only`, `seeds "
    "only`: the other noise is there and not known, so this is no verdict. `detectable`: the smallest true "
    "difference that is found in about four of five cases."
)
_COLUMNS = ("against", "difference", "95%", "seeds", "users", "detectable", "more than noise")


def differences(answer: Answer, metric: str) -> str:
    """Every setting against its reference; nothing where none is compared."""
    unit = "nats" if metric.startswith("novelty") else "percentage points"
    rows = [
        [line.label, answer.reference(line).label, *_difference(metric, line.gaps[metric])]
        for line in answer.lines
        if metric in line.gaps
    ]
    return table([f"{metric}, {unit}", *_COLUMNS], rows) if rows else ""


def _difference(metric: str, gap: Gap) -> Iterator[str]:
    reach = gap.margin
    yield bare(metric, gap.mean, "+")
    yield "-" if reach is None else " … ".join(bare(metric, gap.mean + r, "+") for r in (-reach, reach))
    for one in (gap.seeds_margin, gap.users_margin, gap.detectable):
        yield "-" if one is None else bare(metric, one)
    yield _judged(metric, gap)


def _judged(metric: str, gap: Gap) -> str:
    if gap.margin is None:
        return "-"
    if not gap.is_beyond:
        return "no"
    return f"{gap.known} only: {direction(metric, gap)}" if gap.unknown else f"**{direction(metric, gap)}**"
