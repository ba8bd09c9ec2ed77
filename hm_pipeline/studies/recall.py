"""What an approximate search finds of the exact lists, as its fits report it."""

from collections.abc import Mapping, Sequence

import numpy as np

from hm_pipeline.frozen import Frozen


class AnnRecall(Frozen):
    """Of all fits of a setting."""

    mean: float  # ann_recall_at_k
    target: float  # that the search was widened for
    met: bool  # by each fit


def recall(facts: Sequence[Mapping[str, float]]) -> AnnRecall | None:
    """Of what fits report; None where one of them says nothing of it: its search is exact by its make."""
    if not all("ann_recall_at_k" in one for one in facts):
        return None
    return AnnRecall(
        mean=float(np.mean([one["ann_recall_at_k"] for one in facts])),
        target=facts[0]["ann_recall_target"],
        met=all(one["ann_recall_target_met"] == 1 for one in facts),
    )
