"""A longevity study in MLflow: a parent with a run a model."""

from prefect import task

from hm_pipeline.registry import mlflow_log as log
from hm_pipeline.registry.mlflow_runs import finish_run
from hm_pipeline.studies.ageing import Aged, Ageing
from tasks import tracking
from tasks.retry import ON_TRACKING
from tasks.run import Run
from tasks.stage import Stored
from tasks.study_log import close_parent, open_parent


@task(name="log ageing", **ON_TRACKING)
def log_ageing(run: Run, told: Ageing, settled: Stored[Ageing]) -> None:
    """The page and the figure as files of the parent; each model's figures by age in a run below it."""
    parent = open_parent(run, told, settled)
    for aged in told.models:
        run_id = parent.child(aged.model, {"kind": aged.model}, aged.model)
        log.log_params(parent.client, run_id, run.config.models[aged.model].model_dump(mode="json"))
        log.log_metrics(parent.client, run_id, figures(aged), at_ms=tracking.now_ms())
        finish_run(parent.client, run_id)
    close_parent(parent, told, settled)


def figures(aged: Aged) -> dict[str, float | None]:
    """hr_at_age_1 …, change_at_age_2 …, hr_every_7_days, change_every_7_days, as shares; seconds of a fit."""
    found: dict[str, float | None] = {"seconds": aged.seconds, "targets": aged.fresh.users}
    for at in aged.ages:
        found |= {f"hr_at_age_{at.age}": at.pooled.hr, f"hr_at_age_{at.age}_se": at.pooled.se}
        if at.change is not None:
            found |= {f"change_at_age_{at.age}": at.change.mean, f"change_at_age_{at.age}_se": at.change.se}
    for price in aged.prices:
        found[f"hr_every_{price.every}_days"] = price.hr
        if price.change is not None:
            found[f"change_every_{price.every}_days"] = price.change.mean
            found[f"change_every_{price.every}_days_se"] = price.change.se
    return found
