"""Lets the tests of this room share `shops`, and `imported` of the room of data."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "data"):
    sys.path.insert(0, str(folder))
