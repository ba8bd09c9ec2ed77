"""The environment, read once: where things lie and where to track."""

from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hm_pipeline.storage import Storage, open_storage


class Settings(BaseSettings):
    """HM_ROOT, HM_RAW, HM_CONFIG, HM_WORK and MLflow's own MLFLOW_TRACKING_URI; all have defaults."""

    model_config = SettingsConfigDict(env_prefix="HM_", frozen=True, extra="ignore", populate_by_name=True)

    root: str = "hm-data"  # everything a run makes: a path or s3://bucket/prefix
    raw: str = ""  # the raw layout; empty: `raw` below root
    config: Path = Path("deploy")  # markets, profiles, pools
    work: Path = Path("hm-data/work")  # this machine's own scratch: downloads, checkpoints, MLflow's database
    mlflow_tracking_uri: str = Field("", validation_alias="MLFLOW_TRACKING_URI")
    mlflow_artifacts: str = ""  # where a new experiment keeps artifacts; empty: the server's or work's choice

    @model_validator(mode="after")
    def _absolute(self) -> Self:
        """Paths must not depend on where a worker stands later."""
        fixed = {
            "root": _absolute(self.root),
            "raw": _absolute(self.raw or f"{self.root}/raw"),
            "config": self.config.resolve(),
            "work": self.work.resolve(),
        }
        for name, value in fixed.items():
            object.__setattr__(self, name, value)
        if not self.mlflow_tracking_uri:
            object.__setattr__(self, "mlflow_tracking_uri", f"sqlite:///{self.work / 'mlflow.db'}")
        return self

    @property
    def storage(self) -> Storage:
        """What runs make."""
        return open_storage(self.root)

    @property
    def raw_storage(self) -> Storage:
        """What the shop delivers."""
        return open_storage(self.raw)

    @property
    def artifact_location(self) -> str | None:
        """Of a new experiment; None where a tracking server decides."""
        if self.mlflow_artifacts:
            return self.mlflow_artifacts
        local = self.mlflow_tracking_uri.startswith("sqlite:")
        return (self.work / "mlartifacts").as_uri() if local else None


@cache
def settings() -> Settings:
    """This process's settings."""
    return Settings()


def _absolute(place: str) -> str:
    return place if "://" in place else str(Path(place).resolve())
