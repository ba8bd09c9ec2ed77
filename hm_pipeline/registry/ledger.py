"""The ledger: what was decided, rolled back, released and erased, and so who is champion.

    ledger/00000001.json   decision  2021-06-01  lstm is the first champion
    ledger/00000002.json   decision  2021-06-02  the fresh lstm replaces it
    ledger/00000003.json   rollback  2021-06-02  back to 00000001's; lstm and version 2 are held
    ledger/00000004.json   release   2021-06-02  lstm may compete again

Entries are written conditionally by the caller (a key that exists is never written), so one key is one
commit and the lock of a night. Aliases and the `latest` pointer are derived from `state(entries)`.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from hm_pipeline.errors import RegistryError
from hm_pipeline.frozen import Frozen
from hm_pipeline.registry.night import Verdict

PREFIX = "ledger/"


class ModelRef(Frozen):
    """One registered release, and where all of it lies."""

    kind: str
    day: date  # the run date that made it
    version: int  # in the registered model of the market
    uri: str  # of the stored release
    run_id: str = ""  # MLflow's
    run_digest: str = ""  # of what it was made from


class Decision(Frozen):
    """One night's verdict with what follows from it."""

    entry: Literal["decision"] = "decision"
    seq: int = Field(ge=1)
    day: date  # the run date
    run_digest: str  # of the inputs, the configuration and the code of the run
    verdict: Verdict
    champion: ModelRef | None = None  # the release that this night promotes; None where it promotes nobody
    challenger: ModelRef | None = None  # the best other kind of the night
    lists: str | None = None  # manifest uri `latest` is to show; None where it must not move
    code: str = ""  # git revision
    data: str = ""  # digest of the samples


class Rollback(Frozen):
    """Back to the champion before, by hand; what was rolled back is held."""

    entry: Literal["rollback"] = "rollback"
    seq: int = Field(ge=1)
    day: date  # the run date whose lists are shown again
    champion: ModelRef  # who is champion from here on
    rolled_back: ModelRef  # its kind and its version are held
    lists: str | None = None  # manifest uri of the champion's lists
    reason: str = ""
    code: str = ""


class Release(Frozen):
    """A hold is lifted by hand."""

    entry: Literal["release"] = "release"
    seq: int = Field(ge=1)
    day: date
    kinds: frozenset[str] = frozenset()
    versions: frozenset[int] = frozenset()
    reason: str = ""
    code: str = ""


class Erasure(Frozen):
    """Users were erased from data, lists and models: salted hashes, never ids, and never the salt."""

    entry: Literal["erasure"] = "erasure"
    seq: int = Field(ge=1)
    day: date
    users: tuple[str, ...]  # HMAC of id and the market's salt, which lies apart
    touched: tuple[str, ...] = ()  # uris that were rewritten
    code: str = ""


Entry = Annotated[Decision | Rollback | Release | Erasure, Field(discriminator="entry")]

_entry: TypeAdapter[Entry] = TypeAdapter(Entry)


def key_of(seq: int) -> str:
    """Where entry `seq` lies below a market's root: sorting by key is sorting by time."""
    return f"{PREFIX}{seq:08d}.json"


def to_bytes(entry: Entry) -> bytes:
    """The entry as readable JSON, the same bytes for the same entry."""
    return _entry.dump_json(entry, indent=2) + b"\n"


def from_bytes(data: bytes, key: str = "the entry") -> Entry:
    """What `to_bytes` wrote; RegistryError names the key that holds something else."""
    try:
        return _entry.validate_json(data)
    except ValidationError as error:
        raise RegistryError(
            f"{key} of the ledger cannot be read: {error.errors()[0]['msg']} at "
            f"{'/'.join(str(part) for part in error.errors()[0]['loc']) or 'its root'}. Restore it from a "
            "backup, or update hm-pipeline if a newer version wrote it; never delete a ledger entry."
        ) from error
