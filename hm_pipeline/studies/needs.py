"""What a log must show before a question can be put to it; otherwise the answer is "not identifiable"."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hm_pipeline.data.traits import Traits
from hm_pipeline.frozen import Frozen

Share = Annotated[float, Field(gt=0, le=1)]


class ReturningUsers(Frozen):
    """Users live longer than a day: a session has nobody to embed, and no second day."""

    kind: Literal["returning_users"] = "returning_users"
    at_least: Share = 0.05  # of the users
    value: Any = None  # the one value of an axis that needs it; None: all do

    def lacking(self, traits: Traits) -> str:
        """Why not; empty where it is there."""
        if traits.returning >= self.at_least:
            return ""
        return f"{traits.returning:.1%} of the users are seen on a second day"


class OrderInsideDays(Frozen):
    """Several interactions a day, and a stamp that tells which came first."""

    kind: Literal["order_inside_days"] = "order_inside_days"
    at_least: Share = 0.05  # of the interactions follow another one of the day
    most_tied: Share = 0.5  # of those, without an order
    value: Any = None

    def lacking(self, traits: Traits) -> str:
        """Why not; empty where it is there."""
        if traits.same_day < self.at_least:
            return f"{traits.same_day:.1%} of the interactions follow another one of their day"
        if traits.tied > self.most_tied:
            return f"{traits.tied:.0%} of a day's neighbours have one stamp: their order is unknown"
        return ""


class LongerHistories(Frozen):
    """Histories that are longer than what is compared."""

    kind: Literal["longer_histories"] = "longer_histories"
    than: int = Field(ge=1)
    at_least: Share = 0.01  # of the users
    value: Any = None

    def lacking(self, traits: Traits) -> str:
        """Why not; empty where it is there."""
        if traits.share_longer(self.than) >= self.at_least:
            return ""
        return (
            f"{traits.share_longer(self.than):.1%} of the histories are longer than {self.than} "
            f"(the longest has {traits.longest})"
        )


Need = Annotated[ReturningUsers | OrderInsideDays | LongerHistories, Field(discriminator="kind")]
