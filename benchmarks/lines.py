"""A file of records, one JSON line each: a killed run continues, and a table needs nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, TypeAdapter

R = TypeVar("R", bound=BaseModel)


class Lines(Generic[R]):
    """Every question reads the file anew, as two runs may share it."""

    kind: TypeAdapter[R]  # of a line

    def __init__(self, file: Path) -> None:
        self.file = file

    def add(self, record: R) -> None:
        """One line, appended in one write."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as lines:
            lines.write(record.model_dump_json() + "\n")

    def all(self) -> Iterator[R]:
        """The oldest first."""
        if self.file.exists():
            for line in self.file.read_text().splitlines():
                if line.endswith("}"):  # a killed run leaves half a line
                    yield self.kind.validate_json(line)
