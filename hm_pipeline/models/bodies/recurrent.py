"""Stacked recurrent layers: causal by nature.

On a GPU these layers stay in float32 (TF32 products): autocast hands them to cuDNN in float16, whatever it
was told (ATen/cudnn/AutocastRNN.cpp), and the gradient of a mean over thousands of targets is too small a
number for that.

B histories, L positions, D width of the input, H hidden units.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from hm_pipeline.models.bodies.noise import Noise

_CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    """x_BLD -> states_BLH through `layers` layers of one kind of cell."""

    def __init__(
        self, cell: Literal["rnn", "lstm", "gru"], width: int, hidden: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.width, self.dropout = hidden, dropout
        widths = [width] + [hidden] * (layers - 1)
        self.layers = nn.ModuleList(_CELLS[cell](w, hidden, batch_first=True) for w in widths)

    def forward(self, x_BLD: Tensor, noise: Noise) -> Tensor:
        """The last layer's state at every position."""
        with torch.autocast(x_BLD.device.type, enabled=False):
            states = x_BLD.to(next(self.parameters()).dtype)
            for depth, layer in enumerate(self.layers):
                states, _ = layer(noise(states, self.dropout) if depth else states)
            return states

    @torch.no_grad()
    def initialise(self, chance: torch.Generator) -> None:
        """Uniform in +-1/sqrt(H), as torch does, from the given generator."""
        for parameter in self.parameters():
            bound = self.width**-0.5
            parameter.uniform_(-bound, bound, generator=chance)
