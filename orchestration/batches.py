"""Cutting work into bounded pieces."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most `size` items, in order (itertools.batched comes with Python 3.12)."""
    iterator = iter(items)
    while piece := list(islice(iterator, size)):
        yield piece
