"""The files of a night's report, and the way back from them to its outcome."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hm_pipeline.evaluation.evaluate import Evaluation
from hm_pipeline.evaluation.plots import comparison_figure, longevity_figure
from hm_pipeline.evaluation.profile_figure import item_profiles
from hm_pipeline.models.fitting import FitReport
from hm_pipeline.models.release import Release
from hm_pipeline.report.drawings import Sources, drawings
from hm_pipeline.report.html import html_page
from hm_pipeline.report.markdown import markdown_page
from hm_pipeline.report.outcome import Outcome
from hm_pipeline.storage import find
from tasks.scratch import scratch
from tasks.settings import settings
from tasks.stage import Stored

PAGE = "report.html"
_OUTCOME = "outcome.json"


def write(
    folder: Path, outcome: Outcome, gate: Mapping[str, Evaluation], fits: Mapping[str, Stored[Release]]
) -> dict[str, Any]:
    """outcome.json, report.md, report.html, and the figures as PNG."""
    (folder / _OUTCOME).write_text(json.dumps(outcome.model_dump(mode="json"), indent=1))
    (folder / "report.md").write_text(markdown_page(outcome), encoding="utf-8")
    comparison_figure(gate, folder / "comparison.png")
    item_profiles(gate, folder / "item_profiles.png", [_whose(outcome, gate)])
    if outcome.ageing:
        longevity_figure(outcome.ageing, folder / "longevity.png")
    with scratch() as sketches:
        drawn = drawings(_sources(outcome, gate, fits), sketches)
    (folder / PAGE).write_text(html_page(outcome, drawn), encoding="utf-8")
    return {}


def read(stored: Stored[Outcome]) -> Outcome:
    """What `write` wrote, and where its page lies; a report of older code has none."""
    folder = stored.folder()
    told = Outcome.model_validate_json((folder / _OUTCOME).read_text())
    return told.model_copy(update={"page": f"{place(stored)}/{PAGE}"}) if (folder / PAGE).exists() else told


def place(stored: Stored[Any]) -> str:
    """Where the files themselves lie: a path or a uri."""
    manifest = find(settings().storage, stored.prefix)
    return f"{settings().root}/{manifest.folder if manifest else stored.prefix}"


def _sources(
    outcome: Outcome, gate: Mapping[str, Evaluation], fits: Mapping[str, Stored[Release]]
) -> Sources:
    reports = {kind: FitReport(**fit.facts["report"]) for kind, fit in fits.items()}
    epochs = {kind: report.epochs for kind, report in reports.items() if report.epochs}
    return Sources(gate, epochs, outcome.ageing, of=_whose(outcome, gate))


def _whose(outcome: Outcome, gate: Mapping[str, Evaluation]) -> str:
    """The model whose items are put in words: the champion, else the best of the night."""
    return outcome.own or max(gate, key=lambda kind: gate[kind].metrics["hr"].mean or 0.0)
