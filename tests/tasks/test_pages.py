"""The way back from a stored report to its outcome and its page."""

from datetime import date
from pathlib import Path
from typing import Any

from embedded import World

from hm_pipeline.config import load
from hm_pipeline.evaluation.table import Table
from hm_pipeline.registry.ledger import Decision
from hm_pipeline.registry.night import Verdict
from hm_pipeline.report.outcome import Outcome
from tasks import pages
from tasks.report import find_outcome
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


DECISION = Decision(
    seq=1,
    day=OUTCOME.day,
    run_digest="abc",
    verdict=Verdict(day=OUTCOME.day, promote=False, winner=None, step="stays", reason="Nobody came."),
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


def test_a_damaged_report_is_one_that_is_not_there(world: World) -> None:
    assert find_outcome(DECISION, "tiny") is None
    folder = stored(page=False).folder()
    assert find_outcome(DECISION, "tiny") == OUTCOME.model_copy(update={"reused": True})
    (folder / "outcome.json").unlink()
    assert find_outcome(DECISION, "tiny") is None


def test_a_report_of_older_code_has_no_page(world: World) -> None:
    assert pages.read(stored(page=False)) == OUTCOME
