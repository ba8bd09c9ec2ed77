"""What a night leaves in Prefect's UI, under keys that stay the same, so that it shows a history:

report-<market>       the page of the night: verdict, table, drift, ageing, stages
comparison-<market>   the table of all models
mlflow-<market>       the way to the night's run, where MLflow is a server

Best effort: the night is decided and published, and an API that does not answer must not fail it.
"""

import logging
import re
from contextvars import copy_context
from threading import Thread

from prefect.artifacts import Artifact, LinkArtifact, MarkdownArtifact, TableArtifact
from prefect.context import get_run_context
from prefect.exceptions import MissingContextError

from hm_pipeline.evaluation.table import Table
from tasks import tracking
from tasks.run import Run

_PATIENCE = 20.0  # seconds: longer than a busy server takes, shorter than anybody waits for lists
_log = logging.getLogger(__name__)


def leave(run: Run, page: str, table: Table, patience: float = _PATIENCE) -> None:
    """Leave the artifacts of a night; does nothing outside a run of Prefect, and never raises."""
    if not _in_a_run():
        return
    thread = Thread(target=copy_context().run, args=(_leave, run, page, table), daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        _log.warning("Prefect did not take the artifacts of %s in %g s: left behind", run.market, patience)


def key_of(what: str, market: str) -> str:
    """Lower case, digits and dashes are all that Prefect takes."""
    return f"{what}-{re.sub('[^a-z0-9]+', '-', market.lower())}"


def rows(table: Table) -> list[dict[str, str]]:
    """A row a model, a column a metric: as a table artifact reads best."""
    return [
        {"model": model} | {row.metric: row.cells[place].text for row in table.rows}
        for place, model in enumerate(table.models)
    ]


def _in_a_run() -> bool:
    try:
        get_run_context()
    except MissingContextError:
        return False
    return True


def _leave(run: Run, page: str, table: Table) -> None:
    try:
        for artifact in _artifacts(run, page, table):
            artifact.create(_sync=True)  # type: ignore[call-arg]
    except Exception as error:  # whatever it is, it is no reason to fail a night
        _log.warning("the artifacts of %s %s are not all in Prefect: %s", run.market, run.day, error)


def _artifacts(run: Run, page: str, table: Table) -> list[Artifact]:
    market, night = run.market, f"{run.market} {run.day}"
    made: list[Artifact] = [
        MarkdownArtifact(key=key_of("report", market), markdown=page, description=f"The night of {night}"),
        TableArtifact(key=key_of("comparison", market), table=rows(table), description=f"Models on {night}"),
    ]
    link = tracking.page_of(run)
    if link is not None:
        text = f"{night} in MLflow"
        made.append(LinkArtifact(key=key_of("mlflow", market), link=link, link_text=text, description=text))
    return made
