"""The way back from a stored report to its outcome and its page."""

from datetime import date
from pathlib import Path
from typing import Any

from embedded import World

from hm_pipeline.config import load
from hm_pipeline.evaluation.table import Table
from hm_pipeline.report.outcome import Outcome
from tasks import pages
from tasks.run import Run
from tasks.settings import settings
from tasks.stage import Stored, kept

OUTCOME = Outcome(
    market="tiny",
    day=date(2021, 6, 9),
    profile="tiny",
    users_asked=0,
    verdict="Nobody came.",
    ledger_entry=1,
    champion=None,
    table=Table(models=(), rows=()),
    prices={},
    currency="USD",
    lists=None,
    published_hr=None,
    notes=(),
)


def stored(*, page: bool) -> Stored[Outcome]:
    run = Run(config=load(settings().config, "tiny"), day=OUTCOME.day, inputs="abc")

    def produce(folder: Path) -> dict[str, Any]:
        (folder / "outcome.json").write_text(OUTCOME.model_dump_json())
        if page:
            (folder / pages.PAGE).write_text("<p>Nobody came.</p>")
        return {}

    return kept(run, "report", page, (), produce)


def test_an_outcome_that_is_read_back_knows_where_its_page_lies(world: World) -> None:
    told = pages.read(stored(page=True))
    assert told.page is not None
    assert Path(told.page).read_text() == "<p>Nobody came.</p>"
    assert told.model_copy(update={"page": None}) == OUTCOME


def test_a_report_of_older_code_has_no_page(world: World) -> None:
    assert pages.read(stored(page=False)) == OUTCOME
