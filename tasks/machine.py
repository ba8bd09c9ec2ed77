"""On which machine something was made: for whoever wonders why one night's model was slow."""

import os
import platform
import sys
from typing import Any


def machine() -> dict[str, Any]:
    """Host, worker, and what torch computed on; no device where this process never loaded torch."""
    return {
        "host": platform.node(),
        "worker": os.environ.get("PREFECT__WORKER_NAME", ""),
        "torch": _torch(),
    }


def _torch() -> str | None:
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    cuda = torch.cuda.is_available()
    return f"{torch.__version__} on {torch.cuda.get_device_name() if cuda else 'cpu'}"
