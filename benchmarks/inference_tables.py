"""Markdown of what was measured of answering."""

from collections.abc import Mapping
from statistics import median

from inference_records import Contender, Done, Held, Journal, Turn

from hm_pipeline.markdown import table

HEAD = (
    "items",
    "width",
    "product, users/CPU s",
    "ours / product",
    "lowest",
    "highest",
    "product, top k / product",
    "all users, CPU s",
    "MiB",
    "a tenth of them, MiB",
)


def tables(journal: Journal) -> str:
    """One row a catalogue: the median of the rounds' ratios, and the memory of the lists."""
    ordered = sorted(journal.done().values(), key=lambda done: (done.items, done.width))
    return table(HEAD, [_row(d, journal.turns(d.run), journal.held(d.run)) for d in ordered])


def _row(done: Done, turns: list[Turn], held: Mapping[int, Held]) -> tuple[str, ...]:
    ours, plain = _ratios("ours", turns), _ratios("product, top k", turns)
    product = [turn.users / turn.cpu for turn in turns if turn.contender == "product"]
    few, many = (held[users] for users in sorted(held))
    return (
        f"{done.items:,}",
        f"{done.width:,}",
        f"{median(product):,.0f}",
        *(f"{statistic(ours):.2f}" for statistic in (median, min, max)),
        f"{median(plain):.2f}",
        f"{many.cpu:,.1f}",
        f"{many.mib:,.0f}",
        f"{few.mib:,.0f}",
    )


def _ratios(contender: Contender, turns: list[Turn]) -> list[float]:
    """CPU seconds beside the bare product's of the same round."""
    product = {turn.number: turn.cpu for turn in turns if turn.contender == "product"}
    return [turn.cpu / product[turn.number] for turn in turns if turn.contender == contender]
