"""An encoder and a decoder of LSTM layers with dot-product attention between them (Luong et al. 2015).

    encoder   e_1   e_2   e_3           LSTM layers over the items
               │╲    │╲    │╲
    decoder   d_1 ─ d_2 ─ d_3           step t reads item t and the encoder's states up to t,
                                        weighted by their products with d_{t-1}

Step t never looks beyond t, so every position is a training target. d_0 is zero: the first step weighs
its one state with 1. The decoder's steps depend on each other through the attention, so they are a loop.

B histories, L positions, D width of the input, H hidden units.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.bodies.recurrent import Recurrent

States = list[tuple[Tensor, Tensor]]  # (hidden, cell) of each layer, both (B, H)


class Attention(nn.Module):
    """x_BLD -> states_BLH of the decoder's last layer."""

    def __init__(self, width: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.width, self.dropout = hidden, dropout
        self.encoder = Recurrent("lstm", width, hidden, layers, dropout)
        self.read = nn.Linear(width, 4 * hidden)  # the item's part of the first layer, for all steps at once
        widths = [2 * hidden] * layers  # what else a layer reads: context or the layer below, and itself
        self.cells = nn.ModuleList(nn.Linear(w, 4 * hidden) for w in widths)

    def forward(self, x_BLD: Tensor, noise: Noise) -> Tensor:
        """The decoder's state at every position."""
        encoded_BLH = self.encoder(x_BLD, noise)
        items_LBG = self.read(x_BLD).unbind(1)
        zero_BH = encoded_BLH.new_zeros(len(x_BLD), self.width)
        states: States = [(zero_BH, zero_BH)] * len(self.cells)
        tops: list[Tensor] = []
        for t, item_BG in enumerate(items_LBG):
            context_BH = _attended(states[-1][0], encoded_BLH[:, : t + 1])
            states = self._step(item_BG, context_BH, states, noise)
            tops.append(states[-1][0])
        return torch.stack(tops, dim=1)

    def _step(self, item_BG: Tensor, below_BH: Tensor, states: States, noise: Noise) -> States:
        """All layers, one position further."""
        new: States = []
        for depth, (cell, (hidden_BH, memory_BH)) in enumerate(zip(self.cells, states, strict=True)):
            gates_BG = cell(torch.cat([below_BH, hidden_BH], dim=1))
            new.append(_lstm(gates_BG + item_BG if depth == 0 else gates_BG, memory_BH))
            below_BH = noise(new[-1][0], self.dropout)
        return new

    @torch.no_grad()
    def initialise(self, chance: torch.Generator) -> None:
        """Uniform in +-1/sqrt(H), like the encoder."""
        self.encoder.initialise(chance)
        for part in (self.read, self.cells):
            for parameter in part.parameters():
                bound = self.width**-0.5
                parameter.uniform_(-bound, bound, generator=chance)


def _attended(query_BH: Tensor, encoded_BTH: Tensor) -> Tensor:
    """The encoder's states weighted by softmax(state . query)."""
    weight_BT = functional.softmax(torch.bmm(encoded_BTH, query_BH[:, :, None])[:, :, 0], dim=1)
    return torch.bmm(weight_BT[:, None], encoded_BTH)[:, 0]


def _lstm(gates_BG: Tensor, memory_BH: Tensor) -> tuple[Tensor, Tensor]:
    """(hidden, cell) after one step of an LSTM whose four gates are given (Hochreiter & Schmidhuber 1997)."""
    enter, forget, new, leave = gates_BG.chunk(4, dim=1)
    memory_BH = torch.sigmoid(forget) * memory_BH + torch.sigmoid(enter) * torch.tanh(new)
    return torch.sigmoid(leave) * torch.tanh(memory_BH), memory_BH
