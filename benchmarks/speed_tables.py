"""Markdown of what was measured."""

from collections.abc import Iterator, Sequence
from statistics import median

from speed_records import Equal, Journal, Round
from speed_rows import PEAK, Claim, Row

from hm_pipeline.markdown import table

CLAIMS = ("claim", "times", "lowest", "highest", "aim", "reached")
CONTENDERS = (
    "contender",
    "targets/s",
    "a CPU second",
    "ms a step",
    "share of peak",
    "with padding",
    "threads",
    "memory, MiB",
)


def tables(row: Row, journal: Journal) -> str:
    """The newest complete run of a row: its claims, then its contenders."""
    done = journal.done(row.name)
    if done is None:
        return f"### {row.name}\n\nnot measured\n"
    rounds = [r for r in journal.rounds(done.run) if r.number]
    head = f"### {row.name}\n\n{done.rounds} rounds, {done.machine}.\n"
    claims = [_claim(claim, rounds) for claim in row.claims]
    claims += [_share_claim(row, rounds)] if row.share_aim else []
    names = [*(c.name for c in row.contenders), PEAK]
    contenders = [_contender(name, rounds) for name in names]
    parts = [
        head,
        *([table(CLAIMS, claims)] if claims else []),
        table(CONTENDERS, contenders),
        *_equals(journal.equals(done.run)),
    ]
    return "\n".join(parts)


def _claim(claim: Claim, rounds: Sequence[Round]) -> tuple[str, ...]:
    """Ratios within a round: of rates, or of step times where the aim is a bound from above."""
    pairs = zip(_turns(claim.faster, rounds), _turns(claim.slower, rounds), strict=True)
    if claim.at_most:
        ratios = [a.seconds / a.steps / (b.seconds / b.steps) for a, b in pairs]
        return _spread(
            f"step: {claim.faster} / {claim.slower}", ratios, f"<= {claim.aim:g}", claim.aim, at_most=True
        )
    ratios = [a.rate / b.rate for a, b in pairs]
    return _spread(f"{claim.faster} / {claim.slower}", ratios, f">= {claim.aim:g}", claim.aim)


def _share_claim(row: Row, rounds: Sequence[Round]) -> tuple[str, ...]:
    first = row.contenders[0].name
    assert row.share_aim
    shares, aim = _shares(first, rounds), row.share_aim
    return _spread(f"{first}, share of the matrix peak", shares, f">= {aim:g}", aim)


def _spread(
    name: str, ratios: Sequence[float], said: str, aim: float, *, at_most: bool = False
) -> tuple[str, ...]:
    middle = median(ratios)
    reached = middle <= aim if at_most else middle >= aim
    return (name, *(f"{x:.2f}" for x in (middle, min(ratios), max(ratios))), said, "yes" if reached else "no")


def _contender(name: str, rounds: Sequence[Round]) -> tuple[str, ...]:
    turns = _turns(name, rounds)
    memory = f"{max(r.peak_mib for r in turns):,.0f}"
    if name == PEAK:
        rate = f"{median(r.gflop_rate for r in turns):,.0f} GFLOP/s"
        return (name, "", "", "", rate, "", str(turns[0].threads), memory)
    return (
        name,
        f"{median(r.rate for r in turns):,.0f}",
        f"{median(r.targets / r.cpu for r in turns):,.0f}",
        f"{median(1000 * r.seconds / r.steps for r in turns):,.0f}",
        f"{median(_shares(name, rounds)):.0%}",
        f"{median(_shares(name, rounds, padding=True)):.0%}",
        str(turns[0].threads),
        memory,
    )


def _shares(name: str, rounds: Sequence[Round], *, padding: bool = False) -> list[float]:
    """Of the peak that was measured in the same round."""
    pairs = zip(_turns(name, rounds), _turns(PEAK, rounds), strict=True)
    return [(a.done_gflop if padding else a.useful_gflop) / a.seconds / peak.gflop_rate for a, peak in pairs]


def _turns(name: str, rounds: Sequence[Round]) -> list[Round]:
    return sorted((r for r in rounds if r.contender == name), key=lambda r: r.number)


def _equals(equals: Sequence[Equal]) -> Iterator[str]:
    for e in equals:
        yield (
            f"Same weights, same {e.targets:,} targets: mean loss {e.theirs:.6f} as {e.contender}, "
            f"{e.ours:.6f} in one pass (relative difference {e.relative:.1e}; {e.share:.1%} of all targets "
            "belong to such histories)."
        )
