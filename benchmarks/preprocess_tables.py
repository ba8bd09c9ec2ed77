"""Markdown of what was measured of preprocessing."""

from collections.abc import Iterator
from itertools import pairwise
from math import log
from statistics import median
from typing import get_args

from preprocess_records import Engine, Journal, Turn, of, seconds

from hm_pipeline.markdown import table

HEAD = ("millions", "engine", "seconds", "CPU seconds", "MiB", "M rows a second", "seconds / library")
GROWTH = ("seconds grow with rows ^", "library", "extract", "samples", "duckdb", "pandas")


def tables(journal: Journal) -> str:
    """Everybody by size, and how the seconds grow from the smallest size to the largest."""
    newest = journal.newest()
    rows = [row for turns in newest.values() for row in _rows(turns)]
    return "\n".join([table(HEAD, rows, text=(1,)), table(GROWTH, _growth(newest))])


def _rows(turns: list[Turn]) -> Iterator[tuple[str, ...]]:
    ours = of("library", turns)
    for engine in get_args(Engine):
        if mine := of(engine, turns):
            spent = seconds(mine)
            yield (
                f"{mine[0].millions}",
                engine,
                f"{spent:,.1f}",
                f"{median(turn.cpu for turn in mine):,.1f}",
                f"{max(turn.mib for turn in mine):,.0f}",
                f"{mine[0].rows / spent / 1e6:.2f}",
                f"{spent / seconds(ours):.2f}" if ours else "",
            )


def _growth(newest: dict[int, list[Turn]]) -> Iterator[tuple[str, ...]]:
    """Between neighbouring sizes, and over all of them."""
    sizes = [*newest]
    pairs = [*pairwise(sizes)]
    if len(sizes) > 2:
        pairs.append((sizes[0], sizes[-1]))
    for small, large in pairs:
        few, many = newest[small], newest[large]
        ours = (
            _exponent(of("library", few), of("library", many), part) for part in (None, "extract", "samples")
        )
        others = (_exponent(of(engine, few), of(engine, many)) for engine in ("duckdb", "pandas"))
        yield (f"{small} to {large} M", *ours, *others)


def _exponent(few: list[Turn], many: list[Turn], part: str | None = None) -> str:
    if not few or not many:
        return ""
    return f"{log(seconds(many, part) / seconds(few, part)) / log(many[0].rows / few[0].rows):.2f}"
