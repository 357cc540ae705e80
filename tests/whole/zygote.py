"""A process that has everything imported and runs cycles in forked children, each to its end or to a kill -9.

Reads lines `HOME PHASES SECONDS` (SECONDS empty: to the end) and answers `done`, `killed` or `failed`. Importing dbt
takes seconds; forking it spares every one of fifty trials that wait.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import dbt.adapters.duckdb
import dbt.cli.main  # noqa: F401

from orchestration.home import open_home, utc_now
from orchestration.publish.published import publish
from orchestration.settings import Settings
from orchestration.steps import ingest
from orchestration.transform import transform


def cycle(root: Path, phases: Sequence[str]) -> None:
    """Ingest, transform and publish a home once, or do only what is named of it."""
    home = open_home(Settings(home=root))
    if "ingest" in phases:
        for connector in home.catalogue.connectors.values():
            ingest(home, connector)
    if "transform" in phases:
        transform(home)
    if "publish" in phases:
        publish(home.settings.warehouse, home.settings.home, utc_now())


def run(root: Path, phases: Sequence[str], seconds: float | None) -> str:
    """Run phases in a child; kill it after so many seconds where it is still at work."""
    child = os.fork()
    if child == 0:
        try:
            cycle(root, phases)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "done" if status == 0 else "failed"
        if end is not None and time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "killed"
        time.sleep(0.005)


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        place, phases, limit = line.rstrip("\n").split("\t")
        print(run(Path(place), phases.split(), float(limit) if limit else None), flush=True)
