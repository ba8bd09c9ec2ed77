"""MLflow's errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException, RestException
from sqlalchemy.exc import SQLAlchemyError

from hm_pipeline.errors import RegistryError


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Whatever goes wrong between us and MLflow becomes a RegistryError that says what to do."""
    try:
        yield
    except RestException as error:
        raise RegistryError(
            f"could not {doing}: the tracking server refused it ({error.error_code}): {_line(error)}. "
            "Check that server and client have the same MLflow version and that you may write there."
        ) from error
    except (MlflowException, SQLAlchemyError) as error:
        raise RegistryError(
            f"could not {doing}: {_line(error)}. Check the tracking uri (`hm doctor` tries it), then run "
            "again: what was logged is resumed, not repeated."
        ) from error
    except OSError as error:  # requests' and urllib3's errors are OSErrors, too
        raise RegistryError(
            f"could not {doing}: {_line(error)}. The tracking server or the artifact folder cannot be "
            "reached or written: start it, make room, or correct the tracking uri, then run again."
        ) from error


def _line(error: Exception) -> str:
    """The first line, which is the one that says something."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
