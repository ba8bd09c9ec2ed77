"""Who asked to be forgotten, and is not yet."""

import pytest
from embedded import World

from hm_pipeline.data.erasure import salted_hash
from hm_pipeline.registry.ledger import Erasure
from tasks import erasure, ledger
from tasks.erase_list import erase_list


def test_a_long_list_costs_one_look_at_the_salt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = world.raw / "erase" / "market=tiny" / "2021.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("".join(f"u{number:04}\n" for number in range(50)))
    salt, asked = erasure._salt("tiny"), []
    erased = Erasure(seq=1, day="2021-06-09", users=(salted_hash("u0007", salt),))
    ledger.append("tiny", erased)
    monkeypatch.setattr(erasure, "_salt", lambda market: asked.append(market) or salt)
    assert erasure.to_forget("tiny") == {f"u{number:04}" for number in range(50)} - {"u0007"}
    assert asked == ["tiny"]


def test_a_line_names_the_id_as_it_stands_and_without_white_space_around_it(world: World) -> None:
    listed = world.raw / "erase" / "market=tiny" / "2021.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text(" u1 \n\n   \nu2\r\n")
    assert erase_list("tiny") == {" u1 ", "u1", "u2"}
