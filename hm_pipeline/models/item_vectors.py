"""A vector for each item: its own, plus those of its attributes, so that a rare item borrows from its like.

R rows asked for, V items with padding, D width.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class ItemVectors(nn.Embedding):
    """Row 0 is padding; rows from V on (the start symbol) are no items, and have no attribute either."""

    def __init__(self, rows: int, width: int, codes: Mapping[str, Tensor]) -> None:
        super().__init__(rows, width, padding_idx=0, sparse=True)
        tables = {name: AttributeVectors(codes_V, rows, width) for name, codes_V in codes.items()}
        self.attributes = nn.ModuleDict(tables)

    @torch.no_grad()
    def initialise(self, chance: torch.Generator) -> None:
        """Own vectors of length about 1, attributes a tenth of that."""
        self.weight.normal_(std=self.embedding_dim**-0.5, generator=chance)
        self.weight[0] = 0.0
        for table in self.attributes.values():
            for weight in table.parameters():
                weight.normal_(std=0.1 * self.embedding_dim**-0.5, generator=chance)

    def forward(self, rows_R: Tensor) -> Tensor:
        """vectors_RD; the gradient touches the own vectors of these rows only."""
        vectors_RD: Tensor = super().forward(rows_R)
        for table in self.attributes.values():
            vectors_RD = vectors_RD + table(rows_R)
        return vectors_RD

    def all(self) -> Tensor:
        """vectors_VD of all rows."""
        vectors_VD: Tensor = self.weight
        for table in self.attributes.values():
            vectors_VD = vectors_VD + table(slice(None))
        return vectors_VD


class AttributeVectors(nn.Embedding):
    """A vector for each value of one attribute; the last is that of rows that are no items."""

    codes: Tensor

    def __init__(self, codes_V: Tensor, rows: int, width: int) -> None:
        nothing = int(codes_V[1:].max()) + 1
        super().__init__(nothing + 1, width)
        codes = torch.full((rows,), nothing)
        codes[1 : len(codes_V)] = codes_V[1:]
        self.register_buffer("codes", codes)

    def forward(self, rows_R: Tensor | slice) -> Tensor:
        """vectors_RD of the values of these items."""
        vectors_RD: Tensor = super().forward(self.codes[rows_R])
        return vectors_RD
