"""A trained Sequencer that answers histories.

N histories, B a block of them, L positions, V items, Q width of a query, U users, K list.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hm_pipeline.data.arrays import Bool, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Holdout
from hm_pipeline.index import top_k
from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.sequencer_config import SequencerConfig
from hm_pipeline.models.sequencer_net import Sequencer

BLOCK_ROWS = 1024
BLOCK_SCORES = 16_000_000  # scores held at once; 64 MB
WEIGHTS, USER_ROWS = "weights.safetensors", "user_rows.npy"
_USERS = "user_embedding.weight"


class SequencerRecommender:
    """Scores of the latest `max_history` items read from a fresh state; see Recommender."""

    def __init__(self, net: Sequencer) -> None:
        self.net = net
        self.config: SequencerConfig = net.config

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """See Recommender: an unknown user meets row 0, an empty history is the start symbol alone."""
        blocks = list(self._blocks(histories))
        parts = [self._answer(histories.take(rows), k, allowed) for rows in blocks]
        lists = Recommendations.concat(parts, k)
        back = np.argsort(np.concatenate(blocks)) if blocks else slice(None)
        return Recommendations(lists.items[back], lists.scores[back])

    def hit_rate(self, holdout: Holdout, k: int) -> float:
        """The share of rows whose target is among the best k: `recommend` without making the lists."""
        hits = 0
        for rows in self._blocks(holdout.histories):
            some = holdout.take(rows)
            hits += _hits(self._scores(some.histories), some, k)
        return hits / max(len(holdout), 1)

    def _blocks(self, histories: Histories) -> Iterator[Int64]:
        """Row numbers in blocks of like length, so that little is padded and memory is bounded."""
        order = np.argsort(histories.lengths, kind="stable")
        size = max(1, min(BLOCK_ROWS, BLOCK_SCORES // self.net.start_symbol))
        return (order[at : at + size] for at in range(0, len(order), size))

    def _answer(self, histories: Histories, k: int, allowed: Bool | None) -> Recommendations:
        return top_k(self._scores(histories).numpy(), k, excluded=histories.last, allowed=allowed)

    @torch.no_grad()
    def _scores(self, histories: Histories) -> Tensor:
        """scores_BV; column 0 means nothing."""
        queries_BQ = self.encode(histories)
        return torch.addmm(self.net.item_bias[:, 0], queries_BQ, self.net.vectors[: self.net.start_symbol].T)

    @torch.no_grad()
    def encode(self, histories: Histories) -> Tensor:
        """queries_BQ: the state after each history's last item, met with its user."""
        items, last = _inputs(histories, self.config.training.max_history, self.net.start_symbol)
        at = np.arange(len(items)) * items.shape[1] + last
        users = torch.from_numpy(self._known(histories))
        return self.net.encode(torch.from_numpy(items), users, torch.from_numpy(at), Noise())

    def _known(self, histories: Histories) -> Int64:
        """(B,) user rows, 0 for everyone this model has no row for."""
        rows = self.net.user_embedding.num_embeddings if self.net.user_embedding is not None else 1
        return np.where(histories.users < rows, histories.users, 0).astype(np.int64)

    def save(self, folder: Path) -> None:
        """weights.safetensors with the unknown user's row; user_rows.npy with everybody else's."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.contiguous() for name, tensor in self.net.state_dict().items()}
        if _USERS in tensors:
            np.save(folder / USER_ROWS, tensors[_USERS][1:].numpy())
            tensors[_USERS] = tensors[_USERS][:1].clone()
        save_file(tensors, folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path, config: SequencerConfig) -> Self:
        """What `save` wrote; without user_rows.npy everybody is the unknown user."""
        tensors = load_file(folder / WEIGHTS)
        if _USERS in tensors and (folder / USER_ROWS).exists():
            rows = torch.from_numpy(np.load(folder / USER_ROWS))
            tensors[_USERS] = torch.cat([tensors[_USERS], rows])
        users = len(tensors[_USERS]) if _USERS in tensors else 1
        net = Sequencer(config, len(tensors["item_bias"]), users)
        net.load_state_dict(tensors)
        return cls(net)


def _inputs(histories: Histories, max_history: int, start_symbol: int) -> tuple[Int64, Int64]:
    """items_BL, and (B,) the position of each row's last item.

    The start symbol stands before a history that fits in whole, and nowhere else.
    """
    fits = histories.lengths <= max_history
    width = int(min(histories.lengths.max(initial=0), max_history))
    items = histories.latest(max_history).padded(width).astype(np.int64)
    shifted = np.pad(items, ((0, 0), (1, 0)), constant_values=start_symbol)
    items = np.where(fits[:, None], shifted, np.pad(items, ((0, 0), (0, 1))))
    return items, np.minimum(histories.lengths, max_history) - np.where(fits, 0, 1)


def _hits(scores_BV: Tensor, holdout: Holdout, k: int) -> int:
    """Rows whose known target has fewer than k items before it, ties to the lower index."""
    target = torch.from_numpy(holdout.targets.astype(np.int64))[:, None]
    scores_BV.scatter_(1, torch.from_numpy(holdout.histories.last.astype(np.int64))[:, None], -torch.inf)
    scores_BV[:, 0] = -torch.inf
    own = scores_BV.gather(1, target)
    before = (scores_BV > own).sum(1)
    tied = (scores_BV == own) & (torch.arange(scores_BV.shape[1]) < target)
    return int(((before + tied.sum(1) < k) & (target[:, 0] > 0) & ~torch.isinf(own[:, 0])).sum())
