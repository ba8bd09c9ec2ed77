"""What a command says to the libraries below it before it imports them."""

import os
from contextlib import suppress


def quiet() -> None:
    """Prefect and MLflow at their quietest and most private, unless the environment says otherwise."""
    from tasks.settings import settings

    with suppress(OSError):  # storage says it better, and the doctor wants to go on
        (settings().work / "prefect").mkdir(parents=True, exist_ok=True)
    for name, value in {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",  # of a busy machine; 20 are the default
        "PREFECT_HOME": str(settings().work / "prefect"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "OMP_WAIT_POLICY": "PASSIVE",  # two libraries that spin for one core slow each other tenfold
    }.items():
        os.environ.setdefault(name, value)
