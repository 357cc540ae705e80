"""Emulated FootfallCam servers behind real sockets, and homes that ask them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from emulators.footfallcam.account import AccountApi
from emulators.footfallcam.counters import CounterApi
from emulators.footfallcam.portal import ExportApi
from emulators.footfallcam.traffic import Counted
from emulators.http_server import HttpServer, serve_http
from orchestration.home import Home, Ingested, open_home
from orchestration.sources.contract import Connector, Window
from orchestration.sources.http import Retry
from orchestration.steps import ingest

DAY = date(2026, 3, 2)
THAT_DAY = Window(DAY, DAY)
ZONE = "Europe/Vienna"
SECRET = "Sentinel-Passw0rd-41x"
BRANCH = f"A1,Shop,AT,,Wien,{ZONE},EUR,,,,\n"
QUICK = Retry(attempts=2, first_wait_seconds=0.01, longest_wait_seconds=0.02)


def counted(seed: int = 1, days: tuple[date, ...] = (DAY,), zone: str = ZONE) -> Counted:
    """Make a counter's truth: every minute of these local days, busy by day, nobody at night."""
    chance = random.Random(seed)
    minutes: dict[datetime, tuple[int, int]] = {}
    for day in days:
        start = datetime.combine(day, datetime.min.time(), UTC) - timedelta(hours=15)
        for step in range(54 * 60):
            at = start + timedelta(minutes=step)
            is_open = 8 <= at.hour < 18
            minutes[at] = (chance.randrange(4), chance.randrange(4)) if is_open else (0, 0)
    return Counted(zone, minutes)


@dataclass
class Network:
    """Emulated counters and the server they stand behind."""

    api: CounterApi
    server: HttpServer

    @property
    def count_requests(self) -> int:
        """How often a count was asked for."""
        return sum("apiCount" in request.path for request in self.server.requests)

    @property
    def token_requests(self) -> int:
        """How often a token was asked for."""
        return sum("access_token" in request.path for request in self.server.requests)


@pytest.fixture
def network() -> Iterator[Network]:
    api = CounterApi({"d1": counted(1), "d2": counted(2)}, {"d1": SECRET, "d2": SECRET})
    with serve_http(api.application()) as server:
        yield Network(api, server)


@pytest.fixture
def export() -> Iterator[tuple[ExportApi, HttpServer]]:
    api = ExportApi({"26509": counted(1), "26510": counted(2)}, token=SECRET)
    with serve_http(api.application()) as server:
        yield api, server


@pytest.fixture
def account() -> Iterator[tuple[AccountApi, HttpServer]]:
    api = AccountApi({"26509": counted(1), "26510": counted(2)}, password=SECRET)
    with serve_http(api.application()) as server:
        yield api, server


@pytest.fixture
def ask_network(write_home, network, monkeypatch) -> Callable[..., Home]:
    """Open a home whose device feed asks the emulated counters; keys of the feed's table can be added."""

    def opened(table: str = "", devices: str = "d1,d2", addresses: dict[str, str] | None = None) -> Home:
        monkeypatch.setenv("COUNTER_PASSWORD", SECRET)
        given = addresses or {}
        rows = "".join(
            f"footfallcam,{name},,A1,entrance,,,{given.get(name) or network.api.address(network.server.url, name)},,,\n"
            for name in devices.split(",")
        )
        feed = "[feeds.footfallcam_device]\nallow_plain_http = ['127.0.0.0/8']\n"
        if "password_" not in table:
            feed += "password_env = 'COUNTER_PASSWORD'\n"
        return open_home(write_home(BRANCH, rows, feeds=feed + table))

    return opened


def quick(home: Home, feed: str) -> Connector:
    """Return a feed's connector that loses no time on retries."""
    return replace(home.catalogue[feed], retry=QUICK)


def take(home: Home, feed: str = "footfallcam_device", window: Window | None = THAT_DAY) -> Ingested:
    return ingest(home, quick(home, feed), window)


def reasons(result: Ingested) -> list[str]:
    return sorted(item.reason for item in result.failures if not item.reason.startswith("ignored_"))


def raw(home: Home, columns: str, table: str = "footfallcam_device", order: str = "all") -> list[tuple]:
    """Read rows of a feed's raw files."""
    pattern = str(home.raw.root / "footfallcam" / "*" / "*" / f"{table}.parquet")
    statement = f"select {columns} from read_parquet('{pattern}', hive_partitioning = false) order by {order}"
    return duckdb.sql(statement).fetchall()


def truth(counted_by: Counted, seconds: int = 60, day: date = DAY) -> list[tuple]:
    """What raw must hold of a counter's day: local start, in, out."""
    return sorted((start, *counts) for start, counts in counted_by.intervals(day, seconds))


def outcomes(home: Home) -> dict[str, str]:
    """Return the ledger's word on each delivery: state and reason by device."""
    with home.ledger.begin() as connection:
        rows = connection.exec_driver_sql("select device_id, state, reason from deliveries").fetchall()
    return {device: f"{state} {reason}".strip() for device, state, reason in rows}


def everything_written(home: Path) -> bytes:
    """Return every byte under a home, landing unpacked and Parquet decoded, so that a secret cannot hide in it."""
    import zstandard

    found: list[bytes] = []
    for path in home.rglob("*"):
        if not path.is_file() or "secrets" in path.parts:
            continue
        data = path.read_bytes()
        found.append(str(path).encode() + data)
        if path.suffix == ".zst":
            at = 8 + int.from_bytes(data[4:8], "little")
            found.append(zstandard.ZstdDecompressor().decompress(data[at:]))
        if path.suffix == ".parquet":
            found.append(repr(duckdb.sql(f"from read_parquet('{path}')").fetchall()).encode())
    return b"\n".join(found)
