"""A causal body in a fixed dress.

    items ─ vectors ─ body ─ projection ─┐
    user  ─ vector  ─────────────────────┴─ head ─ query ─ softmax over the items

B histories, L positions, T counted positions, D width of an item, S of a state, Q of a query,
V items with padding, U users with the unknown one. The start symbol is row V of the item embedding, that of
histories read from their end row V + 1.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn

from hm_pipeline.models.bodies.body import body_of
from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.item_vectors import ItemVectors
from hm_pipeline.models.sequencer_config import SequencerConfig

_ATTRIBUTE = re.compile(r"item_embedding\.attributes\.(\w+)\.codes")


class Sequencer(nn.Module):
    """Owns everything but the body; see the picture above."""

    def __init__(
        self,
        config: SequencerConfig,
        V: int,
        U: int,
        codes: Mapping[str, Tensor] | None = None,
        seed: int | None = None,
    ) -> None:
        """`codes` (V,) of each attribute; `seed` of the first weights, the configuration's where none is."""
        super().__init__()
        self.config, self.start_symbol = config, V
        rows = V + 1 + config.training.both_ways
        self.item_embedding = ItemVectors(rows, config.item_embedding, codes or {})
        self.body = body_of(config)
        state = self.body.width if config.state_dim == "none" else config.state_dim
        self.project = None if config.state_dim == "none" else nn.Linear(self.body.width, state)
        self.user_embedding = nn.Embedding(U, config.user_width, sparse=True) if config.user_width else None
        self.meet = _head(
            (state + config.user_width, *config.head), config.item_embedding if config.tied else None
        )
        width = config.head[-1] if config.head else state + config.user_width
        self.item_vectors = None if config.tied else nn.Embedding(V, width, sparse=True)
        self.item_bias = nn.Parameter(torch.zeros(V, 1))
        self.query_width = config.item_embedding if config.tied else width
        if not self.item_bias.is_meta:
            self._initialise(config.training.seed if seed is None else seed)

    @classmethod
    def of_tensors(cls, config: SequencerConfig, tensors: Mapping[str, Tensor]) -> Self:
        """The net whose `state_dict` this is."""
        V = len(tensors["item_bias"])
        users = tensors.get("user_embedding.weight")
        codes = {found[1]: tensors[found[0]][:V] for found in map(_ATTRIBUTE.fullmatch, tensors) if found}
        with torch.device("meta"):  # nothing is drawn and nothing held twice: a table of users is gigabytes
            net = cls(config, V, 1 if users is None else len(users), codes)
        net.load_state_dict(tensors, assign=True)
        return net

    @torch.no_grad()
    def _initialise(self, seed: int) -> None:
        """Everything from the seed; what torch's own generator had drawn before is overwritten."""
        chance = torch.Generator().manual_seed(seed)
        self.item_embedding.initialise(chance)
        self.body.initialise(chance)
        for linear in (self.project, *self.meet):
            if isinstance(linear, nn.Linear):
                bound = linear.in_features**-0.5
                linear.weight.uniform_(-bound, bound, generator=chance)
                linear.bias.zero_()
        if self.user_embedding is not None:
            self.user_embedding.weight.normal_(std=0.01, generator=chance)
        if self.item_vectors is not None:
            bound = self.item_vectors.embedding_dim**-0.5
            self.item_vectors.weight.uniform_(-bound, bound, generator=chance)

    @torch.no_grad()
    def start_at_shares(self, counts: Tensor) -> None:
        """Let the bias say the items' training shares before anything is learned; `counts` (V,)."""
        self.item_bias[:, 0] = torch.log(counts.clamp(min=0.5) / counts.sum())
        self.item_bias[0] = 0.0

    @property
    def members(self) -> tuple["Sequencer", ...]:
        """Who learns for himself; an Ensemble has several."""
        return (self,)

    @property
    def known_users(self) -> int:
        """Rows of the users' table, the unknown user's among them."""
        return 1 if self.user_embedding is None else self.user_embedding.num_embeddings

    @property
    def vectors(self) -> Tensor:
        """vectors_VQ that queries are multiplied with; row 0 is no item's, nor row V where tied."""
        return self.item_embedding.all() if self.item_vectors is None else self.item_vectors.weight

    def vectors_of(self, rows_R: Tensor) -> Tensor:
        """vectors_RQ of these items, whose gradient touches their rows only."""
        table = self.item_embedding if self.item_vectors is None else self.item_vectors
        vectors_RQ: Tensor = table(rows_R)
        return vectors_RQ

    def states(self, items_BL: Tensor, noise: Noise) -> Tensor:
        """states_BLS: what is known after each position, whoever the user is."""
        x_BLD = self.item_embedding(items_BL)
        hidden_BL1 = noise(x_BLD.new_ones(*items_BL.shape, 1), self.config.item_dropout)
        states = self.body(noise(x_BLD * hidden_BL1, self.config.embedding_dropout), noise)
        states_BLS: Tensor = states if self.project is None else self.project(states)
        return states_BLS

    def queries(self, states_TS: Tensor, users_B: Tensor, row_T: Tensor, noise: Noise) -> Tensor:
        """queries_TQ of states, each meeting the user of its row."""
        met = states_TS
        if self.user_embedding is not None:
            met = torch.cat([states_TS, self.user_embedding(users_B).index_select(0, row_T)], dim=1)
        queries_TQ: Tensor = self.meet(noise(met, self.config.query_dropout))
        return queries_TQ

    def encode(self, items_BL: Tensor, users_B: Tensor, at_T: Tensor, noise: Noise) -> Tensor:
        """queries_TQ at the flat positions `at_T` = b * L + l."""
        states = self.states(items_BL, noise).flatten(0, 1).index_select(0, at_T)
        return self.queries(states, users_B, at_T // items_BL.shape[1], noise)


def _head(widths: tuple[int, ...], last: int | None) -> nn.Sequential:
    """LeakyReLU layers through these widths, and a linear one to `last` where there is one."""
    layers: list[nn.Module] = []
    for width, next_width in pairwise(widths):
        layers += [nn.Linear(width, next_width), nn.LeakyReLU()]
    if last is not None:
        layers.append(nn.Linear(widths[-1], last))
    return nn.Sequential(*layers)
