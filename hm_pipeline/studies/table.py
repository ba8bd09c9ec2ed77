"""An answer as markdown: the sentence, the figures, the differences, what to know before believing them."""

from collections.abc import Iterator

from hm_pipeline.evaluation.table import lower_is_better
from hm_pipeline.markdown import table
from hm_pipeline.studies.answer import Answer, Line
from hm_pipeline.studies.recommended import recommended
from hm_pipeline.studies.statistics import Gap, Spread
from hm_pipeline.studies.words import bare, reasons, sentence

_NOISE = (
    "± beside a figure is one standard error over seeds; a model without chance is fitted once and has none. "
    "A difference has a 95% interval: `seeds` and `users` are its half from either alone (Student's t; "
    "paired, of hr and ndcg), and their squares add. More than noise is what leaves out zero, each one "
    "judged by itself: of twenty that are nothing, one passes by chance. `detectable`: the smallest true "
    "difference that is found in four of five cases."
)
_ITEMS = (
    "Recommended items: popularity is training interactions, age days since launch; of each setting's "
    "first fit, over all lists; items.png has every place, with error bands, and the mix of categories."
)


def markdown(answer: Answer) -> str:
    """The whole answer; its figures are called answer.png and items.png."""
    parts = [
        f"# {answer.study.question}",
        sentence(answer),
        _figures(answer),
        *(_differences(answer, metric) for metric in answer.study.metrics[:1]),
        recommended(answer),
        _read(answer),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def _figures(answer: Answer) -> str:
    """Every metric of every setting, the thesis's beside ours where it has one."""
    known = {metric for line in answer.lines for metric in (*line.figures, *line.thesis)}
    metrics = [metric for metric in answer.study.metrics if metric in known]
    theirs = [m for m in metrics if any(m in line.thesis for line in answer.lines)]
    columns = [(m, old) for m in metrics for old in ((False, True) if m in theirs else (False,))]
    head = ["setting", *(f"{m}, thesis" if old else m for m, old in columns), "s a fit"]
    rows = [
        [
            line.label,
            *(_thesis(line, m) if old else _figure(line, m) for m, old in columns),
            "-" if line.seconds is None else f"{line.seconds:,.0f}",
        ]
        for line in answer.lines
    ]
    return table(head, rows)


def _figure(line: Line, metric: str) -> str:
    found = line.figures.get(metric)
    return "not identifiable" if line.not_identifiable else "-" if found is None else _spread(metric, found)


def _spread(metric: str, found: Spread) -> str:
    error = "" if found.se is None else f" ±{bare(metric, found.se)}"
    sign = "" if metric.startswith("novelty") else "%"
    return f"{bare(metric, found.mean)}{sign}{error}"


def _thesis(line: Line, metric: str) -> str:
    return f"{line.thesis[metric]:g}" if metric in line.thesis else "-"


def _differences(answer: Answer, metric: str) -> str:
    """Against the reference: the interval, what seeds and users have in it, what would have been found."""
    unit = "nats" if metric.startswith("novelty") else "percentage points"
    head = [
        f"{metric}, {unit}",
        "against",
        "difference",
        "95%",
        "seeds",
        "users",
        "detectable",
        "more than noise",
    ]
    rows = [
        [line.label, answer.reference(line).label, *_difference(metric, line.gaps[metric])]
        for line in answer.lines
        if metric in line.gaps
    ]
    return table(head, rows) if rows else ""


def _difference(metric: str, gap: Gap) -> Iterator[str]:
    reach = gap.margin
    yield bare(metric, gap.mean, "+")
    yield "-" if reach is None else " … ".join(bare(metric, gap.mean + r, "+") for r in (-reach, reach))
    for one in (gap.seeds_margin, gap.users_margin, gap.detectable):
        yield "-" if one is None else bare(metric, one)
    yield "-" if reach is None else _judged(metric, gap)


def _judged(metric: str, gap: Gap) -> str:
    good = (gap.mean > 0) != lower_is_better(metric)
    return ("**better**" if good else "**worse**") if gap.is_more_than_noise else "no"


def _read(answer: Answer) -> str:
    """Who was asked, how often, and what ± means."""
    study, traits = answer.study, answer.traits
    seeds = "one seed" if len(study.seeds) == 1 else f"{len(study.seeds)} paired seeds"
    lines = [
        f"Market `{answer.market}`, run date {answer.day}, profile `{answer.profile}`, protocol "
        f"`{study.protocol}` ({answer.holdout}), {answer.users:,} users asked, {seeds}.",
        _NOISE,
        f"The log: {traits.interactions:,} interactions of {traits.users:,} users with {traits.items:,} "
        f"items; {traits.returning:.1%} of the users return on another day; a history has "
        f"{traits.median_length:g} in the median, {traits.longest} at most; {traits.tied:.0%} of a day's "
        "neighbours have one stamp.",
        *(f"Not identifiable: {reason}." for reason in reasons(answer)),
    ]
    if any(line.profile for line in answer.lines):
        lines.append(_ITEMS)
    if study.thesis is not None:
        lines.append(f"Thesis: {study.thesis.source}, on H&M's own data; per cent, novelty in its own unit.")
    return "\n".join(f"- {line}" for line in lines)
