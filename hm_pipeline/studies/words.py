"""What was found, in one sentence: who differs from the reference, by how much, and whether that is noise."""

from collections.abc import Sequence

from hm_pipeline.evaluation.table import lower_is_better
from hm_pipeline.studies.answer import Answer, Line
from hm_pipeline.studies.statistics import Gap


def sentence(answer: Answer) -> str:
    """Of the study's first metric; markdown without a break."""
    metric = answer.study.metrics[0]
    measured = [line for line in answer.lines if line.figures]
    if not measured:
        return f"**Not identifiable on {answer.market}**: {answer.lines[0].not_identifiable}."
    compared = [line for line in measured if metric in line.gaps]
    return f"**{metric}@{answer.k} on {answer.market}**: {'; '.join(_clauses(answer, compared, metric))}."


def amount(metric: str, figure: float, sign: str = "") -> str:
    """A figure in the unit people speak of: shares in points of per cent, novelty in nats."""
    times, unit = (1.0, " nats") if metric.startswith("novelty") else (100.0, " points")
    return f"{times * figure:{sign}.2f}{unit}"


def _clauses(answer: Answer, compared: Sequence[Line], metric: str) -> list[str]:
    sure = [line for line in compared if line.gaps[metric].is_more_than_noise]
    better = [line for line in sure if (line.gaps[metric].mean > 0) != lower_is_better(metric)]
    worse = [line for line in sure if line not in better]
    told = ((better, "better"), (worse, "worse"))
    clauses = [_differ(answer, lines, metric, word) for lines, word in told if lines]
    noise = [line for line in compared if line not in sure]
    if noise:
        clauses.append(_noise(answer, noise, metric))
    gone = [line.label for line in answer.lines if line.not_identifiable]
    return clauses + ([f"not identifiable: {_list(gone)}"] if gone else [])


def _differ(answer: Answer, lines: Sequence[Line], metric: str, word: str) -> str:
    told = [f"{line.label} ({_gap(metric, line.gaps[metric])})" for line in lines]
    return f"{word} than {_reference(answer, lines)} beyond noise: {_list(told)}"


def _noise(answer: Answer, lines: Sequence[Line], metric: str) -> str:
    told = [f"{line.label} ({amount(metric, line.gaps[metric].mean, '+')})" for line in lines]
    least = [g.detectable for line in lines if (g := line.gaps[metric]).detectable is not None]
    seen = f"; a difference of {amount(metric, max(least))} would have been seen" if least else ""
    return f"no more than noise against {_reference(answer, lines)}: {_list(told)}{seen}"


def _gap(metric: str, gap: Gap) -> str:
    if gap.low is None or gap.high is None:
        return f"{amount(metric, gap.mean, '+')}, one fit"
    low, high = amount(metric, gap.low, "+").split()[0], amount(metric, gap.high, "+")
    return f"{amount(metric, gap.mean, '+')}, 95% {low} to {high}"


def _reference(answer: Answer, lines: Sequence[Line]) -> str:
    """By its label, or in general where each line has its own."""
    labels = {answer.reference(line).label for line in lines}
    return labels.pop() if len(labels) == 1 else "its reference"


def _list(parts: Sequence[str]) -> str:
    return ", ".join(parts)
