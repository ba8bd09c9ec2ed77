"""Work in a process of its own, at home in a world; started without an import, and free to die.

Processes are forked from a server that has imported everything and computed nothing.
"""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from embedded import World, set_environment

T = TypeVar("T")
_PRELOADED = (  # all that a night imports on its way
    "killing",
    "flows.office",
    "hm_pipeline.index.annoy",
    "hm_pipeline.models.sequencer",
    "hm_pipeline.models.sequencer_recommender",
    "hm_pipeline.storage.bucket",
    "hm_pipeline.training.loop",
    "implicit",
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "scipy.sparse",
)


class KilledError(Exception):
    """The process died of SIGKILL."""


def elsewhere(world: World, work: Callable[..., T], *args: Any) -> T:
    """What `work(*args)` returns or raises there; KilledError where it does neither."""
    context = _forks()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, world.environment(), work, args))
    process.start()
    theirs.close()
    try:
        result, error = ours.recv()
    except EOFError:
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"it ended with {process.exitcode} and no word"
        raise KilledError from None
    process.join()
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _work(out: Connection, environment: dict[str, str], work: Callable[..., Any], args: Any) -> None:
    set_environment(environment)
    try:
        answer = work(*args), None
    except Exception as error:
        error.add_note(traceback.format_exc())
        answer = None, error
    out.send(answer)


def _forks() -> Any:
    """The server inherits its environment when it starts: one thread each, and where the tests lie."""
    context = multiprocessing.get_context("forkserver")
    tests = Path(__file__).parent
    os.environ["PYTHONPATH"] = os.pathsep.join([str(tests), str(tests.parent)])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    context.set_forkserver_preload([*_PRELOADED])
    return context
