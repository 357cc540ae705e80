"""Doctor's checks of this machine, the home and the reference files. Nothing is written, not even a trial file."""

import os
import platform
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from orchestration.commands.findings import Finding
from orchestration.commands.ledger_view import landed_paths
from orchestration.inventory import Inventory
from orchestration.landing.ledger import Ledger
from orchestration.settings import Settings

_PACKAGES = ("footfall", "dagster", "dbt-core", "dbt-duckdb", "duckdb", "pyarrow", "tzdata")
_LITTLE_BYTES, _TOO_LITTLE_BYTES = 5 << 30, 500 << 20
_PROBLEMS_SHOWN = 20
_ROOMS = ("landing", "raw", "transform", "revisions", "published", "dagster", "dbt", "inbox")


def check_versions() -> Iterator[Finding]:
    """Name the versions that a report of a fault needs."""
    found = [f"python {platform.python_version()}"]
    missing: list[str] = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    lacking = [package for package in missing if package != "footfall"]
    remedy = "install Footfall again (make install)" if lacking else ""
    yield Finding("versions", "fail" if lacking else "ok", ", ".join(found), remedy)


def check_home(settings: Settings) -> Iterator[Finding]:
    """Check that the home is there, may be written to, and has room."""
    home = settings.home
    if not home.is_dir():
        yield Finding("home", "fail", f"{home} is not there", f"footfall init {home}")
        return
    places = [home, *(home / room for room in _ROOMS if (home / room).is_dir())]
    files = [path for path in (home / "ledger.sqlite", settings.warehouse) if path.exists()]
    locked = [path for path in places if not os.access(path, os.W_OK | os.X_OK)]
    locked += [path for path in files if not os.access(path, os.W_OK)]
    if locked:
        yield Finding(
            "home", "fail", f"not writable: {', '.join(map(str, locked))}", "give this user the right to write"
        )
    else:
        yield Finding("home", "ok", f"{home} is writable")
    free = shutil.disk_usage(home).free
    state = "fail" if free < _TOO_LITTLE_BYTES else "warn" if free < _LITTLE_BYTES else "ok"
    yield Finding("free disk", state, f"{free / (1 << 30):.1f} GiB", "" if state == "ok" else "make room on this disk")


def check_problems(inventory: Inventory) -> Iterator[Finding]:
    """Pass on what the reference files say that cannot be meant."""
    problems = list(inventory.problems())
    for problem in problems[:_PROBLEMS_SHOWN]:
        name, _, said = problem.partition(": ")
        yield Finding(name, "warn", said, f"see reference/{name}")
    if len(problems) > _PROBLEMS_SHOWN:
        yield Finding("reference files", "warn", f"{len(problems) - _PROBLEMS_SHOWN} more findings like these")


def check_zones(zones: set[str]) -> Iterator[Finding]:
    """Check that Python and DuckDB agree on this year's offsets of the zones in use: they carry tables of their own."""
    year = datetime.now(UTC).year
    connection = duckdb.connect()
    try:
        different = sorted(zone for zone in zones | {"Europe/Athens"} if not _agrees(connection, zone, year))
    finally:
        connection.close()
    if different:
        remedy = "update tzdata and DuckDB together (make install)"
        yield Finding("time zones", "fail", f"Python and DuckDB differ on {', '.join(different)}", remedy)
    else:
        yield Finding("time zones", "ok", f"Python and DuckDB agree on the {len(zones)} zones in use")


def _agrees(connection: duckdb.DuckDBPyConnection, zone: str, year: int) -> bool:
    moments = [datetime(year, month, 15, 12, tzinfo=UTC) for month in range(1, 13)]
    try:
        for moment in moments:
            found = connection.execute("select timezone(?, ?::timestamptz)", [zone, moment.isoformat()]).fetchone()
            if found is None or found[0] != moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None):
                return False
    except duckdb.Error:
        return False
    return True


def check_agreement(settings: Settings, ledger: Ledger, feed: str | None) -> Iterator[Finding]:
    """Check that what the ledger entered stands in landing, and the other way round."""
    entered = landed_paths(ledger, feed)
    root = settings.home / "landing"
    pattern = f"*/{feed}/*/*.zst" if feed else "*/*/*/*.zst"
    present = {str(path.relative_to(root)) for path in root.glob(pattern)} if root.is_dir() else set[str]()
    lost, strange = entered - present, present - entered
    if lost:
        said = f"{len(lost)} deliveries of the ledger are gone from landing, such as {_some(lost)}"
        yield Finding("landing", "fail", said, "restore landing/ from a backup: it is the truth")
    if strange:
        said = f"{len(strange)} files in landing are not in the ledger yet, such as {_some(strange)}"
        yield Finding("landing", "warn", said, "the next ingest, import or run enters them")
    if not lost and not strange:
        yield Finding("landing", "ok", f"{len(present)} landed payloads, all of them in the ledger")


def _some(paths: set[str]) -> str:
    return ", ".join(Path(path).name[:16] + "…" for path in islice(sorted(paths), 2))
