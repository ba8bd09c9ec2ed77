"""An outcome as markdown: report.md, and the page in Prefect."""

from collections.abc import Sequence

from hm_pipeline.data import drift_report
from hm_pipeline.evaluation import longevity
from hm_pipeline.evaluation.table import markdown
from hm_pipeline.markdown import table
from hm_pipeline.report.outcome import Outcome, StageCost


def markdown_page(outcome: Outcome) -> str:
    """Verdict, table, notes, then what there is of drift, ageing and stages."""
    notes = "".join(f"- {note}\n" for note in outcome.notes)
    figures = "" if outcome.page is None else f"\nWith figures: `{outcome.page}`\n"
    return (
        f"# {outcome.market} · {outcome.day}\n\n{outcome.verdict}\n\n{markdown(outcome.table)}\n"
        f"{outcome.users_asked:,} users asked; profile `{outcome.profile}`.\n{figures}\n{notes}"
        f"{_watched(outcome)}"
    )


def _watched(outcome: Outcome) -> str:
    """What there is of drift, ageing and stages, each under its heading."""
    parts = {
        "The newest day": outcome.drift and drift_report.markdown(outcome.drift),
        "How champions age": outcome.ageing and longevity.markdown(outcome.ageing),
        "What it took": outcome.stages and stages_markdown(outcome.stages, outcome.currency),
    }
    return "".join(f"\n## {title}\n\n{part}" for title, part in parts.items() if part)


def stages_markdown(costs: Sequence[StageCost], currency: str) -> str:
    """Stage, seconds and price; what was found stored says so."""
    rows = (
        (
            cost.stage,
            f"{cost.seconds:,.1f}",
            "" if cost.price is None else f"{cost.price:.4f}",
            "lay there" if cost.reused else "",
        )
        for cost in costs
    )
    told = table(("stage", "seconds", currency, ""), rows, text=(0, 3))
    return f"{told}\n{spent(costs):,.1f} s in this run.\n"


def spent(costs: Sequence[StageCost]) -> float:
    """Seconds of what was made in this run."""
    return sum(cost.seconds for cost in costs if not cost.reused)
