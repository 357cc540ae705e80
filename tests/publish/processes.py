"""What the tests run in processes of their own: a BI tool that reads, and a publish that dies."""

import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publish.published import publish
from tests.publish.chain import edition_read_by

PROCESSES = multiprocessing.get_context("forkserver")  # imports once; forking this process would fork DuckDB's threads
PROCESSES.set_forkserver_preload([__name__])

NAME_CHANGES = {"os.mkdir", "os.symlink", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}


@dataclass
class Report:
    """What a reader saw: the editions in order, and everything that ought not to happen."""

    seen: list[int] = field(default_factory=list[int])
    failures: list[str] = field(default_factory=list[str])


def read_until(home: Path, last_edition: int) -> Report:
    """Ask the stable names, opening them anew each time, until the last edition is there."""
    report, newest = Report(), 0
    while newest < last_edition and len(report.failures) < 20:
        try:
            edition, parquet_edition = edition_read_by(home), parquet_edition_read_by(home)
        except (duckdb.Error, OSError, ValueError) as failure:
            report.failures.append(repr(failure))
            continue
        if not newest <= edition <= parquet_edition:
            report.failures.append(f"edition {edition} after {newest}, then Parquet {parquet_edition}")
        if edition != newest:
            report.seen.append(edition)
        newest = edition
    return report


def parquet_edition_read_by(home: Path) -> int:
    """Return the edition in the Parquet file of the daily traffic; fail if it is a mixture of two."""
    files = str(home / "published" / "parquet" / "fct_branch_traffic_daily" / "*.parquet")
    with duckdb.connect(config={"threads": 1}) as connection:
        question = "select distinct entry_count from read_parquet(?)"
        ((edition,),) = connection.execute(question, [files]).fetchall()
    return int(edition)


def publish_and_die(home: Path, published_at: datetime, step: int) -> None:
    """Publish, and die right before that many-th change to the names in `home`: folder, link, rename or removal."""
    steps = count(1)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in NAME_CHANGES and any(str(home) in str(argument) for argument in arguments) and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)
    publish(home / "warehouse.duckdb", home, published_at)
