"""Opening what was published, for those who only ask. Never opens the warehouse."""

from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.publish.versions import DATABASE, current_version, version_time


class NothingPublished(Exception):
    """There is no published file yet. Publish first."""


def open_published(home: Path) -> duckdb.DuckDBPyConnection:
    """Open the current publication read-only; it stays the same one however often others publish meanwhile.

    Raises NothingPublished before the first publication.
    """
    stable_name = home / "published" / DATABASE
    if not stable_name.exists():
        raise NothingPublished(f"nothing is published yet in {home}: run `footfall publish`")
    return duckdb.connect(str(stable_name.resolve()), read_only=True)


def last_published_at(home: Path) -> datetime | None:
    """Return when the current publication was made (UTC), None before the first."""
    version = current_version(home / "published")
    return version_time(version) if version else None
