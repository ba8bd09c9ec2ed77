"""What a log must show before a question can be put to it; otherwise the answer is "not identifiable"."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hm_pipeline.data.traits import Traits
from hm_pipeline.frozen import Frozen

Share = Annotated[float, Field(gt=0, le=1)]


class _OfAValue(Frozen):
    """A need of one value of an axis, or of all settings."""

    value: Any = None  # the one that needs it; None: all do
    path: str | None = None  # its axis; only where two axes have the value it must be named

    @model_validator(mode="after")
    def _a_path_has_a_value(self) -> Self:
        if self.path is not None and self.value is None:
            raise ValueError(f"path {self.path} without a value: name the one that needs it")
        return self

    def is_of(self, values: Mapping[str, Any]) -> bool:
        """Whether a setting of these values, by path, needs it."""
        own = [value for path, value in values.items() if self.path in {None, path}]
        return self.value is None or any(_same(value, self.value) for value in own)


class ReturningUsers(_OfAValue):
    """Users live longer than a day: a session has nobody to embed, and no second day."""

    kind: Literal["returning_users"] = "returning_users"
    at_least: Share = 0.05  # of the users

    def lacking(self, traits: Traits) -> str:
        """Why not; empty where it is there."""
        if traits.returning >= self.at_least:
            return ""
        return f"{_percent(traits.returning)} of the users are seen on a second day{_needed(self.at_least)}"


class OrderInsideDays(_OfAValue):
    """Several interactions a day, and a stamp that tells which came first."""

    kind: Literal["order_inside_days"] = "order_inside_days"
    at_least: Share = 0.05  # of the interactions follow another one of the day
    most_tied: Share = 0.5  # of those, without an order

    def lacking(self, traits: Traits) -> str:
        """Why not; empty where it is there."""
        if traits.same_day < self.at_least:
            follow = f"{_percent(traits.same_day)} of the interactions follow another one of their day"
            return f"{follow}{_needed(self.at_least)}"
        if traits.tied > self.most_tied:
            return (
                f"{_percent(traits.tied)} of a day's neighbours have one stamp, at most "
                f"{_percent(self.most_tied)} may: their order is unknown"
            )
        return ""


class LongerHistories(_OfAValue):
    """Histories that are longer than what is compared."""

    kind: Literal["longer_histories"] = "longer_histories"
    than: int = Field(ge=1)
    at_least: Share = 0.01  # of the users

    def lacking(self, traits: Traits) -> str:
        """Why not; empty where it is there."""
        longer = traits.share_longer(self.than)
        if longer >= self.at_least:
            return ""
        return (
            f"{_percent(longer)} of the histories are longer than {self.than}{_needed(self.at_least)} "
            f"(the longest has {traits.longest})"
        )


Need = Annotated[ReturningUsers | OrderInsideDays | LongerHistories, Field(discriminator="kind")]


def _needed(at_least: float) -> str:
    return f", at least {_percent(at_least)} are needed"


def _percent(share: float) -> str:
    """Three digits that count, however small."""
    return f"{np.format_float_positional(100 * share, precision=3, fractional=False, trim='-')}%"


def _same(one: Any, other: Any) -> bool:
    """Equal, and not as `true` equals 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)
