"""A run outlives the worker that started it: what it prints has no reader then, and that must not end it.

A worker reads its runs' output through a pipe. Once it is dead the next line that is written breaks: rich,
which Prefect logs with, ends the process, and print raises.
"""

import os
import sys
from typing import Any, TextIO, cast

from rich.console import Console


def outlive_the_worker() -> None:
    """From now on this process's output is dropped where nobody reads it any more."""
    Console.on_broken_pipe = _drop_output  # type: ignore[assignment, method-assign]
    if not isinstance(sys.stdout, _Lasting):
        sys.stdout = cast(TextIO, _Lasting(sys.stdout))


class _Lasting:
    """Standard output that may lose its reader; everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            _drop_output()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            _drop_output()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _drop_output(*_: object) -> None:
    """Standard output and error go nowhere: only these two have the worker as their reader."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for handle in (1, 2):
        os.dup2(nowhere, handle)
    os.close(nowhere)
