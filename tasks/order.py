"""A fit that is wanted, as a value: who asks and who fits, maybe elsewhere, agree on where it will lie."""

from collections.abc import Mapping

from hm_pipeline.data.samples import Samples
from hm_pipeline.frozen import Frozen
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fitting import FitReport
from hm_pipeline.models.release import Release
from hm_pipeline.registry.promotion import Verdict
from tasks.run import Run
from tasks.stage import Stored, address

ROOMS = ("data", "index", "models", "training")
STAGE = "model"


class Order(Frozen):
    """Fit this kind of model on these samples; `refit`: as an earlier fit chose, without validation."""

    run: Run
    samples: Stored[Samples]
    kind: str
    refit: FitReport | None = None

    @property
    def title(self) -> str:
        """How a person calls it."""
        return f"{'train' if self.refit is None else 'refit'} {self.kind}"

    @property
    def config(self) -> ModelConfig:
        """Of the model."""
        return self.run.config.models[self.kind]

    @property
    def pool(self) -> str:
        """The name of the pool in pools.toml, of its deployment, and with `-pool` of its work pool."""
        return self.run.config.pool_name_of(self.kind)

    @property
    def processes(self) -> int:
        """That fit it together."""
        return self.run.config.processes_of(self.kind)

    @property
    def made_from(self) -> list[object]:
        """Everything that the model depends on besides the code."""
        refit = None if self.refit is None else self.refit.model_dump(mode="json")
        config = self.config.model_dump(mode="json")
        return [self.samples.prefix, config, self.run.config.publish.k, refit, self.processes]

    @property
    def address(self) -> str:
        """Where the model will lie."""
        return address(self.run, STAGE, self.made_from, ROOMS)

    @property
    def digest(self) -> str:
        """The last part of its address."""
        return self.address.rsplit("/", 1)[-1]


def orders(run: Run, samples: Stored[Samples]) -> list[Order]:
    """A candidate of each kind that the market lets compete."""
    return [Order(run=run, samples=samples, kind=kind) for kind in run.config.models]


def refit_order(
    run: Run, everything: Stored[Samples], fits: Mapping[str, Stored[Release]], verdict: Verdict
) -> Order | None:
    """The winner again, on days up to D-1 too, as its candidate chose; None: nobody won, or no refit here."""
    if verdict.promoted is None or not run.config.publish.refit:
        return None
    chosen = FitReport(**fits[verdict.promoted].facts["report"])
    return Order(run=run, samples=everything, kind=verdict.promoted, refit=chosen)
