"""A release as a registered model: what it answers, where it runs, what lies in it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlflow.exceptions import MlflowException

from hm_pipeline.data.histories import Histories
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.models.als_config import AalsConfig, AlsConfig
from hm_pipeline.models.config import ModelConfig
from hm_pipeline.models.fit import fit
from hm_pipeline.models.itemknn import ItemKnnConfig
from hm_pipeline.models.popularity import PopularityConfig
from hm_pipeline.models.release import Release, forget, without_users
from hm_pipeline.models.sequencer_config import LstmConfig
from hm_pipeline.registry.mlflow_registry import forget_users, model_name, register, version_uri
from hm_pipeline.registry.mlflow_runs import connect, ensure_experiment, open_run
from hm_pipeline.registry.pyfunc import RELEASE, requirements, save_pyfunc
from hm_pipeline.training.config import TrainingConfig

ITEMS = ["hat", "coat", "scarf", "glove", "007", "sock"]
USERS = ["anna", "bert", "cilla"]
ROWS = [[1, 2, 1, 3], [1, 2, 4], [2, 5, 6]]


def samples() -> Samples:
    train = Histories.of(ROWS, users=[1, 2, 3])
    return Samples(
        market="SE",
        protocol="refit",
        first_day="2021-05-01",
        last_day="2021-05-31",
        items=Vocabulary.of(ITEMS),
        users=Vocabulary.of(USERS),
        train=train,
        counts=np.bincount(train.flat, minlength=len(ITEMS) + 1).astype(np.int64),
        sales=None,
        attributes={},
        holdouts={},
    )


def saved(config: ModelConfig, folder: Path) -> Path:
    """The MLflow model of that configuration, fitted on three users."""
    window = samples()
    release = Release(config, fit(config, window).model, window.items, window.users)
    release.save(folder / "release")
    save_pyfunc(folder / "release", folder / "mlflow", kind=config.kind)
    return folder / "mlflow"


ALS = AlsConfig(factors=4, iterations=3, fold_in=False)


@pytest.fixture(scope="module")
def als(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(ALS, tmp_path_factory.mktemp("als"))


@pytest.fixture(scope="module")
def model(als: Path) -> mlflow.pyfunc.PyFuncModel:
    return mlflow.pyfunc.load_model(str(als))


def asked(model: mlflow.pyfunc.PyFuncModel, k: int = 3, **columns) -> list[dict]:
    answer = model.predict(pd.DataFrame(columns), params={"k": k})
    return json.loads(answer.to_json(orient="records"))


def test_it_answers_k_item_ids_with_scores_best_first(model):
    (row,) = asked(model, user_id=["anna"], history=[["hat", "coat"]])
    assert row["user_id"] == "anna"
    assert len(row["item_ids"]) == len(set(row["item_ids"])) == 3
    assert set(row["item_ids"]) <= set(ITEMS)
    assert row["scores"] == sorted(row["scores"], reverse=True)


def test_it_answers_as_the_model_itself_does(model):
    window = samples()
    own = fit(ALS, window).model.recommend(window.train, 3)
    rows = asked(model, user_id=USERS, history=[[ITEMS[i - 1] for i in row] for row in ROWS])
    assert [row["item_ids"] for row in rows] == [[ITEMS[i - 1] for i in row if i > 0] for row in own.items]


def test_an_unknown_user_is_answered_from_the_history_alone(model):
    stranger, nobody = asked(model, user_id=["zoe", None], history=[["hat", "coat"]] * 2)
    assert stranger["item_ids"] == nobody["item_ids"] != []


def test_an_empty_history_gets_a_sensible_list(model):
    for empty in ([], None, float("nan"), "[]"):
        (row,) = asked(model, user_id=[None], history=[empty])
        assert row["item_ids"] == ["hat", "coat", "scarf"]  # the most popular


def test_both_columns_may_be_missing(model):
    only_user = asked(model, user_id=["anna"])
    only_history = asked(model, history=[["hat"]])
    assert len(only_user[0]["item_ids"]) == len(only_history[0]["item_ids"]) == 3
    assert only_history[0]["user_id"] is None


def test_a_batch_may_mix_rows_with_and_without_history(model):
    rows = asked(model, user_id=["anna", "zoe", None], history=[["hat"], None, '["coat", "hat"]'])
    assert [len(row["item_ids"]) for row in rows] == [3, 3, 3]
    assert rows[2]["item_ids"] == asked(model, history=[["coat", "hat"]])[0]["item_ids"]


def test_it_never_recommends_the_last_item(model):
    assert all("hat" not in row["item_ids"] for row in asked(model, k=6, history=[["coat", "hat"]]))


def test_items_nobody_knows_and_repeated_clicks_change_nothing(model):
    rows = asked(model, history=[["coat", "hat"], ["coat", "unknown", "hat"], ["coat", "coat", "hat"]])
    assert rows[0]["item_ids"] == rows[1]["item_ids"] == rows[2]["item_ids"]


def test_a_last_item_nobody_knows_excludes_nothing(model):
    (row,) = asked(model, k=6, history=[["hat", "unknown"]])
    assert sorted(row["item_ids"]) == sorted(ITEMS)


def test_leading_zeros_stay(model):
    assert "007" not in asked(model, k=6, history=[["hat", "007"]])[0]["item_ids"]
    assert "007" in asked(model, k=6, history=[["hat", "7"]])[0]["item_ids"]


def test_fourteen_is_the_default_and_a_small_vocabulary_gives_a_short_list(model):
    answer = model.predict(pd.DataFrame({"history": [["hat"]]}))
    assert len(answer["item_ids"][0]) == len(ITEMS) - 1


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"history": [7]}, "row 0: history is int '7'"),
        ({"history": [["hat"], [1, 2]]}, "row 1: history is list"),
        ({"history": ["hat, coat"]}, "no JSON list"),
        ({"history": ['{"hat": 1}']}, "a list of item ids"),
        ({"user_id": [7]}, "user_id"),
    ],
)
def test_wrong_types_are_refused_by_name(model, columns: dict, words: str):
    with pytest.raises(MlflowException, match=words):
        asked(model, **columns)


@pytest.mark.parametrize("k", [0, -1, 100_000])
def test_an_impossible_k_is_refused(model, k: int):
    with pytest.raises(MlflowException, match="ask for 1 to"):
        asked(model, k=k, history=[["hat"]])


def test_there_is_no_pickle_in_it_and_the_wheel_and_the_script_are(als: Path):
    files = {file.relative_to(als).as_posix() for file in als.rglob("*") if file.is_file()}
    assert not [f for f in files if f.endswith((".pkl", ".pickle", ".pt", ".pth", ".joblib"))]
    assert not [f for f in als.rglob("*") if f.is_file() and f.read_bytes()[:2] == b"\x80\x04"]
    assert [f for f in files if f.startswith("artifacts/hm_pipeline-") and f.endswith(".whl")]
    assert {"MLmodel", "pyfunc_model.py", f"{RELEASE}/config.json", f"{RELEASE}/users.parquet"} <= files


def test_nothing_but_the_model_is_left_beside_it(als: Path):
    assert {f.name for f in als.parent.iterdir()} == {"release", "mlflow"}


def test_torch_is_required_for_neural_kinds_only():
    assert not [r for r in requirements("als", "exact") if r.startswith("torch")]
    assert [r for r in requirements("lstm", "exact") if r.startswith("torch==")]


def test_a_constraints_file_travels_with_the_model(tmp_path: Path, als: Path):
    (tmp_path / "constraints.txt").write_text("numpy<3\n")
    save_pyfunc(als.parent / "release", tmp_path / "m", kind="als", constraints=tmp_path / "constraints.txt")
    assert (tmp_path / "m" / "constraints.txt").read_text().strip() == "numpy<3"
    assert "-c constraints.txt" in (tmp_path / "m" / "requirements.txt").read_text()


ELSEWHERE = """
import sys
from importlib.abc import MetaPathFinder
here, *folders = sys.argv[1:]
sys.meta_path = [f for f in sys.meta_path if "editable" not in (getattr(f, "__module__", "") or "").lower()
                 and "editable" not in repr(f).lower()]
sys.path = [p for p in sys.path if p and not p.startswith(here + "/hm_pipeline") and p != here]
try:
    import hm_pipeline
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("hm_pipeline is importable here: the test shows nothing")
import mlflow.pyfunc, pandas
for folder in folders:
    answer = mlflow.pyfunc.load_model(folder).predict(pandas.DataFrame({"history": [["hat", "coat"]]}))
    import hm_pipeline
    assert ".whl" in hm_pipeline.__file__, hm_pipeline.__file__
    heavy = {"torch", "implicit", "annoy", "prefect", "boto3", "polars", "scipy"} & set(sys.modules)
    print("loaded:", *sorted(heavy))
    print("answer:", *answer["item_ids"][0])
"""


def elsewhere(folders: list[Path], cwd: Path) -> list[tuple[set[str], list[str]]]:
    """(heavy modules so far, answer) of each model in a process that cannot import the project."""
    here = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-I", "-c", ELSEWHERE, here, *map(str, folders)],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout
    said = [line.split() for line in done.stdout.splitlines()]
    loaded = [set(words[1:]) for words in said if words[:1] == ["loaded:"]]
    return list(zip(loaded, [words[1:] for words in said if words[:1] == ["answer:"]], strict=True))


LSTM = LstmConfig(
    user_embedding=4,
    item_embedding=4,
    layers=1,
    hidden=8,
    state_dim=4,
    training=TrainingConfig(cycle_epochs=1, max_epochs=1),
)
EACH = [PopularityConfig(), ItemKnnConfig(), ALS, AalsConfig(factors=4, iterations=3, trees=2), LSTM]


def test_each_kind_answers_where_the_project_is_not_installed_with_what_it_requires(tmp_path: Path):
    folders = [shutil.move(saved(c, tmp_path / c.kind), tmp_path / f"{c.kind} moved") for c in EACH]
    for config in EACH:
        shutil.rmtree(tmp_path / config.kind)
    required: set[str] = set()
    for config, (loaded, answer) in zip(EACH, elsewhere(folders, tmp_path), strict=True):
        required |= {
            requirement.split("==")[0]
            for requirement in requirements(config.kind, "annoy" if config.kind == "aals" else "exact")
        }
        assert loaded <= required, config.kind
        assert "coat" not in answer
        assert len(answer) == len(ITEMS) - 1, config.kind


def registered(folder: Path, tmp_path: Path) -> tuple:
    client = connect(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = ensure_experiment(client, "hm-SE", (tmp_path / "artifacts").as_uri())
    run = open_run(client, experiment, "als", digest="m", level="model", tags={"market": "SE"})
    name = model_name("SE")
    tags = {"kind": "als", "day": date(2021, 6, 1).isoformat()}
    return client, name, register(client, name, run, folder, digest="m", tags=tags)


@pytest.fixture
def version(als: Path, tmp_path: Path, empty_database: Path) -> tuple:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return registered(als, tmp_path)


def test_erasing_a_user_in_a_registered_version_leaves_no_trace_of_the_id(version, tmp_path: Path):
    client, name, number = version
    work = tmp_path / "work"
    work.mkdir()
    (rows,) = (tmp_path / "artifacts").rglob("user_rows.npy")
    assert np.load(rows)[0].any()
    assert forget_users(client, name, number, work, lambda folder: forget(folder, ["anna"])) == 1
    assert not np.load(rows)[0].any()
    assert np.load(rows)[1].any()
    (users,) = (tmp_path / "artifacts").rglob("users.parquet")
    assert pl.read_parquet(users)["id"].to_list() == [None, "bert", "cilla"]
    assert not [f for f in (tmp_path / "artifacts").rglob("*") if f.is_file() and b"anna" in f.read_bytes()]
    again = tmp_path / "again"
    again.mkdir()
    assert forget_users(client, name, number, again, lambda folder: forget(folder, ["anna"])) == 0


def test_a_version_without_a_user_table_has_nobody_to_forget(als: Path, tmp_path: Path, empty_database: Path):
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    shutil.copytree(als.parent / "release", tmp_path / "release")
    without_users(tmp_path / "release")
    save_pyfunc(tmp_path / "release", tmp_path / "loser", kind="als")
    client, name, number = registered(tmp_path / "loser", tmp_path)
    (tmp_path / "work").mkdir()
    assert forget_users(client, name, number, tmp_path / "work", lambda folder: forget(folder, ["anna"])) == 0
    assert not list((tmp_path / "artifacts").rglob("user*"))


def test_a_registered_version_answers_as_the_folder_does(version, tmp_path: Path, model):
    client, name, number = version
    source = client.get_model_version_download_uri(name, str(number))
    there = mlflow.pyfunc.load_model(source)
    assert asked(there, history=[["hat"]]) == asked(model, history=[["hat"]])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(port: int, payload: dict) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        json.dumps(payload).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def wait_for(port: int, server: subprocess.Popen) -> None:
    for _ in range(120):
        assert server.poll() is None, "the server died"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not answer within a minute")


@pytest.mark.services
def test_mlflow_models_serve_answers_over_http(version, tmp_path: Path):
    _, name, number = version
    port, bin_ = free_port(), Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}",
    }
    server = subprocess.Popen(
        [bin_ / "mlflow", "models", "serve", "-m", version_uri(name, number), "-p", str(port), "--env-manager", "local"],
        cwd=tmp_path, env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(port, server)
        records = [{"user_id": "anna", "history": ["hat", "coat"]}, {"user_id": "zoe"}, {"history": None}]
        status, answer = post(port, {"dataframe_records": records, "params": {"k": 2}})
        assert status == 200
        assert [len(row["item_ids"]) for row in answer["predictions"]] == [2, 2, 2]
        assert post(port, {"dataframe_records": [{"history": "hat"}]})[0] == 400
        assert post(port, {"dataframe_records": [{"user_id": 7, "history": ["hat"]}]})[0] == 400
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def test_requirements_name_versions_that_an_index_has():
    pinned = requirements("lstm", "exact")
    assert any(line.startswith("torch==") for line in pinned)
    assert not any("+" in line for line in pinned), "a local build's suffix is on no index"
