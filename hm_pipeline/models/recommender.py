"""What every model can do, whatever it is inside."""

from pathlib import Path
from typing import Protocol

from hm_pipeline.data.arrays import Bool
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations


class Recommender(Protocol):
    """A fitted model in its own vocabulary: indices in, indices out."""

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """The k best items for each of N histories, best first, ties to the lower index.

        Never the history's raw last item (`histories.last`), never an item where `allowed` (V,) is
        False. An unknown user (0) and an empty history get a sensible list. Memory is bounded: rows
        are worked on in blocks.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write parameters without pickle.

        What belongs to single users goes to `user_rows.npy` (U, D), row u - 1 for user index u, and
        nowhere else: deleting that file leaves a model that treats everybody as the unknown user,
        and zeroing a row forgets one.
        """
        ...
