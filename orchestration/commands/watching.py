"""A progress bar per piece of work on a terminal; silence anywhere else."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from orchestration.commands.screen import err, only_the_answer
from orchestration.progress import watched


@contextmanager
def watching() -> Iterator[None]:
    """Show the progress of what runs inside on standard error, and keep standard output for the answer."""
    logging.getLogger("stamina").setLevel(logging.ERROR)  # that something is asked again is told by what becomes of it
    console = err()
    if not console.is_terminal:
        with only_the_answer():
            yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(Text(what).plain, total=total)
            progress.update(tasks[what], completed=done, total=total)

        with only_the_answer(), watched(report):
            yield
