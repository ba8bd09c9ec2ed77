"""What a longevity study found as markdown: sentences, the price of training less often, HR by age."""

from hm_pipeline.markdown import table
from hm_pipeline.studies.ageing import Aged, Ageing, AtAge, Price
from hm_pipeline.studies.ageing_words import sentences
from hm_pipeline.studies.change import Change
from hm_pipeline.studies.words import bare

_READ = (
    "Age: days from the last day that a model knew to the day asked; a model of last night has age 1. Its "
    "histories are always of the day asked: only its parameters are old.",
    "`against age 1`: paired with the model that was trained for that day, user by user, pooled over days. "
    "HR of different ages is of different days; the paired figure is the fairer one.",
    "A model that is trained every n days has ages 1 … n in turn: its price is the mean of their changes, an "
    "age that no day has interpolated between its neighbours.",
    "± beside HR is one standard error over users; beside a change the larger one of two, over days and over "
    "users. The 95% interval is the wider one of both. What was seen on one day has no error over days.",
    "Each model of each day was fitted with one seed, whose luck is in no error: where a price asks for more "
    "than half the days, few fits stand for the old ones, and its interval is too narrow by that.",
)


def markdown(told: Ageing) -> str:
    """The whole of it; the figure is called answer.png."""
    parts = [
        f"# {told.study.question}",
        "\n".join(f"- {sentence}" for sentence in sentences(told)),
        _prices(told),
        _hr(told),
        _changes(told),
        _read(told),
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _prices(told: Ageing) -> str:
    """Training less often: what it costs in HR, and what it saves."""
    head = ["model", "trained every", f"HR@{told.k}", "against daily, points", "95%", "± days", "± users"]
    head += ["more than noise", "training, s a day"]
    rows = [[aged.model, _days(p.every), *_price(aged, p)] for aged in told.models for p in aged.prices]
    return table(head, rows)


def _price(aged: Aged, price: Price) -> list[str]:
    if price.hr is None:
        return ["not measured", *["-"] * 5, _seconds(aged, price)]
    return [f"{100 * price.hr:.2f}%", *_change(price.change), _seconds(aged, price)]


def _change(change: Change | None) -> list[str]:
    if change is None:  # trained daily: that is what the others are compared with
        return ["-"] * 5
    verdict = "**worse**" if change.mean < 0 else "**better**"
    sure = verdict if change.is_more_than_noise else "no"
    return [_bare(change.mean, "+"), _interval(change), _bare(change.days_se), _bare(change.users_se), sure]


def _interval(change: Change) -> str:
    reach = change.margin
    return "-" if reach is None else f"{_bare(change.mean - reach, '+')} … {_bare(change.mean + reach, '+')}"


def _seconds(aged: Aged, price: Price) -> str:
    return f"{aged.seconds / price.every:,.1f}"


def _hr(told: Ageing) -> str:
    """Ages down, models across."""
    head = ["age", "days", "users", *(f"{aged.model}, HR@{told.k}" for aged in told.models)]
    return table(
        head, [[*_asked(told, age), *(_share(aged, age) for aged in told.models)] for age in _ages(told)]
    )


def _changes(told: Ageing) -> str:
    head = ["age", "days", "users", *(f"{aged.model}, against age 1" for aged in told.models)]
    ages = [age for age in _ages(told) if age > 1]
    return table(head, [[*_asked(told, age), *(_moved(aged, age) for aged in told.models)] for age in ages])


def _ages(told: Ageing) -> list[int]:
    return [at.age for at in told.models[0].ages]


def _at(aged: Aged, age: int) -> AtAge:
    return next(at for at in aged.ages if at.age == age)


def _asked(told: Ageing, age: int) -> list[str]:
    """All models were asked the same."""
    pooled = _at(told.models[0], age).pooled
    return [str(age), str(pooled.nights), f"{pooled.users:,}"]


def _share(aged: Aged, age: int) -> str:
    pooled = _at(aged, age).pooled
    return f"{100 * pooled.hr:.2f}%" + ("" if pooled.se is None else f" ±{_bare(pooled.se)}")


def _moved(aged: Aged, age: int) -> str:
    change = _at(aged, age).change
    assert change is not None
    return _bare(change.mean, "+") + ("" if change.se is None else f" ±{_bare(change.se)}")


def _bare(figure: float | None, sign: str = "") -> str:
    return "-" if figure is None else bare("hr", figure, sign)


def _days(every: int) -> str:
    return "day" if every == 1 else f"{every} days"


def _read(told: Ageing) -> str:
    """Who was asked when, and what the figures mean."""
    users = told.models[0].fresh.users
    first = (
        f"Market `{told.market}`, run date {told.day}, profile `{told.profile}`: {len(told.days)} days from "
        f"{told.days[0]} to {told.days[-1]} (`{told.holdout}` arrivals), {users:,} users asked in all; each "
        "model was trained for each of these days as the night after it does."
    )
    passed = [f"Passed over: {note}" for note in told.notes]
    cut = [f"Stopped by the clock of their night: {a.cut} fits of {a.model}." for a in told.models if a.cut]
    return "\n".join(f"- {line}" for line in (first, *_READ, *passed, *cut))
