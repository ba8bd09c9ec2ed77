"""The one place of a pool that has only one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from prefect.concurrency.sync import concurrency

from hm_pipeline.config import Pool
from hm_pipeline.errors import DispatchError

SLOT_MINUTES = 15  # to wait for: three times what the lease of a killed holder takes to end


@contextmanager
def slot(name: str, pool: Pool) -> Iterator[None]:
    """The pool's one place, where it has only one: a lease, so that a killed holder's comes back.

    The limits of pool and worker keep to one run as well; the slot also keeps a run out that a second
    worker, or somebody by hand, starts on the same machine.
    """
    if not pool.exclusive:
        yield
        return
    with ExitStack() as held:
        try:
            held.enter_context(_lease(name))
        except TimeoutError:
            raise DispatchError(
                f"the one slot of the limit {name} was not free for {SLOT_MINUTES} minutes, though its pool "
                f"runs nothing else: look who trains by hand; if nobody does, its holder was lost together "
                f"with the server's memory of it: prefect gcl update {name} --active-slots 0"
            ) from None
        yield


def _lease(name: str) -> AbstractContextManager[None]:
    return concurrency(
        name,
        occupy=1,
        strict=True,
        timeout_seconds=60 * SLOT_MINUTES,
        raise_on_lease_renewal_failure=False,  # a server that restarts is no reason to stop a training
    )
