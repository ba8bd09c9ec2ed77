"""Markdown of what was measured of looking up nearest items."""

from search_records import Journal, Reading

from hm_pipeline.markdown import table

HEAD = (
    "catalogue",
    "contender",
    "setting",
    "recall",
    "users/s",
    "of the product",
    "by CPU",
    "times implicit",
    "build s",
    "MiB",
)


def tables(journal: Journal) -> str:
    """One row a contender, at the narrowest setting that finds enough or the widest there is."""
    readings = list(journal.newest().values())
    reference = {r.catalogue: r.of_product for r in readings if r.contender == "implicit"}
    catalogues = dict.fromkeys(r.catalogue for r in readings)
    rows = [_row(r, reference.get(r.catalogue)) for name in catalogues for r in _ranked(readings, name)]
    return table(HEAD, rows, text=(0, 1, 2))


def _ranked(readings: list[Reading], catalogue: str) -> list[Reading]:
    """The fastest first."""
    return sorted((r for r in readings if r.catalogue == catalogue), key=lambda r: -r.of_product)


def _row(reading: Reading, implicit: float | None) -> tuple[str, ...]:
    return (
        f"{reading.catalogue} ({reading.items:,} x {reading.width})",
        reading.contender,
        reading.setting,
        f"{reading.recall:.3f}",
        f"{reading.users / reading.seconds:,.0f}",
        f"{reading.of_product:.2f}",
        f"{reading.product_cpu / reading.cpu:.2f}",
        f"{reading.of_product / implicit:.2f}" if implicit else "",
        f"{reading.build_seconds:.1f}",
        f"{reading.peak_mib:,.0f}",
    )
