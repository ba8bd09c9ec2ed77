"""One at a time over all machines: a lease in storage that its holder renews while it lives.

Nobody's clock is compared with another's: who waits watches whether the lease changes, and takes one that has
stood still for LEASE_SECONDS, since its holder is dead.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from threading import Event, Thread
from uuid import uuid4

from hm_pipeline.errors import NotThereError, StorageError
from tasks.settings import settings

LEASE_SECONDS = 15.0


@contextmanager
def alone(key: str) -> Iterator[None]:
    """Wait until nobody else holds `key`, hold it meanwhile, and let it go."""
    me, done = uuid4().hex, Event()
    _take(key, me)
    renewing = Thread(target=_renew, args=(key, me, done), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()
        if _holder(key) == me:
            settings().storage.delete(key)


def _take(key: str, me: str) -> None:
    storage, seen, since = settings().storage, "", time.monotonic()
    while not storage.create(key, _body(me, 0)):
        with suppress(NotThereError):
            _, version = storage.read_versioned(key)
            if version != seen:
                seen, since = version, time.monotonic()
            elif time.monotonic() - since > LEASE_SECONDS and storage.replace(key, _body(me, 0), version):
                return
        time.sleep(LEASE_SECONDS / 15)


def _renew(key: str, me: str, done: Event) -> None:
    for number in count(1):
        if done.wait(LEASE_SECONDS / 5):
            return
        with suppress(StorageError):  # the next time, before anybody thinks that this process is dead
            if _holder(key) == me:
                settings().storage.write(key, _body(me, number))


def _holder(key: str) -> str:
    try:
        return settings().storage.read(key).decode().split()[0]
    except NotThereError:
        return ""


def _body(me: str, number: int) -> bytes:
    return f"{me} {number}\n".encode()
