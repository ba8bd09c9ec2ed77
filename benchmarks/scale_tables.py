"""Markdown of what was measured of a market's size: a line a stage, a column a size, and the exponent."""

import math

from scale_records import Journal, Stage

from hm_pipeline.markdown import table

PART = "≈"  # before what was extrapolated


def tables(journal: Journal) -> str:
    """Seconds of the whole stage and MiB of its process by size; seconds grow with size to the exponent."""
    stages = journal.stages()
    sizes = sorted({size for _, size in stages})
    names = list(dict.fromkeys(name for name, _ in stages))
    head = ["stage", *(f"{size} M, s" for size in sizes), "exponent", *(f"{size} M, MiB" for size in sizes)]
    rows = []
    for name in names:
        by_size = {size: stages[name, size] for size in sizes if (name, size) in stages}
        seconds = [_seconds(by_size[size]) if size in by_size else "-" for size in sizes]
        held = [f"{by_size[size].peak_mib:,.0f}" if size in by_size else "-" for size in sizes]
        rows.append([name, *seconds, exponent(by_size), *held])
    return table(head, rows)


def exponent(by_size: dict[int, Stage]) -> str:
    """Of the smallest and the largest: log of the ratio of seconds over log of the ratio of sizes."""
    if len(by_size) < 2:
        return "-"
    few, many = by_size[min(by_size)], by_size[max(by_size)]
    growth = math.log(whole(many) / whole(few)) / math.log(many.size / few.size)
    return f"{growth:.2f}"


def whole(stage: Stage) -> float:
    """Seconds for all of it: measured, or in proportion to the part that was done."""
    facts = stage.facts
    if "targets_per_second" in facts and facts["done"] < facts["all"]:
        return facts["all"] / facts["targets_per_second"]
    if "asking" in facts:
        return facts["asking"] * facts["all"] / facts["done"]
    return facts.get("evaluating", stage.seconds)


def _seconds(stage: Stage) -> str:
    seconds, facts = whole(stage), stage.facts
    mark = PART if facts.get("done", 0) < facts.get("all", 0) else ""
    return f"{mark}{seconds:,.1f}" if seconds < 100 else f"{mark}{seconds:,.0f}"
