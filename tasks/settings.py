"""The environment, read once: where things lie and where to track."""

import re
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hm_pipeline.errors import ConfigError
from hm_pipeline.storage import Storage, open_storage

_PASSWORD = re.compile(r"://[^\s/@:]*:[^\s@]*@")  # of a uri: user:password@


class Settings(BaseSettings):
    """HM_ROOT and so on, and MLflow's own MLFLOW_TRACKING_URI; all have defaults."""

    model_config = SettingsConfigDict(env_prefix="HM_", frozen=True, extra="ignore", populate_by_name=True)

    root: str = "hm-data"  # everything a run makes: a path or s3://bucket/prefix
    raw: str = ""  # the raw layout; empty: `raw` below root
    config: Path = Path("deploy")  # markets, profiles, pools
    own_work: str = Field("", validation_alias="HM_WORK")  # empty: `work` below a root folder
    dispatch: Literal["here", "pools"] = "here"  # who trains: this process, or workers of the pools
    memory_mb: int = Field(1_024, ge=64)  # rows of a log that extract and samples hold at once, about
    constraints: Path = Path("constraints.txt")  # what served models are pinned by, where the file exists
    mlflow_tracking_uri: str = Field("", validation_alias="MLFLOW_TRACKING_URI")
    webhook: SecretStr = SecretStr("")  # what `hm set-up` has called when something went wrong
    mlflow_artifacts: str = ""  # where a new experiment keeps artifacts; empty: the server's or work's choice

    @model_validator(mode="after")
    def _without_passwords(self) -> Self:
        """Reports, logs and errors name these places. ConfigError, which does not repeat the value."""
        places = {
            "HM_ROOT": self.root,
            "HM_RAW": self.raw,
            "HM_MLFLOW_ARTIFACTS": self.mlflow_artifacts,
            "MLFLOW_TRACKING_URI": self.mlflow_tracking_uri,
        }
        for name, place in places.items():
            if _PASSWORD.search(place):
                raise ConfigError(
                    f"{name} holds a password, and would show it wherever the place is named: take it out. "
                    "S3 reads AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, MLflow's server "
                    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, PostgreSQL PGPASSWORD"
                )
        return self

    @model_validator(mode="after")
    def _absolute(self) -> Self:
        """Paths must not depend on where a worker stands later."""
        fixed = {
            "root": _absolute(self.root),
            "raw": _absolute(self.raw or f"{self.root}/raw"),
            "config": self.config.resolve(),
            "own_work": str(Path(self.own_work or _work_below(self.root)).resolve()),
            "constraints": self.constraints.resolve(),
        }
        for name, value in fixed.items():
            object.__setattr__(self, name, value)
        if not self.mlflow_tracking_uri:
            object.__setattr__(self, "mlflow_tracking_uri", f"sqlite:///{self.work / 'mlflow.db'}")
        return self

    @property
    def work(self) -> Path:
        """This machine's own: scratch, checkpoints, MLflow's database."""
        return Path(self.own_work)

    @property
    def storage(self) -> Storage:
        """What runs make."""
        return _opened(self.root)

    @property
    def raw_storage(self) -> Storage:
        """What the shop delivers."""
        return _opened(self.raw)

    @property
    def artifact_location(self) -> str | None:
        """Of a new experiment; None where a tracking server decides.

        A database file is this machine's and has its artifacts beside it; a database that machines share
        has them where results lie.
        """
        if self.mlflow_artifacts or self.mlflow_tracking_uri.startswith(("http:", "https:")):
            return self.mlflow_artifacts or None
        if self.mlflow_tracking_uri.startswith("sqlite:"):
            return (self.work / "mlartifacts").as_uri()
        return f"{self.root}/mlflow" if "://" in self.root else (Path(self.root) / "mlflow").as_uri()


@cache
def _opened(uri: str) -> Storage:
    """One client a place: making one costs more than most reads."""
    return open_storage(uri)


@cache
def settings() -> Settings:
    """This process's settings. ConfigError names the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"HM_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']} (found {one['input']!r})"
            for one in error.errors()
        )
        raise ConfigError(f"the environment: {wrong}") from None


def _work_below(root: str) -> str:
    return "hm-data/work" if "://" in root else f"{root}/work"


def _absolute(place: str) -> str:
    return place if "://" in place else str(Path(place).resolve())
