"""Articles and users under the same manners as interactions."""

from datetime import date

import polars as pl
import pytest
from raw_files import market, write

from hm_pipeline.data.catalogue import catalogue, examine_catalogue, remarks
from hm_pipeline.data.market import ArticleColumns, UserColumns
from hm_pipeline.data.vocabulary import Vocabulary
from hm_pipeline.errors import ColumnError, QuarantineError, UnreadableFileError

MARKET = market(
    articles=ArticleColumns(
        item_id="article_id",
        name="prod_name",
        category="group",
        price="price",
        launched="since",
        available="on",
    ),
    users=UserColumns(age="age"),
)
HEADER = b"article_id,prod_name,group,price,since,on\n"


def articles(tmp_path, lines):
    return examine_catalogue([write(tmp_path, "a.csv", HEADER + lines)], [], MARKET)


def test_attributes_are_read_in_their_types_and_unmapped_ones_are_null(tmp_path):
    found = articles(tmp_path, b"0007,Shirt,Tops,9.90,2021-03-01,yes\n0008,,,,,\n")
    assert found.catalogue.articles.rows() == [
        ("0007", "Shirt", "Tops", None, 9.9, date(2021, 3, 1), True),
        ("0008", None, None, None, None, None, None),
    ]


def test_an_attribute_that_cannot_be_read_is_null_and_counted(tmp_path):
    found = articles(tmp_path, b"7,Shirt,Tops,cheap,soon,perhaps\n8,Sock,Feet,-2,2021-03-01,0\n")
    assert found.catalogue.articles["price"].to_list() == [None, None]
    assert found.catalogue.articles["available"].to_list() == [None, False]
    counts = {name: n for name, n in found.counts.items() if name.startswith("unread") and n}
    assert counts == {"unread_article_price": 2, "unread_article_launched": 1, "unread_article_available": 1}
    assert remarks(found) == [
        "1 of 2 articles: available cannot be read and is taken for to be had",
        "1 of 2 articles: launched cannot be read and is taken for unknown",
        "2 of 2 articles: price cannot be read and is taken for unknown",
    ]


def test_a_price_beyond_the_contracts_is_not_believed(tmp_path):
    found = articles(tmp_path, b"7,A,x,1e200,,\n8,B,x,1000000,,\n9,C,x,inf,,\n")
    assert found.catalogue.articles["price"].to_list() == [None, 1_000_000, None]


def test_of_two_rows_of_an_article_the_same_is_kept_in_any_order_and_counted(tmp_path):
    lines = [b"7,Shirt,Tops,8,,\n", b"7,Shirt,Tops,9,,\n", b"7,Shirt,,99,,\n"]
    there, back = (articles(tmp_path, b"".join(order)) for order in (lines, lines[::-1]))
    assert there.catalogue.articles.equals(back.catalogue.articles)
    assert there.catalogue.articles["price"].to_list() == [9.0]
    assert there.counts["duplicate_articles"] == 2


def test_a_row_without_a_good_id_is_quarantined_and_too_many_stop_the_run(tmp_path):
    file = write(tmp_path, "a.csv", HEADER + b",x,,,,\n" + b"i" * 30 + b",x,,,,\n\xff,x,,,,\n7,x,,,,\n")
    found = examine_catalogue([file], [], MARKET)
    assert found.quarantine["reason"].to_list() == ["long_item_id", "no_item_id", "not_utf8"]
    assert found.catalogue.articles["item_id"].to_list() == ["7"]
    strict = MARKET.model_copy(
        update={"contract": MARKET.contract.model_copy(update={"max_rejected_share": 0.5})}
    )
    with pytest.raises(QuarantineError, match="3 of 4 rows"):
        catalogue([file], [], strict)


def test_a_broken_snapshot_has_its_named_error(tmp_path):
    with pytest.raises(ColumnError, match="did you mean 'product_name'"):
        catalogue([write(tmp_path, "a.csv", HEADER.replace(b"prod_name", b"product_name"))], [], MARKET)
    with pytest.raises(UnreadableFileError, match=r"b\.parquet"):
        catalogue([write(tmp_path, "b.parquet", b"PAR1 not")], [], MARKET)
    nested = pl.DataFrame({"user_id": ["u"], "age": [[1]]})
    with pytest.raises(ColumnError, match="'age' holds List"):
        catalogue([], [write(tmp_path, "u.parquet", nested)], MARKET)


def test_erased_users_are_not_read_and_whole_ages_have_no_fraction(tmp_path):
    users = pl.DataFrame({"user_id": ["a", "gone", "b"], "age": [24.0, 30.0, None]})
    found = examine_catalogue([], [write(tmp_path, "u.parquet", users)], MARKET, frozenset({"gone"}))
    assert found.catalogue.users.rows() == [("a", "24", None), ("b", None, None)]
    assert found.counts["erased"] == 1


def test_no_files_are_an_empty_catalogue():
    assert len(catalogue([], [], MARKET).articles) == 0


def test_what_can_no_longer_be_bought_is_told_apart_and_the_unknown_can_be(tmp_path):
    found = articles(tmp_path, b"a,A,x,1,2021-01-01,false\nb,B,x,1,2021-01-01,true\nc,C,x,1,2021-01-01,\n")
    buyable = found.catalogue.buyable(Vocabulary.of(["a", "b", "c", "never heard of"]))
    assert buyable.tolist() == [True, False, True, True, True]
