"""Answers that older code has stored are read as those of today."""

import json
from typing import Any

import pytest
from by_hand import ORDER, answered, by_seed, study

from hm_pipeline.studies.answer import Answer
from hm_pipeline.studies.table import markdown

MUCH, LESS, LITTLE = [1.0] * 60 + [0.0] * 40, [1.0] * 57 + [0.0] * 43, [1.0] * 20 + [0.0] * 80
TWO: dict[str, Any] = {"axes": [ORDER | {"values": ["correct", "day"]}]}


def told(seeds: int, model: str = "lstm") -> Answer:
    asked = study(models=[model], seeds=[*range(seeds)], seeded=[], **TWO)
    rows = {"correct": [MUCH, LESS, MUCH][:seeds], "day": [LITTLE] * seeds}
    return answered(asked, by_seed(asked, rows))


def as_it_was(answer: Answer) -> dict[str, Any]:
    """What older code stored of it."""
    content: dict[str, Any] = json.loads(answer.model_dump_json())
    content["traits"] |= {"lengths": [1] * 101}
    del content["traits"]["of_length"], content["logs"]
    for need in content["study"]["needs"]:
        del need["path"]
    for line in content["lines"]:
        del line["question"], line["ann"]
        for gap in line["gaps"].values():
            del gap["seeds"], gap["chance"]
            gap["detectable"] = 0.123
    return content


@pytest.mark.parametrize(("seeds", "model"), [(3, "lstm"), (1, "lstm"), (1, "itemknn"), (3, "als")])
def test_an_older_answer_has_the_tables_of_today(seeds: int, model: str) -> None:
    now = told(seeds, model)
    old = Answer.model_validate_json(json.dumps(as_it_was(now)))
    assert [line.gaps for line in old.lines] == [line.gaps for line in now.lines]
    assert markdown(old) == markdown(now)


def test_older_windows_of_different_length_are_known_by_their_axis() -> None:
    windows = {"path": "market.window_days", "values": [9, 30], "reference": 30}
    asked = study(axes=[windows], models=["itemknn"], seeds=[1])
    now = answered(asked, by_seed(asked, {"9": [LITTLE], "30": [MUCH]}))
    assert not Answer.model_validate_json(json.dumps(as_it_was(now))).asked_alike


@pytest.mark.parametrize(
    "content", ["3", "{}", '{"study": {}}', '{"study": {"kind": "variants"}, "lines": [{}]}']
)
def test_what_is_no_answer_is_refused_as_such(content: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Answer.model_validate_json(content)
