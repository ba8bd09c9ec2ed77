"""How fast each model ages, in one sentence a model."""

from collections.abc import Iterator

from hm_pipeline.studies.ageing import Aged, Ageing, Price
from hm_pipeline.studies.change import Change
from hm_pipeline.studies.words import bare


def sentences(told: Ageing) -> tuple[str, ...]:
    """One a model; markdown without a break. What stands in brackets is what the oldest of them loses."""
    return tuple(f"**{aged.model}**, {'; '.join(_clauses(aged, told.k))}." for aged in told.models)


def _clauses(aged: Aged, k: int) -> Iterator[str]:
    """A clause an interval that is longer than a day; what is compared and counted is said once."""
    measured = [(price, price.change) for price in aged.prices if price.change is not None]
    for place, (price, found) in enumerate(measured):
        against, unit = ("", "") if place else (" instead of daily,", f" points of HR@{k}")
        yield f"trained every {price.every} days{against} {_lost(found)}{unit}{_last(aged, price)}"
    gone = [str(price.every) for price in aged.prices if price.hr is None]
    if gone:
        oldest = aged.ages[-1].age
        yield f"every {' or '.join(gone)} days was not measured, the oldest model was {oldest} days old"


def _lost(change: Change) -> str:
    if not change.is_more_than_noise:
        return f"differs by no more than noise, {_signed(change)}"
    verb, size = "loses" if change.mean < 0 else "gains", bare("hr", abs(change.mean))
    return f"{verb} {size}{_error(change)}"


def _last(aged: Aged, price: Price) -> str:
    """On the day before the next training."""
    oldest = next((at.change for at in aged.ages if at.age == price.every), None)
    return "" if oldest is None else f" ({_signed(oldest)} at age {price.every})"


def _signed(change: Change) -> str:
    return bare("hr", change.mean, "+") + _error(change)


def _error(change: Change) -> str:
    return "" if change.se is None else f" ±{bare('hr', change.se)}"
