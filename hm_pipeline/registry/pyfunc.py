"""A release as an MLflow model from code: no pickle, our wheel inside, servable without a checkout.

MLmodel  requirements.txt  [constraints.txt]  pyfunc_model.py
artifacts/release/     config.json  items.parquet  users.parquet  model/…
artifacts/wheel/       hm_pipeline-….whl
"""

import shutil
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import mlflow.pyfunc
from mlflow.models import ModelSignature
from mlflow.types.schema import AnyType, Array, ColSpec, DataType, ParamSchema, ParamSpec, Schema

from hm_pipeline.errors import RegistryError
from hm_pipeline.index.nearest import kind_in
from hm_pipeline.index.search import Kind
from hm_pipeline.registry.explained import explained
from hm_pipeline.registry.wheel import build_wheel

RELEASE = "artifacts/release"  # the release's place inside the model

SIGNATURE = ModelSignature(
    inputs=Schema(
        [
            ColSpec(DataType.string, "user_id", required=False),
            # any type, since a batch may give one row a history and another none: `serving` checks it
            ColSpec(AnyType(), "history", required=False),  # type: ignore[no-untyped-call]
        ]
    ),
    outputs=Schema(
        [
            ColSpec(DataType.string, "user_id", required=False),
            ColSpec(Array(DataType.string), "item_ids"),
            ColSpec(Array(DataType.double), "scores"),
        ]
    ),
    params=ParamSchema([ParamSpec("k", DataType.long, 14)]),
)

_ALWAYS = ("mlflow", "numpy", "pandas", "polars", "pydantic", "safetensors", "scipy", "threadpoolctl")
_ALSO: dict[str, tuple[str, ...]] = {  # neural kinds need torch; implicit is for training only
    "popularity": (),
    "repeat": (),
    "itemknn": (),
    "markov": (),
    "als": (),
    "aals": (),
}
_SEARCHED: dict[Kind, tuple[str, ...]] = {"exact": (), "annoy": ("annoy",), "faiss": ("faiss-cpu",)}


def requirements(kind: str, search: Kind) -> list[str]:
    """What serving this kind needs, pinned to what is installed here; torch for neural kinds only."""
    names = (*_ALWAYS, *_ALSO.get(kind, ("torch",)), *_SEARCHED[search])
    return [f"{name}=={_version(name)}" for name in names]


def save_pyfunc(release: Path, folder: Path, *, kind: str, constraints: Path | None = None) -> None:
    """Write the saved release as an MLflow model into `folder`, which must not exist yet.

    `constraints` is a pip constraints file of the whole environment; without it the direct
    requirements are pinned. Raises RegistryError where MLflow cannot save it.
    """
    stage = folder.with_name(folder.name + ".stage")
    shutil.rmtree(stage, ignore_errors=True)
    (stage / "wheel").mkdir(parents=True)
    try:
        shutil.copytree(release, stage / "release")
        build_wheel(stage / "wheel")
        pinned = requirements(kind, kind_in(release / "model"))
        pinned += [f"-c {constraints}"] if constraints else []
        with explained(f"save the {kind} of {release} as an MLflow model"):
            _save(stage, folder, pinned)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _save(stage: Path, folder: Path, pinned: list[str]) -> None:
    wheel = next((stage / "wheel").iterdir())
    with warnings.catch_warnings():
        # an example would be stored, and answered once, at each save; the signature is written by hand
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        mlflow.pyfunc.save_model(
            path=str(folder),
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"release": str(stage / "release"), "wheel": str(wheel)},
            signature=SIGNATURE,
            pip_requirements=pinned,
        )


def _version(name: str) -> str:
    try:
        return version(name).partition("+")[0]  # a build's own suffix is on no index
    except PackageNotFoundError as error:
        raise RegistryError(
            f"{name} is not installed, and a registered model needs its version: run `make install`."
        ) from error
