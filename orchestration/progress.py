"""How long work tells whoever watches that it moves: a callback in a context variable, silent by default."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[str, int, int | None], None]
_watcher: ContextVar[Report | None] = ContextVar("footfall_progress", default=None)


def report(what: str, done: int, total: int | None = None) -> None:
    """Say how far a piece of work is; `total` None where nobody knows."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(what, done, total)


def is_watched() -> bool:
    """Tell whether somebody watches already."""
    return _watcher.get() is not None


@contextmanager
def watched(watcher: Report) -> Iterator[None]:
    """Send reports to this callback inside the block."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
