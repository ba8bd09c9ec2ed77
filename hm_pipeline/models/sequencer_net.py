"""A causal body in a fixed dress.

    items ─ embedding ─ body ─ projection ─┐
    user  ─ embedding ─────────────────────┴─ query ─ softmax over the items

B histories, L positions, T counted positions, N histories asked, S state_dim, Q width of a query,
V items with padding, U users with the unknown one. The start symbol is row V of the item embedding.
"""

import torch
from torch import Tensor, nn

from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.bodies.recurrent import Recurrent
from hm_pipeline.models.sequencer_config import SequencerConfig


class Sequencer(nn.Module):
    """Owns everything but the body; see the picture above."""

    def __init__(self, config: SequencerConfig, V: int, U: int) -> None:
        super().__init__()
        self.config, self.start_symbol = config, V
        self.item_embedding = nn.Embedding(V + 1, config.item_embedding, padding_idx=0, sparse=True)
        self.body = body_of(config)
        self.project = nn.Linear(self.body.width, config.state_dim)
        width = config.state_dim + config.user_width
        self.user_embedding = nn.Embedding(U, config.user_width, sparse=True) if config.user_width else None
        self.meet = nn.Linear(width, config.item_embedding) if config.tied else None
        self.item_vectors = None if config.tied else nn.Parameter(torch.empty(V, width))
        self.item_bias = nn.Parameter(torch.zeros(V, 1))
        self._initialise()

    @torch.no_grad()
    def _initialise(self) -> None:
        """Everything from the seed, without touching torch's own generator."""
        chance = torch.Generator().manual_seed(self.config.training.seed)
        self.item_embedding.weight.normal_(std=self.config.item_embedding**-0.5, generator=chance)
        self.item_embedding.weight[0] = 0.0
        self.body.initialise(chance)
        for linear in (self.project, self.meet):
            if linear is not None:
                bound = linear.in_features**-0.5
                linear.weight.uniform_(-bound, bound, generator=chance)
                linear.bias.zero_()
        if self.user_embedding is not None:
            self.user_embedding.weight.normal_(std=0.01, generator=chance)
        if self.item_vectors is not None:
            bound = self.item_vectors.shape[1] ** -0.5
            self.item_vectors.uniform_(-bound, bound, generator=chance)

    @torch.no_grad()
    def start_at_shares(self, counts: Tensor) -> None:
        """Let the bias say the items' training shares before anything is learned; `counts` (V,)."""
        self.item_bias[:, 0] = torch.log(counts.clamp(min=0.5) / counts.sum())
        self.item_bias[0] = 0.0

    @property
    def vectors(self) -> Tensor:
        """vectors_VQ that queries are multiplied with; row 0 is no item's, nor row V where tied."""
        return self.item_embedding.weight if self.item_vectors is None else self.item_vectors

    def states(self, items_BL: Tensor, noise: Noise) -> Tensor:
        """states_BLS: what is known after each position, whoever the user is."""
        x_BLD = noise(self.item_embedding(items_BL), self.config.embedding_dropout)
        states_BLS: Tensor = self.project(self.body(x_BLD, noise))
        return states_BLS

    def queries(self, states_TS: Tensor, users_B: Tensor, row_T: Tensor, noise: Noise) -> Tensor:
        """queries_TQ of states, each meeting the user of its row."""
        query = states_TS
        if self.user_embedding is not None:
            query = torch.cat([states_TS, self.user_embedding(users_B).index_select(0, row_T)], dim=1)
        query = noise(query, self.config.query_dropout)
        return query if self.meet is None else self.meet(query)

    def encode(self, items_BL: Tensor, users_B: Tensor, at_T: Tensor, noise: Noise) -> Tensor:
        """queries_TQ at the flat positions `at_T` = b * L + l."""
        states = self.states(items_BL, noise).flatten(0, 1).index_select(0, at_T)
        return self.queries(states, users_B, at_T // items_BL.shape[1], noise)


def body_of(config: SequencerConfig) -> Recurrent:
    """The body a configuration asks for."""
    return Recurrent(config.kind, config.item_embedding, config.hidden, config.layers, config.layer_dropout)
