"""Markdown of what was measured of the losses."""

from statistics import mean, stdev
from typing import Literal, get_args

from losses_records import Contender, Journal, LossFit
from scipy.stats import t

from hm_pipeline.markdown import table

Question = Literal["validation", "test"]
SCHEDULES: tuple[tuple[Contender, Contender], ...] = (
    ("full", "sampled"),
    ("full, at its best", "sampled, at its best"),
)
SAME = ("items", "schedule", "question", "seeds", "full", "sampled", "difference", "of the full one's", "95%")
WORTH = (
    "items",
    "seeds",
    "full",
    "CPU s",
    "sampled",
    "CPU s",
    "equal epochs",
    "full, briefly",
    "epochs",
    "CPU s",
    "equal time",
)


def tables(journal: Journal) -> str:
    """Whether they find the same, then what each is worth by size of the catalogue."""
    same = [row for items in journal.sizes() for row in _same(items, journal)]
    worth = [row for items in journal.sizes() for row in _worth(items, journal)]
    return "\n".join((table(SAME, same), table(WORTH, worth)))


def _same(items: int, journal: Journal) -> list[tuple[str, ...]]:
    """Paired seed by seed, for both questions, under the one schedule and at their best."""
    rows = []
    for ours, theirs in SCHEDULES:
        full, sampled = journal.fits(ours, items), journal.fits(theirs, items)
        pairs = [(full[seed], sampled[seed]) for seed in sorted(full.keys() & sampled.keys())]
        rows += [_paired(items, question, pairs) for question in get_args(Question) if pairs]
    return rows


def _paired(items: int, question: Question, pairs: list[tuple[LossFit, LossFit]]) -> tuple[str, ...]:
    full, sampled = ([_rate(pair[i], question) for pair in pairs] for i in (0, 1))
    gains = [b - a for a, b in zip(full, sampled, strict=True)]
    return (
        f"{items:,}",
        _schedule(pairs[0][0]),
        question,
        str(len(pairs)),
        f"{mean(full):.4f}",
        f"{mean(sampled):.4f}",
        f"{mean(gains):+.4f}",
        f"{mean(gains) / mean(full):+.1%}",
        _interval(gains, mean(full)),
    )


def _schedule(fit: LossFit) -> str:
    training = fit.config.training
    return f"{training.max_epochs:g} epochs, item vectors x {training.table_rate:g}"


def _interval(gains: list[float], whole: float) -> str:
    """Of the mean gain, as a share: 95%, by Student's t with n - 1 degrees of freedom; one pair has none."""
    n = len(gains)
    if n < 2:
        return ""
    half = float(t.ppf(0.975, n - 1)) * stdev(gains) / n**0.5
    low, high = ((mean(gains) + side * half) / whole for side in (-1, 1))
    return f"{low:+.1%} to {high:+.1%}"


def _worth(items: int, journal: Journal) -> list[tuple[str, ...]]:
    """On validation, which is what a default may be chosen by."""
    full, sampled, brief = (journal.fits(name, items) for name in get_args(Contender)[:3])
    seeds = sorted(full.keys() & sampled.keys())
    if not seeds:
        return []
    paired, others = ([known[seed] for seed in seeds] for known in (full, sampled))
    shortened = [brief[seed] for seed in seeds if seed in brief]
    equal_epochs = (_hr(paired), _cost(paired), _hr(others), _cost(others), _gain(others, paired))
    equal_time = _equal_time(shortened, [sampled[f.seed] for f in shortened]) if shortened else ("",) * 4
    return [(f"{items:,}", str(len(seeds)), *equal_epochs, *equal_time)]


def _equal_time(brief: list[LossFit], sampled: list[LossFit]) -> tuple[str, ...]:
    """Over the seeds that have it."""
    epochs = f"{brief[0].config.training.max_epochs:g}"
    return _hr(brief), epochs, _cost(brief), _gain(sampled, brief)


def _rate(fit: LossFit, question: Question) -> float:
    estimate = fit.test if question == "test" else fit.validation
    return estimate.mean or 0.0


def _hr(fits: list[LossFit]) -> str:
    return f"{mean(_rate(f, 'validation') for f in fits):.4f}"


def _cost(fits: list[LossFit]) -> str:
    return f"{mean(f.seconds for f in fits):,.0f}"


def _gain(ours: list[LossFit], theirs: list[LossFit]) -> str:
    """The sampled one's gain as a share."""
    mine, other = (mean(_rate(f, "validation") for f in fits) for fits in (ours, theirs))
    return f"{mine / other - 1:+.1%}"
