"""How a net is trained, as configuration; nothing here needs torch.

One-cycle rate over `cycle_epochs`, then constant:

    max_lr           ╭╮
                   ╭─╯╰──╮
    max_lr/25    ──╯     ╰───────________  max_lr/100
                 0   pct_start          cycle_epochs … max_epochs
"""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from hm_pipeline.frozen import Frozen

Share = Annotated[float, Field(ge=0, le=1)]
CPU_CHUNK, GPU_CHUNK = 4_000_000, 128_000_000  # logits: 16 MB, which caches hold; 0.5 GB, few large products


class FullSoftmax(Frozen):
    """Every item of the vocabulary stands against the target, in chunks of bounded memory."""

    kind: Literal["full"] = "full"
    chunk_elements: PositiveInt | None = None  # logits held at once; none: as many as suit the device
    label_smoothing: Share = 0.0  # of each target, spread evenly over the vocabulary


class SampledSoftmax(Frozen):
    """The target against `negatives` items drawn by popularity^alpha, with the logQ correction."""

    kind: Literal["sampled"] = "sampled"
    negatives: PositiveInt = 2048  # drawn once a batch, with replacement, shared by its targets
    alpha: Share = 0.75  # 0 uniform, 1 by training count
    label_smoothing: Share = 0.0  # of each target, spread over the negatives


class ChosenSoftmax(Frozen):
    """Full where the vocabulary is small for the device, else sampled.

    A full softmax costs V products a target, a sampled one `negatives`: on a CPU the exact one is worth up to
    about twice the price; on a GPU its products are cheap beside everything else.
    """

    kind: Literal["auto"] = "auto"
    full_up_to: PositiveInt = 4_000  # items, on a CPU
    full_up_to_on_gpu: PositiveInt = 60_000
    negatives: PositiveInt = 2048
    alpha: Share = 0.75
    label_smoothing: Share = 0.0

    def for_vocabulary(self, items: int, *, on_gpu: bool) -> FullSoftmax | SampledSoftmax:
        """The loss for so many items."""
        return self.one(full=items <= (self.full_up_to_on_gpu if on_gpu else self.full_up_to))

    def one(self, *, full: bool) -> FullSoftmax | SampledSoftmax:
        """One of the two."""
        if full:
            return FullSoftmax(label_smoothing=self.label_smoothing)
        return SampledSoftmax(
            negatives=self.negatives, alpha=self.alpha, label_smoothing=self.label_smoothing
        )


LossConfig = Annotated[FullSoftmax | SampledSoftmax | ChosenSoftmax, Field(discriminator="kind")]


def chosen(
    loss: LossConfig, items: int, *, on_gpu: bool, full: bool | None = None
) -> FullSoftmax | SampledSoftmax:
    """The loss that is meant, with a chunk that suits the device; `full`: which one `auto` was before."""
    if isinstance(loss, ChosenSoftmax):
        loss = loss.for_vocabulary(items, on_gpu=on_gpu) if full is None else loss.one(full=full)
    if isinstance(loss, FullSoftmax) and loss.chunk_elements is None:
        return loss.model_copy(update={"chunk_elements": GPU_CHUNK if on_gpu else CPU_CHUNK})
    return loss


class TrainingConfig(Frozen):
    """Batches, schedule and stopping; the defaults are the thesis's (its section 4.1)."""

    seed: NonNegativeInt = 1
    batch_targets: PositiveInt = 2048  # windows are drawn until a batch holds so many targets
    max_history: PositiveInt = 20  # items a target may see
    horizon: PositiveInt = 1  # items ahead that a state learns, the d-th with a weight that falls as 1/d
    both_ways: bool = False  # histories are learned from their ends too: twice the targets of an epoch
    by_prefix: bool = False  # each target by itself, with exactly the items it may see: exact, and slow
    loss: LossConfig = ChosenSoftmax()
    max_lr: PositiveFloat = 1e-3
    table_rate: PositiveFloat = 1.0  # of embedding tables: times the rate of all else
    pct_start: Share = 0.3  # of the cycle, while the rate rises
    start_divisor: PositiveFloat = 25.0  # the rate starts at max_lr / 25
    end_divisor: PositiveFloat = 100.0  # and ends at max_lr / 100
    cycle_epochs: PositiveFloat = 10.0
    max_epochs: PositiveFloat = 100.0
    patience: PositiveFloat = 3.0  # epochs without a new best, counted from the cycle's end
    validations_per_epoch: PositiveInt = 1
    clip_norm: PositiveFloat | None = 5.0  # of all gradients together
    unknown_user_share: Share = 0.1  # of the windows whose user is replaced by user 0
    checkpoint_every_steps: PositiveInt | None = None  # besides the one at each validation
    compile: bool = False  # a transformer's body, by torch.compile: minutes at the start, faster steps after

    @model_validator(mode="after")
    def _one_cut(self) -> Self:
        if self.by_prefix and (self.both_ways or self.horizon > 1):
            raise ValueError("by_prefix learns each target by itself: both_ways and horizon are not for it")
        return self
