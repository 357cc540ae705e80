"""`import`: files in hand. Tells by file what came of it, and says so when an older file will not count.

A dry run parses and prints the same and writes nothing. Landing, entering and parsing are the steps' work, as a run.
"""

import importlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from orchestration.catalogue import load_catalogue
from orchestration.commands import in_hand
from orchestration.commands.homes import read_ledger
from orchestration.commands.import_tables import print_imported
from orchestration.commands.outcome import finish
from orchestration.commands.screen import err, print_json
from orchestration.commands.watching import watching
from orchestration.settings import Settings
from orchestration.sources.contract import Connector

if TYPE_CHECKING:
    from orchestration.runs import RunReport


def import_files(
    settings: Settings,
    feed: str,
    files: Sequence[Path],
    *,
    dry_run: bool,
    now: bool,
    then_run: bool,
    as_json: bool,
) -> None:
    """Import files of a feed. Raises ConfigurationError for an unknown feed, Exit(1) when a file cannot be read."""
    if dry_run and then_run:
        raise typer.BadParameter("--dry-run writes nothing, so --run has nothing to work on")
    connector = load_catalogue(settings.reference)[feed]
    started = time.perf_counter()
    with _as_delivered(files, now=now) as paths:
        if dry_run:
            with watching():
                imported = in_hand.tried(connector, paths, read_ledger(settings))
            runs: list[RunReport] = []
        else:
            imported, runs = _import(settings, connector, paths)
    seconds = time.perf_counter() - started
    failed_runs = [run for run in runs if not run.success]
    if as_json:
        told = _as_json(feed, imported, dry_run=dry_run, seconds=seconds)
        print_json({**told, "errors": [run.error for run in failed_runs]})
    else:
        print_imported(feed, imported, dry_run=dry_run, now=now, seconds=seconds)
        for run in failed_runs:
            err().print(f"{run.job} failed (run {run.run_id}): {run.error}", markup=False, soft_wrap=True, style="red")
    failed = bool(failed_runs) or any(file.state == "unreadable" for file in imported.files)
    if then_run and not failed_runs:
        _run_on(settings, as_json=as_json)
    if failed:
        raise typer.Exit(1)


@contextmanager
def _as_delivered(files: Sequence[Path], *, now: bool) -> Iterator[list[Path]]:
    """Give the files as they are, or copies that are of this moment: a file's own time says when it was delivered."""
    if not now:
        yield list(files)
        return
    with tempfile.TemporaryDirectory(prefix="footfall-import-") as room:
        copies: list[Path] = []
        for number, path in enumerate(files):  # a folder each: two files may have one name
            copy = Path(room) / str(number) / path.name
            copy.parent.mkdir()
            shutil.copyfile(path, copy)
            copies.append(copy)
        yield copies


def _import(
    settings: Settings, connector: Connector, paths: Sequence[Path]
) -> tuple[in_hand.Imported, list["RunReport"]]:
    before = in_hand.known_before(connector, paths, read_ledger(settings))
    runs = importlib.import_module("orchestration.runs")  # Dagster takes seconds, which a dry run need not pay
    with watching():
        report: RunReport = runs.run_import(settings, connector.feed.name, list(paths))
    days = {day for item in report.ingested for day in item.days}
    ledger = read_ledger(settings)
    if ledger is None:
        return in_hand.Imported([], [], set()), [report]
    return in_hand.imported(settings, connector, paths, ledger, before, days), [report]


def _run_on(settings: Settings, *, as_json: bool) -> None:
    """Transform and publish. The JSON of the import stands alone, so these runs are told on standard error only."""
    runs = importlib.import_module("orchestration.runs")
    started = time.perf_counter()
    with watching():
        reports: list[RunReport] = [runs.run_transform(settings, None)]
        if reports[0].success:
            reports.append(runs.run_publish(settings))
    if not as_json:
        finish(settings, reports, time.perf_counter() - started, as_json=False)
    elif not all(report.success for report in reports):
        err().print("; ".join(report.error for report in reports if not report.success), markup=False)
        raise typer.Exit(1)


def _as_json(feed: str, imported: in_hand.Imported, *, dry_run: bool, seconds: float) -> dict[str, Any]:
    return {
        "feed": feed,
        "is_dry_run": dry_run,
        "files": [file.as_json() for file in imported.files],
        "rejected_rows": imported.rejected,
        "days": sorted(imported.days),
        "seconds": round(seconds, 3),
    }
