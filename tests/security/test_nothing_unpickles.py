"""Loading what was stored runs no code: nothing of the project unpickles, and a poisoned file is refused."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hm_pipeline.models.popularity import Popularity
from hm_pipeline.models.repeat import Repeat

REPO = Path(__file__).parents[2]
ROOMS = ("hm_pipeline", "tasks", "flows", "deploy")
UNPICKLERS = {
    "pickle",
    "_pickle",
    "cPickle",
    "cloudpickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
    "jsonpickle",
}
CALLS = {
    ("torch", "load"), ("torch", "save"), ("pd", "read_pickle"), ("pandas", "read_pickle"),
    ("yaml", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load"), ("builtins", "eval"), ("builtins", "exec"),
}  # fmt: skip


def faults(source: str) -> Iterator[str]:
    """What in a source would unpickle or run what it reads."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (n.name for n in names if n.name.split(".")[0] in UNPICKLERS)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in UNPICKLERS:
                yield module
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) if (owner, name) in CALLS:
                yield f"{owner}.{name}"
            case ast.Call(func=ast.Name(id=name)) if ("builtins", name) in CALLS:
                yield name
            case ast.keyword(arg="allow_pickle", value=value):
                if not (isinstance(value, ast.Constant) and value.value is False):
                    yield "allow_pickle"
            case ast.keyword(arg="weights_only", value=ast.Constant(value=False)):
                yield "weights_only=False"


def test_no_source_of_the_project_unpickles():
    files = [file for room in ROOMS for file in (REPO / room).rglob("*.py")]
    assert len(files) > 100
    assert {str(f): found for f in files if (found := list(faults(f.read_text("utf-8"))))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import cloudpickle as c",
        "torch.load(file)",
        "np.load(file, allow_pickle=True)",
        "np.load(file, allow_pickle=trusted)",
        "yaml.load(text)",
        "eval(text)",
    ],
)
def test_the_scan_finds_what_it_is_for(source: str):
    assert list(faults(source))


class Poison:
    """Writes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.file,)


def test_poison_works_where_something_unpickles(tmp_path: Path):
    pickle.loads(pickle.dumps(Poison(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(("model", "file"), [(Popularity, "counts.npy"), (Repeat, "size.npy")])
def test_a_model_whose_file_was_exchanged_for_a_pickle_is_refused_and_runs_nothing(
    model: type[Popularity] | type[Repeat], file: str, tmp_path: Path
):
    for folder, content in (("plain", None), ("array", np.array([Poison(tmp_path / "ran")], dtype=object))):
        place = tmp_path / folder
        place.mkdir()
        if content is None:
            (place / file).write_bytes(pickle.dumps(Poison(tmp_path / "ran")))
        else:
            np.save(place / file, content, allow_pickle=True)
        with pytest.raises(ValueError, match=r"pickle"):
            model.load(place)
    assert not (tmp_path / "ran").exists()
