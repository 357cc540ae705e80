"""One writer at a time, whoever started it: file locks under FOOTFALL_HOME/locks, for runs of the UI and the CLI alike.

The kernel keeps them (flock), so a lock dies with its process and none is ever stale. Dagster's pools order the UI's
runs among themselves; these locks hold across every process of this machine.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(home: Path, name: str, waiting: Callable[[str], object] | None = None) -> Iterator[None]:
    """Hold the lock `name` of this home inside the block, after whoever holds it now.

    `waiting` is told once who is waited for. Not reentrant.
    """
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is not None:
                file.seek(0)
                waiting(f"waiting for process {file.read().strip() or '(unknown)'}, which holds {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_locked(home: Path, name: str) -> bool:
    """Tell whether somebody holds the lock now."""
    file = home / "locks" / f"{name}.lock"
    if not file.exists():
        return False
    with file.open(encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
