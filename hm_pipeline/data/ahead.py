"""Two things at a time: the next one is got ready in a thread while this one is worked on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(things: Iterable[T]) -> Iterator[T]:
    """The same things in the same order, the next one made while one is looked at: two are held at a time."""
    source = iter(things)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(_some, source)
        while some := coming.result():
            coming = pool.submit(_some, source)
            yield some[0]


def _some(source: Iterator[T]) -> list[T]:
    """The next thing; nothing where there is none."""
    for thing in source:
        return [thing]
    return []
