"""Nets of one shape that were begun differently, behind the dress of one: what one gets wrong by chance, the
others outvote (Hansen & Salamon 1990; different first weights are what makes them differ: Fort, Hu &
Lakshminarayanan 2019).

    logit = mean of the members' logits = q · v + b,
        q = [q_1 … q_M] / M,  v = [v_1 … v_M],  b = mean of b_m

so an ensemble answers, is saved and is looked up like one net whose queries are M times as wide. Each member
learns by its own loss, from the same batches.

M members, T counted positions, Q width of a member's query, V items with padding, R rows.
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from hm_pipeline.models.bodies.noise import Noise
from hm_pipeline.models.sequencer_config import SequencerConfig
from hm_pipeline.models.sequencer_net import Sequencer


class Ensemble(nn.Module):
    """Several Sequencers as one; see above."""

    def __init__(self, config: SequencerConfig, nets: list[Sequencer]) -> None:
        super().__init__()
        self.config, self.start_symbol = config, nets[0].start_symbol
        self.nets = nn.ModuleList(nets)
        self.query_width = sum(net.query_width for net in nets)

    @classmethod
    def drawn(cls, config: SequencerConfig, V: int, U: int, codes: Mapping[str, Tensor]) -> Self:
        """Untrained: the first member is the net that the seed makes alone."""
        seeds = [_seed(config.training.seed, number) for number in range(config.members)]
        return cls(config, [Sequencer(config, V, U, codes, seed=seed) for seed in seeds])

    @classmethod
    def of_tensors(cls, config: SequencerConfig, tensors: Mapping[str, Tensor]) -> Self:
        """The ensemble whose `state_dict` this is."""
        own: list[dict[str, Tensor]] = [{} for _ in range(config.members)]
        for name, tensor in tensors.items():
            _, number, rest = name.split(".", 2)
            own[int(number)][rest] = tensor
        return cls(config, [Sequencer.of_tensors(config, of_one) for of_one in own])

    @property
    def members(self) -> tuple[Sequencer, ...]:
        """Each learns for itself."""
        return tuple(net for net in self.nets if isinstance(net, Sequencer))

    @property
    def known_users(self) -> int:
        """See Sequencer."""
        return self.members[0].known_users

    @property
    def vectors(self) -> Tensor:
        """(V, M Q), or more rows; see Sequencer."""
        return torch.cat([net.vectors for net in self.members], dim=1)

    @property
    def item_bias(self) -> Tensor:
        """(V, 1)."""
        return torch.stack([net.item_bias for net in self.members]).mean(0)

    def encode(self, items_BL: Tensor, users_B: Tensor, at_T: Tensor, noise: Noise) -> Tensor:
        """(T, M Q) queries; see Sequencer."""
        queries = [net.encode(items_BL, users_B, at_T, noise) for net in self.members]
        return torch.cat(queries, dim=1) / len(queries)

    def start_at_shares(self, counts: Tensor) -> None:
        """See Sequencer."""
        for net in self.members:
            net.start_at_shares(counts)


Net = Sequencer | Ensemble


def net_of_tensors(config: SequencerConfig, tensors: Mapping[str, Tensor]) -> Net:
    """The net whose `state_dict` this is."""
    return (Sequencer if config.members == 1 else Ensemble).of_tensors(config, tensors)


def untrained(config: SequencerConfig, V: int, U: int, codes: Mapping[str, Tensor]) -> Net:
    """The net that a configuration asks for, as its seed begins it."""
    return Sequencer(config, V, U, codes) if config.members == 1 else Ensemble.drawn(config, V, U, codes)


def _seed(seed: int, number: int) -> int:
    """Of a member; the first has the net's own."""
    return seed if number == 0 else int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
