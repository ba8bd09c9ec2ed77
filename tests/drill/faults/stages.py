"""A stage of a night, known by the request with which its result begins to travel."""

from datetime import date

STAGES = {
    "extract": "PUT .*/tiny/{day}/extract/",
    "samples": "PUT .*/tiny/{day}/samples/",
    "train cpu": "PUT .*/tiny/{day}/model/",
    "train gpu": "PUT .*/tiny/{day}/checkpoints/train-lstm/",
    "evaluate": "PUT .*/tiny/{day}/evaluation/",
    "register": "PUT /hm-pipeline/mlflow/",  # MLflow's own request, for the night that waits for it
    "lists": "PUT .*/tiny/{day}/lists/",
    "commit": "PUT .*/tiny/ledger/",
    "publish": "PUT .*/tiny/latest.json",
    "report": "PUT .*/tiny/{day}/report/",
}


def request_of(stage: str, day: date) -> str:
    """The pattern by which the proxy knows it."""
    return STAGES[stage].format(day=day)
