"""What is left of a user after he was erased: nothing that names him."""

import polars as pl
from raw_files import DAY, LAST, csv, good, jsonl, market, row, write

from hm_pipeline.data import erasure
from hm_pipeline.data.build import build
from hm_pipeline.data.catalogue import Catalogue
from hm_pipeline.data.extract import extract
from hm_pipeline.data.log import InteractionLog
from hm_pipeline.data.sample_config import SampleConfig
from hm_pipeline.data.samples import Samples
from hm_pipeline.data.vocabulary import Vocabulary

GONE = frozenset({"u1", "never seen"})


def log(folder):
    found = extract({LAST: [write(folder, "a.csv", csv(good()))]}, market(), DAY).log
    found.save(folder / "log")
    return found


def test_a_log_forgets_a_users_rows_and_says_how_many(tmp_path):
    log(tmp_path)
    assert erasure.forget_in_log(tmp_path / "log", GONE) == 2
    assert sorted(InteractionLog.load(tmp_path / "log").frame["user_id"].unique()) == ["u0", "u2"]
    assert erasure.forget_in_log(tmp_path / "log", GONE) == 0
    files = sorted((tmp_path / "log").iterdir())
    assert [file.name for file in files] == [
        "items.parquet",
        "log.json",
        "part-00000.parquet",
        "users.parquet",
    ]
    assert InteractionLog.load(tmp_path / "log").users.to_list() == ["u0", None, "u2"]


def test_a_table_without_the_user_is_not_rewritten(tmp_path):
    log(tmp_path)
    file = write(tmp_path, "lists.parquet", pl.DataFrame({"user_id": ["u1", "u2"]}))
    before = file.stat().st_ino
    assert (
        erasure.forget_in_table(file, frozenset({"nobody"}))
        == erasure.forget_in_table(file, frozenset())
        == 0
    )
    assert file.stat().st_ino == before


def test_a_quarantine_forgets_rows_and_unreadable_lines_that_name_him(tmp_path):
    content = jsonl([*good(), row(user="u1", price="-1"), row(user="u2", price="-1")])
    content += b'{"user_id": "u1", \n{"user_id": "u2", \n'
    found = extract({LAST: [write(tmp_path, "a.jsonl", content)]}, market(), DAY)
    file = write(tmp_path, "quarantine.parquet", found.quarantine)
    assert erasure.forget_in_quarantine(file, GONE) == 2
    assert b"u1" not in file.read_bytes()


def test_samples_keep_their_places_and_lose_his_name(tmp_path):
    build(log(tmp_path), Catalogue.empty(), SampleConfig(), "refit").save(tmp_path / "samples")
    assert erasure.forget_in_samples(tmp_path / "samples", GONE) == 1
    after = Samples.load(tmp_path / "samples")
    assert after.users.ids.to_list() == ["u0", None, "u2"]
    assert after.users.encode(Vocabulary.of(["u1", "u2"]).ids).tolist() == [0, 3]
    assert erasure.forget_in_samples(tmp_path / "samples", GONE) == 0


def test_a_salted_hash_is_stable_and_needs_its_salt():
    assert erasure.salted_hash("u1", "salt") == erasure.salted_hash("u1", "salt")
    assert len({erasure.salted_hash(u, s) for u in ("u1", "u2") for s in ("salt", "pepper")}) == 4
    assert "u1" not in erasure.salted_hash("u1", "salt")
