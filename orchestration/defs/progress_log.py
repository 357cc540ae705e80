"""How far a long step is, in the event log: every ten seconds a line, where nobody else watches."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.progress import is_watched, watched

SECONDS = 10.0


@contextmanager
def progress_logged(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Log the progress of what happens inside; the CLI, which shows it on the terminal, is left alone."""
    told = time.monotonic()

    def tell(what: str, done: int, total: int | None) -> None:
        nonlocal told
        if time.monotonic() - told >= SECONDS:
            told = time.monotonic()
            context.log.info(f"{what}: {done}" if total is None else f"{what}: {done} of {total}")

    if is_watched():
        yield
        return
    with watched(tell):
        yield
