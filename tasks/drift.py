"""Yesterday's data against the days before it, stored for the gate and the report."""

from pathlib import Path
from typing import Any

from prefect import task

from hm_pipeline.data.drift import drift
from hm_pipeline.data.drift_report import DriftReport, words
from hm_pipeline.data.log import Catalogue, InteractionLog
from tasks.retry import ON_STORAGE
from tasks.run import Run
from tasks.stage import Stored, kept


@task(name="drift", **ON_STORAGE)
def measure_drift(run: Run, window: Stored[InteractionLog]) -> Stored[DriftReport]:
    """The newest day's findings; which of them stop a promotion is the market's `[drift]`."""
    market, config = run.config.market, run.config.drift
    made_from = [window.prefix, market.model_dump(mode="json"), config.model_dump(mode="json")]

    def produce(folder: Path) -> dict[str, Any]:
        place = window.folder()
        log, catalogue = InteractionLog.load(place / "log"), Catalogue.load(place / "catalogue")
        report = drift(log, catalogue, market, config)
        (folder / "drift.json").write_text(report.model_dump_json(indent=1))
        outside = ", ".join(finding.measure for finding in report.outside)
        return {"said": f"outside: {outside}" if outside else "as usual"}

    return kept(run, "drift", made_from, ("data",), produce)


def load_drift(stored: Stored[DriftReport]) -> DriftReport:
    """What `measure_drift` stored."""
    return DriftReport.model_validate_json((stored.folder() / "drift.json").read_text())


def drift_notes(report: DriftReport) -> list[str]:
    """What a person should hear of the newest day."""
    return [f"drift: {words(finding)}" for finding in report.outside]
