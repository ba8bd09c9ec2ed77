"""Blocks of causal self-attention over items and positions (Vaswani et al. 2017; BST, Chen et al. 2019).

B histories, L positions counted from the window's start, D width, F feed-forward, H heads.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hm_pipeline.models.bodies.noise import Noise


class Transformer(nn.Module):
    """x_BLD -> states_BLD."""

    def __init__(
        self,
        width: int,
        blocks: int,
        heads: int,
        feed_forward: int,
        longest: int,
        norm_first: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.width = width
        self.position = nn.Parameter(torch.empty(longest, width))
        self.blocks = nn.ModuleList(
            Block(width, heads, feed_forward, norm_first, dropout) for _ in range(blocks)
        )
        self.last_norm = nn.LayerNorm(width) if norm_first else None  # nothing normalised the last sum

    def forward(self, x_BLD: Tensor, noise: Noise) -> Tensor:
        """The last block's state at every position."""
        states = x_BLD + self.position[: x_BLD.shape[1]]
        for block in self.blocks:
            states = block(states, noise)
        states_BLD: Tensor = states if self.last_norm is None else self.last_norm(states)
        return states_BLD

    @torch.no_grad()
    def initialise(self, chance: torch.Generator) -> None:
        """Linear layers uniform in +-1/sqrt(fan in), norms at identity, positions small beside the items."""
        self.position.normal_(std=0.1 * self.width**-0.5, generator=chance)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                bound = module.in_features**-0.5
                module.weight.uniform_(-bound, bound, generator=chance)
                module.bias.zero_()


class Block(nn.Module):
    """Attention, then a feed-forward layer, each added to what it read; LeakyReLU as in BST."""

    def __init__(self, width: int, heads: int, feed_forward: int, norm_first: bool, dropout: float) -> None:
        super().__init__()
        self.heads, self.norm_first, self.dropout = heads, norm_first, dropout
        self.ask = nn.Linear(width, 3 * width)  # queries, keys, values
        self.answer = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, feed_forward), nn.Linear(feed_forward, width)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    def forward(self, x_BLD: Tensor, noise: Noise) -> Tensor:
        """One block further."""
        first, second = self.norms
        if self.norm_first:
            asked: Tensor = x_BLD + noise(self._attend(first(x_BLD)), self.dropout)
            return asked + noise(self._feed(second(asked), noise), self.dropout)
        x_BLD = first(x_BLD + noise(self._attend(x_BLD), self.dropout))
        fed: Tensor = second(x_BLD + noise(self._feed(x_BLD, noise), self.dropout))
        return fed

    def _attend(self, x_BLD: Tensor) -> Tensor:
        """Each position asks all up to itself."""
        asked = self.ask(x_BLD).unflatten(2, (3, self.heads, -1))
        query, key, value = asked.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, heads, L, D / heads)
        heard = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        answer: Tensor = self.answer(heard.transpose(1, 2).flatten(2))
        return answer

    def _feed(self, x_BLD: Tensor, noise: Noise) -> Tensor:
        fed: Tensor = self.narrow(noise(functional.leaky_relu(self.widen(x_BLD)), self.dropout))
        return fed
