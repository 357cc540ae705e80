"""The verbs that change state: each starts runs on the home's Dagster instance and tells what came of them."""

import time
from collections.abc import Callable, Sequence

from orchestration import runs
from orchestration.catalogue import load_catalogue
from orchestration.commands.outcome import finish
from orchestration.commands.watching import watching
from orchestration.runs import RunReport
from orchestration.settings import Settings
from orchestration.sources.contract import Window


def ingest(settings: Settings, feeds: list[str] | None, window: Window | None, *, as_json: bool) -> None:
    """Fetch, land and parse."""
    _known(settings, feeds)
    _told(settings, lambda: [runs.run_ingest(settings, feeds, window)], as_json=as_json)


def transform(settings: Settings, window: Window | None, *, full: bool, as_json: bool) -> None:
    """Rebuild the warehouse's touched (or named) days."""
    _told(settings, lambda: [runs.run_transform(settings, window, full=full)], as_json=as_json)


def publish(settings: Settings, *, as_json: bool) -> None:
    """Make new published files."""
    _told(settings, lambda: [runs.run_publish(settings)], as_json=as_json)


def run(settings: Settings, *, as_json: bool) -> None:
    """Run one whole cycle."""
    _told(settings, lambda: runs.run_cycle(settings), as_json=as_json)


def replay(settings: Settings, feeds: list[str] | None, window: Window | None, *, as_json: bool) -> None:
    """Parse again from landing."""
    _known(settings, feeds)
    _told(settings, lambda: [runs.run_replay(settings, feeds, window)], as_json=as_json)


def rebuild(settings: Settings, *, as_json: bool) -> None:
    """Make everything again from landing."""
    _told(settings, lambda: runs.run_rebuild(settings), as_json=as_json)


def _known(settings: Settings, feeds: list[str] | None) -> None:
    """Refuse unknown feeds before a run is started. Raises ConfigurationError."""
    load_catalogue(settings.reference).chosen(feeds)


def _told(settings: Settings, work: Callable[[], Sequence[RunReport]], *, as_json: bool) -> None:
    started = time.perf_counter()
    with watching():
        reports = work()
    finish(settings, reports, time.perf_counter() - started, as_json=as_json)
