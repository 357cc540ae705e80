"""The folder `published/`: version names, the flip, leftovers of killed publishes, pruning. Knows nothing of DuckDB.

Its layout:
    versions/<version>/footfall.duckdb, parquet/      complete before anyone can reach them
    current -> versions/<version>                     the one link that is ever flipped
    footfall.duckdb -> current/footfall.duckdb        what BI is pointed at
    parquet -> current/parquet                        likewise, so both change in the same instant
"""

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

DATABASE = "footfall.duckdb"
PARQUET = "parquet"

KEEP_VERSIONS = 5
KEEP_SUPERSEDED = timedelta(hours=1)  # a reader that resolved a link may open it, and its Parquet files, a while later

_NAME = "%Y%m%dT%H%M%S%fZ"


def version_name(published_at: datetime) -> str:
    """Return the version's name: its UTC time to the microsecond, so that names sort by time."""
    return published_at.astimezone(UTC).strftime(_NAME)


def version_time(version: str) -> datetime:
    """Return the UTC time that a version's name says."""
    return datetime.strptime(version, _NAME).replace(tzinfo=UTC)


@contextmanager
def only_publisher(room: Path) -> Generator[None]:
    """Wait until no other publish runs on this room, in any process; the kernel frees the lock of a killed one."""
    room.mkdir(parents=True, exist_ok=True)
    with (room / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def current_version(room: Path) -> str | None:
    """Return the version that readers get, None before the first publication."""
    link = room / "current"
    return link.readlink().name if link.is_symlink() and link.exists() else None


def versions(room: Path) -> list[str]:
    """Return all versions on disk, oldest first."""
    folder = room / "versions"
    return sorted(entry.name for entry in folder.glob("*T*Z")) if folder.is_dir() else []


def leftovers(room: Path) -> list[str]:
    """Return the versions of publishes that died before their flip: newer than what readers get."""
    current = current_version(room)
    return [version for version in versions(room) if current is None or version > current]


def discard(room: Path, doomed: list[str]) -> None:
    """Remove versions from disk; whoever has their files open keeps reading them."""
    for version in doomed:
        shutil.rmtree(room / "versions" / version)


def flip(room: Path, version: str) -> None:
    """Make the version current, in one atomic rename. Its files must be durable already."""
    sync_folder(room / "versions")
    for name in (DATABASE, PARQUET):
        _link(room / name, Path("current") / name)
    sync_folder(room)
    _link(room / "current", Path("versions") / version)
    sync_folder(room)


def prune(room: Path, now: datetime) -> None:
    """Remove old versions: all but the newest five and those that were current within the last hour."""
    superseded = [(old, version_time(new)) for old, new in pairwise(versions(room))]
    beyond = superseded[: 1 - KEEP_VERSIONS]
    discard(room, [version for version, at in beyond if now - at > KEEP_SUPERSEDED])


def sync_file(path: Path) -> None:
    """Make a file's bytes survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


sync_folder = sync_file  # a folder's names are its bytes


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
