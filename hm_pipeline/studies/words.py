"""What was found, in one sentence: who differs from the reference, by how much, and whether that is noise."""

from collections.abc import Iterator, Sequence

from hm_pipeline.evaluation.table import lower_is_better
from hm_pipeline.studies.answer import Answer, Line
from hm_pipeline.studies.statistics import Gap


def sentence(answer: Answer) -> str:
    """Of the study's first metric; markdown without a break."""
    metric = answer.study.metrics[0]
    if all(line.not_identifiable for line in answer.lines):
        return f"**Not identifiable on {answer.market}**: {'; '.join(reasons(answer))}."
    if not any(metric in line.figures for line in answer.lines):
        return f"**{metric} is not measured on {answer.market}**: the log lacks what it is made of."
    return f"**{metric}@{answer.k} on {answer.market}**: {'; '.join(_clauses(answer, metric))}."


def reasons(answer: Answer) -> Iterator[str]:
    """Why settings are not identifiable, each reason once, with its settings unless it is that of all."""
    lines = [line for line in answer.lines if line.not_identifiable]
    for reason in dict.fromkeys(line.not_identifiable for line in lines):
        labels = [line.label for line in lines if line.not_identifiable == reason]
        yield reason if len(labels) == len(answer.lines) else f"{_list(labels)}: {reason}"


def amount(metric: str, figure: float, sign: str = "") -> str:
    """A figure in the unit people speak of: shares in points of per cent, novelty in nats."""
    return f"{bare(metric, figure, sign)} {'nats' if metric.startswith('novelty') else 'points'}"


def bare(metric: str, figure: float, sign: str = "") -> str:
    """The same without its unit."""
    return f"{figure if metric.startswith('novelty') else 100 * figure:{sign}.2f}"


def _clauses(answer: Answer, metric: str) -> Iterator[str]:
    compared = [line for line in answer.lines if metric in line.gaps]
    beyond = [line for line in compared if line.gaps[metric].is_beyond]
    for reach in ("beyond noise", "over users only", "over seeds only"):
        for word in ("better", "worse"):
            gaps = [(line, line.gaps[metric]) for line in beyond]
            lines = [one for one, gap in gaps if (_reach(gap), direction(metric, gap)) == (reach, word)]
            if lines:
                yield f"{word} than {_reference(answer)} {reach}: {_told(lines, metric)}"
    noise = [line for line in compared if line not in beyond and line.gaps[metric].margin is not None]
    if noise:
        yield _noise(answer, noise, metric)
    yield from _reserves(answer, compared, metric)


def direction(metric: str, gap: Gap) -> str:
    """Which of the two is the better one."""
    return "better" if (gap.mean > 0) != lower_is_better(metric) else "worse"


def _reach(gap: Gap) -> str:
    """What a difference is beyond: all noise, or the one that is known."""
    return "beyond noise" if not gap.unknown else f"over {gap.known} only"


def _reserves(answer: Answer, compared: Sequence[Line], metric: str) -> Iterator[str]:
    """What is not known."""
    gaps = [line.gaps[metric] for line in compared]
    unsure = [line for line in compared if line.gaps[metric].margin is None]
    if unsure:
        yield f"without a known error against {_reference(answer)}: {_told(unsure, metric)}"
    if not compared:
        yield "there is nothing to compare"
    gone = [line.label for line in answer.lines if line.not_identifiable]
    if gone:
        yield f"not identifiable: {_list(gone)}"
    if compared and not answer.asked_alike:
        yield "not all were asked the same: users are not paired"
    if any(gap.margin is not None and "users" in gap.unknown for gap in gaps):
        yield f"{metric} is not kept a user: what other users would make of it is unknown"
    cut = [line.label for line in answer.lines if line.cut]
    if cut:
        yield f"stopped by the clock of the night that had fitted it: {_list(cut)}"
    if any("seeds" in gap.unknown for gap in gaps):
        yield "one seed cannot tell what another one would make of it: ask with more"


def _noise(answer: Answer, lines: Sequence[Line], metric: str) -> str:
    least = [found for line in lines if (found := line.gaps[metric].detectable) is not None]
    seen = f"; {amount(metric, max(least))} would have been found in four of five cases" if least else ""
    told = _list([f"{line.label} ({amount(metric, line.gaps[metric].mean, '+')})" for line in lines])
    return f"no more than noise against {_reference(answer)}: {told}{seen}"


def _told(lines: Sequence[Line], metric: str) -> str:
    return _list([f"{line.label} ({_gap(metric, line.gaps[metric])})" for line in lines])


def _gap(metric: str, gap: Gap) -> str:
    """`+0.42 points, 95% +0.32 to +0.52`."""
    mean = amount(metric, gap.mean, "+")
    if gap.margin is None:
        return mean
    low, high = (bare(metric, gap.mean + reach, "+") for reach in (-gap.margin, gap.margin))
    return f"{mean}, 95% {low} to {high}"


def _reference(answer: Answer) -> str:
    """By its label, or where each model has its own by the values that these share."""
    study = answer.study
    if study.reference_model is None:
        return " · ".join(axis.label(axis.reference) for axis in study.axes)
    return answer.reference(answer.lines[0]).label


def _list(parts: Sequence[str]) -> str:
    return ", ".join(parts)
