"""A model with its ids: what is stored, registered and served.

config.json            the model's configuration
items.parquet          its item vocabulary
users.parquet          its user vocabulary      ┐ all that belongs to single users; without them
model/user_rows.npy    what it knows of users   ┘ everybody is the unknown user
model/…                its parameters
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from pydantic import TypeAdapter, ValidationError

from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.errors import ModelError
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fit import load_model
from hm_pipeline.models.recommender import Recommender

_CONFIG: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)


@dataclass(frozen=True, eq=False)
class Release:
    """A fitted model and the vocabularies that its indices are in."""

    config: ModelConfig
    model: Recommender
    items: Vocabulary
    users: Vocabulary

    def save(self, folder: Path) -> None:
        """One folder, without pickle."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / "model")
        self.items.save(folder / "items.parquet")
        self.users.save(folder / "users.parquet")
        (folder / "config.json").write_text(self.config.model_dump_json(indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote; without users.parquet everybody is the unknown user.

        Raises ModelError where the folder holds no release, or one of a kind that is not known here.
        """
        config = _read_config(folder / "config.json")
        users = folder / "users.parquet"
        return cls(
            config,
            load_model(folder / "model", config),
            Vocabulary.load(folder / "items.parquet"),
            Vocabulary.load(users) if users.exists() else Vocabulary.of([]),
        )


def _read_config(file: Path) -> ModelConfig:
    try:
        return _CONFIG.validate_json(file.read_bytes())
    except FileNotFoundError as missing:
        raise ModelError(
            f"{file.parent} holds no release: config.json is missing; fetch it again"
        ) from missing
    except ValidationError as wrong:
        raise ModelError(
            f"{file} is no model configuration of this version ({wrong.error_count()} errors: "
            f"{wrong.errors()[0]['msg']}); load it with the version that wrote it"
        ) from wrong


def knows_users(folder: Path) -> bool:
    """Whether a stored release has learned anything of single users."""
    return (folder / "model" / "user_rows.npy").exists()


def forget(folder: Path, user_ids: Iterable[str]) -> int:
    """Erase users from a stored release: their ids become graves, their rows zeros. How many it knew.

    Rows go before ids, so that a killed erasure still finds its users when it is run again.
    """
    if not (folder / "users.parquet").exists():
        return 0
    users = Vocabulary.load(folder / "users.parquet")
    wanted = sorted(set(user_ids))
    known = users.encode(pl.Series("id", wanted, dtype=pl.String))
    known = known[known > 0]
    rows = folder / "model" / "user_rows.npy"
    if len(known) and rows.exists():
        table = np.load(rows, allow_pickle=False)
        table[known - 1] = 0
        np.save(rows, table, allow_pickle=False)
    if len(known):
        users.without(wanted).save(folder / "users.parquet")
    return len(known)


def forget_all(folder: Path) -> int:
    """Erase everybody from a stored release, in place. How many it knew."""
    if not (folder / "users.parquet").exists():
        return 0
    return forget(folder, Vocabulary.load(folder / "users.parquet").ids.drop_nulls())


def without_users(folder: Path) -> None:
    """Drop all that belongs to single users from a stored release: how a loser is kept."""
    for file in (folder / "model" / "user_rows.npy", folder / "users.parquet"):
        file.unlink(missing_ok=True)
