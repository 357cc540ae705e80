"""The year lived through: write a round's files, ingest, transform, publish, look; then the next round.

Calls the same functions as the command line, in this process, on one home. What a publication said is copied aside,
because the published versions are pruned and the report compares with what was said.
"""

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from emulators.year.files import counts_text, withdrawn, write_round
from emulators.year.grid import Step
from emulators.year.reference import FEED, write_reference
from emulators.year.year import Year
from orchestration.home import Home, open_home
from orchestration.landing.retractions import named_deliveries
from orchestration.publish.published import publish
from orchestration.publish.read import open_published
from orchestration.settings import Settings
from orchestration.sources.contract import Window
from orchestration.steps import ingest, retract
from orchestration.transform import transform

SAID = ("fct_branch_traffic_daily", "fct_branch_conversion_daily")


@dataclass
class Round:
    """One publication: its round, its time, how many files came before it, and how long each stage took (seconds)."""

    step: Step
    published_at: datetime
    files: int
    seconds: dict[str, float] = field(default_factory=dict)
    revised: dict[str, int] = field(default_factory=dict)


Look = Callable[[Step, duckdb.DuckDBPyConnection], None]


def live_through(year: Year, root: Path, look: Look, tell: Callable[[str], None]) -> list[Round]:
    """Live through all rounds in `root`; `look` is called with each publication opened read-only."""
    settings = Settings(home=root / "home", memory_limit="2GB")
    write_reference(year.chain, settings.reference)
    rounds: list[Round] = []
    for step in year.steps:
        rounds.append(_round(year, step, settings, root))
        started = time.perf_counter()
        with open_published(settings.home) as connection:
            connection.execute("set TimeZone = 'UTC'")
            look(step, connection)
        rounds[-1].seconds["compare"] = time.perf_counter() - started
        shown = ", ".join(f"{name} {seconds:.1f}" for name, seconds in rounds[-1].seconds.items())
        tell(f"{step.name}: {rounds[-1].files} files; seconds: {shown}")
    return rounds


def _round(year: Year, step: Step, settings: Settings, root: Path) -> Round:
    seconds: dict[str, float] = {}

    def timed(name: str, started: float) -> float:
        now = time.perf_counter()
        seconds[name] = now - started
        return now

    at = time.perf_counter()
    drop = settings.home / "drop"
    files = write_round(year, step, drop)
    at = timed("write files", at)
    home = open_home(settings)
    _bring(year, step, home)
    at = timed("ingest", at)
    shutil.rmtree(drop)
    transform(home)
    at = timed("transform", at)
    publication = publish(settings.warehouse, settings.home, datetime.now(UTC))
    timed("publish", at)
    said = root / "said" / str(step.number)
    said.mkdir(parents=True)
    for mart in SAID:
        shutil.copy(publication.parquet / mart / f"{mart}.parquet", said)
    return Round(step, publication.published_at, files, seconds, publication.revised)


def _bring(year: Year, step: Step, home: Home) -> None:
    window = Window(year.chain.first, year.chain.day(year.known_days(step) - 1))
    for connector in home.catalogue.connectors.values():
        brought = ingest(home, connector, window)
        if brought.failures:
            raise RuntimeError(f"{step.name}: {brought.failures[:3]}")
    for counter, day, sent in withdrawn(year, step):
        sha256 = hashlib.sha256(counts_text(year, counter, day, sent).encode()).hexdigest()
        (delivery,) = named_deliveries(home.ledger, sha256)
        retract(home, home.catalogue[FEED], delivery.delivery_id, "another day's counts")
