"""An answer as markdown: the sentence, the figures, the differences, what to know before believing them."""

from collections.abc import Iterator

from hm_pipeline.markdown import table
from hm_pipeline.studies.answer import Answer, Line
from hm_pipeline.studies.differences import NOISE, differences
from hm_pipeline.studies.recall import AnnRecall
from hm_pipeline.studies.recommended import recommended
from hm_pipeline.studies.statistics import Spread
from hm_pipeline.studies.words import bare, reasons, sentence

_ITEMS = (
    "Recommended items: popularity is training interactions, age days since launch; of each setting's "
    "first fit, over all lists; items.png has every place, with error bands, and the mix of categories."
)
_VOCABULARIES = (
    "Samples differ between settings, and so do their vocabularies: coverage, novelty and what else is "
    "counted over a vocabulary are not of the same items."
)
_ANN = "ANN recall: the share of the items of exact lists that the approximate search finds."


def markdown(answer: Answer) -> str:
    """The whole answer; its figures are called answer.png and items.png."""
    parts = [
        f"# {answer.study.question}",
        sentence(answer),
        _figures(answer),
        *(differences(answer, metric) for metric in answer.study.metrics[:1]),
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
    ann = any(line.ann for line in answer.lines)
    head = ["setting", *(f"{m}, thesis" if old else m for m, old in columns)]
    head += [*(["ANN recall"] if ann else []), "s a fit"]
    rows = [
        [
            line.label,
            *(_thesis(line, m) if old else _figure(line, m) for m, old in columns),
            *([_recall(line.ann)] if ann else []),
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


def _recall(found: AnnRecall | None) -> str:
    if found is None:
        return "-"
    return f"{found.mean:.1%}" + ("" if found.met else f", below its target of {found.target:.4g}")


def _thesis(line: Line, metric: str) -> str:
    return f"{line.thesis[metric]:g}" if metric in line.thesis else "-"


def _read(answer: Answer) -> str:
    """Who was asked, how often, and what ± means."""
    study = answer.study
    seeds = "one seed" if len(study.seeds) == 1 else f"{len(study.seeds)} paired seeds"
    lines = [
        f"Market `{answer.market}`, run date {answer.day}, profile `{answer.profile}`, protocol "
        f"`{study.protocol}` ({answer.holdout}), {answer.users:,} users asked, {seeds}.",
        NOISE,
        *_logs(answer),
        *(f"Not identifiable: {reason}." for reason in reasons(answer)),
    ]
    if not answer.asked_alike:
        lines.append(_VOCABULARIES)
    if any(line.ann for line in answer.lines):
        lines.append(_ANN)
    if any(line.profile for line in answer.lines):
        lines.append(_ITEMS)
    if study.thesis is not None:
        lines.append(f"Thesis: {study.thesis.source}, on H&M's own data; per cent, novelty in its own unit.")
    return "\n".join(f"- {line}" for line in lines)


def _logs(answer: Answer) -> Iterator[str]:
    """What the log can tell, or each of them where an axis changes it."""
    axes = [axis.path for axis in answer.study.axes if axis.path.split(".")[0] == "market"]
    called = {f"The log of {' · '.join(axes)} = {label}": known for label, known in answer.logs.items()}
    for name, traits in (called or {"The log": answer.traits}).items():
        yield (
            f"{name}: {traits.interactions:,} interactions of {traits.users:,} users with {traits.items:,} "
            f"items; {traits.returning:.1%} of the users return on another day; a history has "
            f"{traits.median_length:g} in the median, {traits.longest} at most; {traits.tied:.0%} of a day's "
            "neighbours have one stamp."
        )
