"""dbt in this process, warm: one invocation, its results as values. Nothing else in the house imports dbt.

In-process because a subprocess costs 4-5 s of start-up (docs/decisions.md); imported inside the call because loading
dbt takes seconds that readers of the ledger or the published files must not pay.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

_SHOWN = 3
PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"


@cache
def project_fingerprint() -> str:
    """Return a hash of all SQL: tables made by another version of it are rebuilt, not appended to."""
    digest = hashlib.sha256()
    for folder in ("macros", "models"):
        for file in sorted((PROJECT / folder).rglob("*.sql")):
            digest.update(file.relative_to(PROJECT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class NodeResult:
    """One model or test. `status` is dbt's word: success, error, pass, fail, warn, skipped."""

    unique_id: str
    status: str
    seconds: float
    message: str
    failures: int


class DbtFailure(Exception):
    """Models or data tests failed; the message names each with dbt's own text."""

    def __init__(self, failed: Sequence[NodeResult]) -> None:
        super().__init__("; ".join(f"{node.unique_id}: {node.message}".strip() for node in failed))
        self.failed = tuple(failed)


def build(home: Path, memory_limit: str, *, full_refresh: bool = False, command: str = "build") -> list[NodeResult]:
    """Run `dbt build` (models and their data tests, no unit tests) over the days that transform/ names."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415 - seconds of import
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    os.environ["FOOTFALL_HOME"] = str(home)
    os.environ["FOOTFALL_MEMORY_LIMIT"] = memory_limit
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    arguments = [command, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--quiet"]
    arguments += ["--log-path", str(home / "dbt" / "logs"), "--log-level", "none", "--log-level-file", "none"]
    if command == "build":
        arguments += ["--exclude", "resource_type:unit_test"]
        # Views, and tables of reference files alone, stand since the last full rebuild, which any change of SQL or
        # reference makes; so does the manifest. Cautious: a test is left out only if all that it reads is.
        standing = ["config.materialized:view", "tag:reference", "--indirect-selection", "cautious", "--no-write-json"]
        arguments += ["--full-refresh"] if full_refresh else standing
    try:
        result = dbtRunner().invoke(arguments)
    finally:
        DuckDBConnectionManager.close_all_connections()
    if result.exception is not None:
        raise DbtFailure([NodeResult("dbt", "error", 0.0, str(result.exception), 0)]) from result.exception
    return [_told(home, item) for item in getattr(result.result, "results", ())]


def _told(home: Path, item: Any) -> NodeResult:
    message = item.message or ""
    if item.status == "fail":
        message = f"{message}. {_examples(home / 'warehouse.duckdb', item.node.compiled_code)}"
    return NodeResult(item.node.unique_id, str(item.status), item.execution_time, message, item.failures or 0)


def _examples(warehouse: Path, query: str) -> str:
    """Show the first rows that a failed data test found: its name and their number alone tell nobody what to mend."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description or ()]
        rows = found.fetchmany(_SHOWN)
    return "; ".join(", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True)) for row in rows)
