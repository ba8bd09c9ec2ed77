"""The base of every configuration: frozen, unknown keys refused, with a digest of its content."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A configuration value: immutable, strict about its keys, equal by content."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")

    def fingerprint(self) -> str:
        """Twelve hex digits that change when, and only when, the content does."""
        return digest_of(self.model_dump(mode="json"))


def digest_of(*parts: Any) -> str:
    """Twelve hex digits of JSON-able parts, independent of dictionary order."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
