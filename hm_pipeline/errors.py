"""Everything this library raises on purpose.

    HmPipelineError
    ├── ConfigError              a market, profile or option says something impossible
    ├── ContractError            the raw data broke its contract
    │   ├── LateDataError          the newest day is missing or half there: wait, then run again
    │   ├── MissingPartitionsError too many days of the window are missing
    │   ├── UnreadableFileError    empty, truncated, not what its ending says
    │   ├── ColumnError            a column is missing, renamed or of another type
    │   └── QuarantineError        more rows were rejected than the market tolerates
    ├── EmptyWindowError         nothing is left to learn from
    ├── ModelError               a model cannot be fitted, loaded or asked that
    │   └── DivergedError          the loss became NaN or infinite
    ├── PublishError             lists are not fit to be shown
    ├── StorageError             a folder or bucket did not do what was asked
    │   ├── NotThereError          nothing lies under that key
    │   ├── ConflictError          somebody else wrote it first
    │   └── DamagedError           what lies there is not what its manifest says
    ├── DispatchError            a run on another machine did not do what it was asked
    └── RegistryError            the ledger, an alias or a registered version is wrong

Each message says what, where, how many, and what to do; never a password, not even one that stood in a uri.
"""

import re

_LOGIN = re.compile(r"(?<=://)(?:[^\s/@:]*:[^\s@]*|[^\s/@:]+)@")  # user:password@ or token@

__all__ = [
    "ColumnError",
    "ConfigError",
    "ConflictError",
    "ContractError",
    "DamagedError",
    "DispatchError",
    "DivergedError",
    "EmptyWindowError",
    "HmPipelineError",
    "LateDataError",
    "MissingPartitionsError",
    "ModelError",
    "NotThereError",
    "PublishError",
    "QuarantineError",
    "RegistryError",
    "StorageError",
    "UnreadableFileError",
]


class HmPipelineError(Exception):
    """Root of the tree: catch this to catch everything raised on purpose."""

    def __init__(self, *told: object) -> None:
        super().__init__(*(_LOGIN.sub("***@", part) if isinstance(part, str) else part for part in told))


class ConfigError(HmPipelineError):
    """A market, profile or option says something impossible."""


class ContractError(HmPipelineError):
    """The raw data broke its contract."""


class LateDataError(ContractError):
    """The newest day is missing or half arrived; the same run succeeds once it is there."""


class MissingPartitionsError(ContractError):
    """More days of the window are missing than the market tolerates."""


class UnreadableFileError(ContractError):
    """A file is empty, truncated, or not what its ending says."""


class ColumnError(ContractError):
    """A column is missing, renamed, or holds another type."""


class QuarantineError(ContractError):
    """More rows were rejected than the market tolerates."""


class EmptyWindowError(HmPipelineError):
    """Nothing is left to learn from."""


class ModelError(HmPipelineError):
    """A model cannot be fitted, loaded, or asked that."""


class DivergedError(ModelError):
    """The loss became NaN or infinite."""


class PublishError(HmPipelineError):
    """Lists that were about to be published break what readers are promised."""


class StorageError(HmPipelineError):
    """A folder or bucket did not do what was asked."""


class NotThereError(StorageError):
    """Nothing lies under that key."""


class ConflictError(StorageError):
    """Somebody else wrote it first."""


class DamagedError(StorageError):
    """What lies there is not what its manifest says: missing, truncated or changed."""


class RegistryError(HmPipelineError):
    """The ledger, an alias or a registered version is wrong."""


class DispatchError(HmPipelineError):
    """A run on another machine failed, was cancelled, or nobody took it up."""
