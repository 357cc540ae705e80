"""An emulated Bespot over TLS, and a home that asks it."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest

from emulators.bespot import BespotApi, utc_minute
from emulators.http_server import Authority, HttpServer, serve_http
from orchestration.home import Home, Ingested, open_home
from orchestration.settings import Settings
from orchestration.sources.bespot import BespotConnector, open_feed
from orchestration.sources.contract import Channel, Landed, Payload, Window
from orchestration.steps import ingest
from tests.lived import LOGGERS

PASSWORD = "Sesame-bespot-77"
ATHENS = ZoneInfo("Europe/Athens")
DAY = date(2026, 3, 2)
AUTUMN = date(2026, 10, 25)  # 25 hours in Athens
LONG_AGO = Window(DAY, DAY)
Truth = dict[str, dict[datetime, tuple[int, int]]]
pytestmark = pytest.mark.usefixtures("no_waiting")


def busy_day(day: date = DAY, opens: int = 9, closes: int = 21, step: int = 2) -> dict[datetime, tuple[int, int]]:
    """Make a store's day: somebody passes every `step` minutes of its local opening hours."""
    first = datetime.combine(day, time(opens), ATHENS).astimezone(UTC)
    return {first + timedelta(minutes=m): (m % 7 + 1, m % 5) for m in range(0, (closes - opens) * 60, step)}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@dataclass
class Tenant:
    """An emulated tenant, a home whose feeds point at it, and a plain-http listener on the host that `next` names."""

    api: BespotApi
    server: HttpServer
    listener: HttpServer
    home: Home

    def ingest(self, feed: str = "bespot_visits", window: Window | None = LONG_AGO) -> Ingested:
        return ingest(self.home, self.home.catalogue[feed], window)

    def rows(self, table: str = "bespot_visits", feed: str = "bespot_visits") -> list[tuple[object, ...]]:
        """Return store, minute (UTC) and measures as they stand in raw."""
        columns = "in_metric, out_metric" if table == "bespot_visits" else "occupancy_metric"
        return self.sql(
            f"select store_code, minute::timestamptz, {columns} from raw_file('{table}') order by all", feed
        )

    def rejected(self) -> list[tuple[object, ...]]:
        return self.sql("select reason, column_name, value, device_id from raw_file('rejected') order by all")

    def sql(self, query: str, feed: str = "bespot_visits") -> list[tuple[object, ...]]:
        root = self.home.settings.home / "raw" / "bespot" / feed
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            scan = f"'{root}/business_date=*/' || name || '.parquet', hive_partitioning = true, union_by_name = true"
            connection.execute(f"create macro raw_file(name) as table select * from read_parquet({scan})")
            found = connection.execute(query).fetchall()
        return [tuple(v.astimezone(UTC) if isinstance(v, datetime) else v for v in row) for row in found]

    def asked_for(self, name: str) -> list[str]:
        return [request.query.get(name, "") for request in self.server.requests]


def truth(visits: Mapping[str, Mapping[datetime, tuple[int, int]]]) -> list[tuple[object, ...]]:
    return sorted((store, at, *counts) for store, minutes in visits.items() for at, counts in minutes.items())


Starter = Callable[..., Tenant]


@pytest.fixture
def start(
    authority: Authority,
    write_home: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Starter]:
    """Start a tenant; keywords that BespotApi has are its options, all others go into the feeds' tables.

    At the end nothing that was written or said may hold the password, and plain http was never asked.
    """
    caplog.set_level(logging.DEBUG)
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    monkeypatch.setenv("BESPOT_PASSWORD", PASSWORD)
    running: list[Tenant] = []
    contexts = []

    def start_(visits: Truth, *, zones: Mapping[str, str] | None = None, stores: str = "", **options: object) -> Tenant:
        api = BespotApi(visits, password=PASSWORD, zones=zones or {})
        table: dict[str, object] = {"timezone": "Europe/Athens", "timeout_seconds": 5}
        for name, value in options.items():
            if hasattr(api, name):
                setattr(api, name, value)
            else:
                table[name] = value
        contexts.append(serve_http(api.application(), authority))
        contexts.append(serve_http(api.application()))
        server, listener = contexts[-2].__enter__(), contexts[-1].__enter__()
        table |= {"base_url": f"{server.url}/api", "user": "footfall", "password_env": "BESPOT_PASSWORD"}
        table |= {"ca_file": str(authority.ca_file)}
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        counters = stores or "".join(f"bespot,{store},,{store},entrance,,,,,,\n" for store in visits)
        branches = "".join(
            f"{store},{store},,,,{(zones or {}).get(store, 'Europe/Athens')},,,,,\n" for store in {*visits}
        )
        settings = write_home(
            branches=branches,
            counters=counters,
            feeds=f"[feeds.bespot_visits]\n{lines}\n[feeds.bespot_occupancy]\n{lines}",
        )
        running.append(Tenant(api, server, listener, open_home(settings)))
        return running[-1]

    yield start_
    for context in contexts:
        context.__exit__(None, None, None)
    said = caplog.text + "".join(capfd.readouterr())
    written = [file.read_bytes() for item in running for file in item.home.settings.home.rglob("*") if file.is_file()]
    for item in running:
        assert item.listener.requests == []
        landed = [item.home.landing.read(d.path) for d in item.home.ledger.of_days("bespot_visits", [DAY])]
        written += [payload.content + payload.name.encode() for payload in landed]
    encoded = "Zm9vdGZhbGw6U2VzYW1l"  # how Basic begins
    assert not any(secret in said for secret in (PASSWORD, encoded))
    assert not any(secret.encode() in data for secret in (PASSWORD, encoded) for data in written)


def connector(**changes: object) -> BespotConnector:
    table = {"base_url": "https://api.example/api", "user": "u", "password_env": "P", "timezone": "Europe/Athens"}
    found = open_feed("bespot_visits", table | changes)
    assert found is not None
    return found


def parsed_body(body: str, device_id: str = "116500"):
    name = "GET /bi/acquisition-metrics/visits/?datetime_gte=2026-03-01T22:00:00Z&datetime_lte=2026-03-02T21:59:00Z"
    content = body.encode() if body.startswith("[") else f"[{body}]".encode()
    at = utc_minute("2026-03-03 01:00")
    payload = Payload("bespot_visits", "bespot", name, content, at, Channel.API, None, device_id, "", DAY)
    return connector().parse([Landed("d1", payload, at)])
