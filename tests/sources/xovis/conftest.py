"""Emulated sensors on real sockets, a home whose counters they are, and a clock that stands still."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
import stamina

from emulators.http_server import HttpServer, serve_http
from emulators.xovis import EmulatedLogic, EmulatedSensor, Fleet
from orchestration import steps
from orchestration.home import Home, Ingested, open_home
from orchestration.settings import Settings
from orchestration.sources.contract import Window
from orchestration.steps import ingest

ZONE = "Europe/Athens"
PASSWORD = "horse-battery-staple-41"
BRANCH = f"S1,Shop,GR,,Athens,{ZONE},EUR,,,,\n"
NOW = datetime(2026, 3, 30, 10, 17, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PLAIN = 'user = "admin"\npassword_env = "XOVIS_PASSWORD"\nallow_plain_http = ["127.0.0.0/8"]\n'


class Clock:
    """The time, for us and for the sensors; tests move it."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


def people(first: date, days: int, salt: int = 0, zone: str = ZONE) -> dict[datetime, tuple[int, int]]:
    """Make true minutes for whole local days: cheap, different everywhere, zeros at night."""
    begin = datetime.combine(first, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    end = datetime.combine(first + timedelta(days=days), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    minutes = int((end - begin) / MINUTE)
    return {
        begin + MINUTE * step: ((step * 7 + salt) % 5, (step * 3 + salt) % 4) if step % 1440 > 480 else (0, 0)
        for step in range(minutes)
    }


def between(
    minutes: Mapping[datetime, tuple[int, int]], begin: datetime, end: datetime
) -> dict[datetime, tuple[int, int]]:
    """Take the true minutes of a range."""
    return {minute: counts for minute, counts in minutes.items() if begin <= minute < end}


def day_of(minutes: Mapping[datetime, tuple[int, int]], day: date) -> dict[datetime, tuple[int, int]]:
    """Take the true minutes of a local day in Athens."""
    begin, end = (
        datetime.combine(day + timedelta(days=step), datetime.min.time(), ZoneInfo(ZONE)).astimezone(UTC)
        for step in (0, 1)
    )
    return between(minutes, begin, end)


@dataclass
class Chain:
    """A served fleet and the home that asks it."""

    settings: Settings
    server: HttpServer
    fleet: Fleet
    clock: Clock
    home: Home = field(init=False)

    def __post_init__(self) -> None:
        self.home = open_home(self.settings)

    def ingest(self, feed: str, first: date | None = None, last: date | None = None) -> Ingested:
        """Run one feed: what is new, or a window."""
        window = Window(first, last or first) if first else None
        return ingest(self.home, self.home.catalogue[feed], window)

    def rows(self, feed: str, columns: str = "*", where: str = "true") -> list[tuple]:
        """Read raw."""
        files = f"{self.settings.home}/raw/xovis/{feed}/business_date=*/{self.home.catalogue[feed].feed.table}.parquet"
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(
                f"select {columns} from read_parquet('{files}', hive_partitioning = true) where {where} order by all"
            ).fetchall()

    def minutes(self, feed: str = "xovis_history", where: str = "true") -> dict[datetime, tuple[int, int]]:
        """Read history's counts as the truth tells them."""
        rows = self.rows(feed, '"begin", counted_as, value', where)
        found: dict[datetime, list[int]] = {}
        for begin, role, value in rows:
            found.setdefault(begin.astimezone(UTC), [0, 0])[role != "entry"] += int(value)
        return {minute: (counts[0], counts[1]) for minute, counts in found.items()}

    def outcomes(self, feed: str) -> dict[str, tuple[str, str]]:
        """Read what the ledger says of each sensor's last delivery: state and reason."""
        with self.home.ledger.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "select device_id, state, reason from deliveries where feed = ? order by received_at", (feed,)
            )
            return {device: (state, reason) for device, state, reason in rows}


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Retry twice and at once."""
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(steps, "utc_now", found)
    return found


@pytest.fixture
def make_chain(
    write_home: Callable[..., Settings], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Chain]]:
    """Serve sensors and write the home that asks them. Address of sensor N: `<server>/sensors/N`."""
    monkeypatch.setenv("XOVIS_PASSWORD", PASSWORD)
    with ExitStack() as stack:

        def make(
            sensors: Mapping[str, EmulatedSensor],
            feeds: Mapping[str, str],
            contexts: Mapping[str, str] | None = None,
            extra_counters: str = "",
            tls: object = None,
        ) -> Chain:
            for sensor in sensors.values():
                if sensor.now is not clock:
                    sensor.now = clock
            fleet = Fleet(sensors, password=PASSWORD)
            server = stack.enter_context(serve_http(fleet, tls))  # type: ignore[arg-type]
            counters = "".join(
                f"xovis,{sensor.serial},{logic.id},S1,entrance,,,"
                f"{server.url}/sensors/{key}{(contexts or {}).get(key, '')},,,\n"
                for key, sensor in sensors.items()
                for logic in sensor.logics
            )
            tables = "".join(f"[feeds.{name}]\n{PLAIN}{text}\n" for name, text in feeds.items())
            settings = write_home(BRANCH, counters + extra_counters, feeds=tables)
            return Chain(settings, server, fleet, clock)

        yield make


def sensor(
    number: int = 1, minutes: Mapping[datetime, tuple[int, int]] | None = None, **details: object
) -> EmulatedSensor:
    """Make a sensor with one door."""
    logic = EmulatedLogic(1000, minutes if minutes is not None else people(date(2026, 3, 28), 3, number))
    return EmulatedSensor(f"02:00:5E:00:{number // 256:02X}:{number % 256:02X}", [logic], **details)  # type: ignore[arg-type]


def reasons(result: Ingested) -> list[str]:
    """List why something could not be had, notes left out."""
    return sorted(failure.reason for failure in result.failures if not failure.reason.startswith("ignored_"))


def written_under(home: Path) -> Iterator[tuple[Path, bytes]]:
    """Go through every file of a home."""
    for path in home.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()
