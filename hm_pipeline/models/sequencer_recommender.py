"""A trained Sequencer that answers histories.

N histories, B a block of them, L positions, V items, Q width of a query, U users, K list.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hm_pipeline.data.arrays import Bool, Float32, Int64
from hm_pipeline.data.histories import Histories
from hm_pipeline.data.recommendations import Recommendations
from hm_pipeline.data.samples import Holdout
from hm_pipeline.index.nearest import Nearest, kind_in, with_bias
from hm_pipeline.models.best_k import Shelf, rows_of
from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.ensemble import Net, net_of_tensors
from hm_pipeline.models.sequencer_config import SequencerConfig
from hm_pipeline.models.user_rows import brought_back, set_apart

BLOCK_POSITIONS = 131_072  # positions encoded at once: what bounds the body's states
WEIGHTS = "weights.safetensors"


class SequencerRecommender:
    """Scores of the latest `max_history` items read from a fresh state; see Recommender.

    Without an index, as in training, all items are scored where the net lies.
    """

    def __init__(self, net: Net, index: Nearest | None = None) -> None:
        self.net, self.index = net, index
        self.config: SequencerConfig = net.config

    def recommend(self, histories: Histories, k: int, *, allowed: Bool | None = None) -> Recommendations:
        """See Recommender: an unknown user meets row 0, an empty history is the start symbol alone."""
        answered = list(self._answered(histories, k, allowed))
        lists = Recommendations.concat([some for _, some in answered], k)
        back = np.argsort(np.concatenate([rows for rows, _ in answered])) if answered else slice(None)
        return Recommendations(lists.items[back], lists.scores[back])

    def hit_rate(self, holdout: Holdout, k: int) -> float:
        """The share of rows whose target is in the list that `recommend` makes, a block at a time."""
        hits = 0
        for rows, lists in self._answered(holdout.histories, k, None):
            hits += int((lists.items == holdout.targets[rows, None]).any(axis=1).sum())
        return hits / max(len(holdout), 1)

    @torch.no_grad()
    def _answered(
        self, histories: Histories, k: int, allowed: Bool | None
    ) -> Iterator[tuple[Int64, Recommendations]]:
        """Row numbers and their lists, block by block; the item vectors are asked for once."""
        size = self.net.start_symbol
        if self.index is None:
            shelf = Shelf.of(self.net.vectors[:size], self.net.item_bias[:, 0], allowed, len(histories))
        for rows in self._blocks(histories):
            asked = histories.take(rows)
            if self.index is None:
                yield rows, shelf.best(self.encode(asked), k, asked.last)
            else:
                yield rows, self.index.best(self.queries(asked), k, asked.last, allowed=allowed)

    def queries(self, histories: Histories) -> Float32:
        """(N, Q + 1) what `item_table` is asked with."""
        found = np.ones((len(histories), self.net.query_width + 1), np.float32)
        for rows in self._blocks(histories):
            found[rows, :-1] = self.encode(histories.take(rows)).float().cpu().numpy()
        return found

    @torch.no_grad()
    def item_table(self) -> Float32:
        """(V, Q + 1) vectors, and the bias as one more number."""
        vectors_VQ = self.net.vectors[: self.net.start_symbol]
        return with_bias(vectors_VQ.float().cpu().numpy(), self.net.item_bias[:, 0].float().cpu().numpy())

    @torch.no_grad()
    def scorer(self) -> Callable[[Histories], Float32]:
        """scores_BV of a block of rows, not everybody's; column 0 means nothing.

        The item vectors are asked for once: an ensemble lays its members' side by side, which takes longer
        than to score a block.
        """
        vectors_VQ, bias_V = self.net.vectors[: self.net.start_symbol], self.net.item_bias[:, 0]

        @torch.no_grad()
        def scores(histories: Histories) -> Float32:
            found: Float32 = torch.addmm(bias_V, self.encode(histories), vectors_VQ.T).float().cpu().numpy()
            return found

        return scores

    def _blocks(self, histories: Histories) -> Iterator[Int64]:
        """Row numbers in blocks of like length, so that little is padded and memory is bounded."""
        order = np.argsort(histories.lengths, kind="stable")
        lengths = np.minimum(histories.lengths[order], self.config.training.max_history)
        at, most = 0, rows_of(self.net.start_symbol)
        while at < len(order):
            longest = int(lengths[min(at + most, len(order)) - 1])
            size = min(most, max(1, BLOCK_POSITIONS // (longest + 1)))
            yield order[at : at + size]
            at += size

    @torch.no_grad()
    def encode(self, histories: Histories) -> Tensor:
        """queries_BQ: the state after each history's last item, met with its user."""
        items, last = _inputs(histories, self.config.training.max_history, self.net.start_symbol)
        at = np.arange(len(items)) * items.shape[1] + last
        device = self.net.item_bias.device
        items_BL, users_B, at_B = (
            torch.from_numpy(array).to(device) for array in (items, self._known(histories), at)
        )
        return self.net.encode(items_BL, users_B, at_B, Noise())

    def _known(self, histories: Histories) -> Int64:
        """(B,) user rows, 0 for everyone this model has no row for."""
        return np.where(histories.users < self.net.known_users, histories.users, 0).astype(np.int64)

    def save(self, folder: Path) -> None:
        """weights.safetensors with the unknown user's row; user_rows.npy with everybody else's; the index."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.net.state_dict().items()}
        save_file(set_apart(tensors, folder), folder / WEIGHTS)
        if self.index is not None:
            self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, config: SequencerConfig) -> Self:
        """What `save` wrote; without user_rows.npy everybody is the unknown user."""
        tensors = brought_back(load_file(folder / WEIGHTS), folder)
        model = cls(net_of_tensors(config, tensors))
        if kind_in(folder) != "exact":
            model.index = Nearest.load(folder, model.item_table())
        return model


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
