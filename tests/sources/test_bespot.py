"""Bespot through the real client and real TLS against an emulated tenant: every fault once, and raw is the truth."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import duckdb
import pytest
from pydantic import ValidationError
from starlette.responses import HTMLResponse

from emulators.bespot import LIST_SPELLING, OCCUPANCY, VISITS, BespotApi, utc_minute
from emulators.http_server import Authority, Fault, HttpServer, cut_body, hang, serve_http, unavailable
from orchestration.catalogue import ConfigurationError
from orchestration.home import Home, Ingested, open_home
from orchestration.settings import Settings
from orchestration.sources.bespot import BespotConnector, open_feed
from orchestration.sources.bespot.asking import Question, closed_until, questions
from orchestration.sources.contract import Asked, Channel, Device, Landed, Payload, Window
from orchestration.steps import ingest, replay

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
    for name in ("httpx", "httpcore.connection", "httpcore.http11"):
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


@pytest.mark.parametrize(("page_size", "pages"), [(10_000, 1), (180, 2), (36, 10)])
def test_raw_equals_the_truth_however_many_pages(start: Starter, page_size: int, pages: int) -> None:
    visits: Truth = {"116500": busy_day(), "116501": busy_day(step=2)}
    tenant = start(visits, page_size=page_size)
    result = tenant.ingest()
    assert tenant.rows() == truth(visits)
    assert (result.kept, result.rows, result.rejected_rows, result.failures) == (2, 720, 0, [])
    assert len(tenant.server.requests) == 2 * pages
    assert {request.basic for request in tenant.server.requests} == {("footfall", PASSWORD)}
    assert "device_id" not in tenant.server.requests[0].query


def test_both_spellings_give_the_same_rows(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits, spelling=LIST_SPELLING)
    tenant.ingest()
    assert tenant.rows() == truth(visits)
    assert tenant.sql("select distinct in_metric - out_metric = diff_metric from raw_file('bespot_visits')") == [
        (True,)
    ]


def test_next_link_of_the_documentation_is_plain_http_and_never_asked(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, page_size=100)
    tenant.api.next_host = urlsplit(tenant.listener.url).netloc  # our own host, by plain http, where somebody listens
    result = tenant.ingest()
    assert result.failures == []
    assert tenant.asked_for("page") == ["1", "2", "3", "4"]
    assert tenant.listener.requests == []


def test_next_link_to_a_foreign_host_fails_that_store_and_is_never_asked(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, page_size=100, next_host="elsewhere.example")
    (failure,) = tenant.ingest().failures
    assert (failure.reason, failure.device_id, failure.business_date) == ("foreign_next", "116500", DAY)
    assert "elsewhere.example" in failure.message
    assert len(tenant.server.requests) == 1


@pytest.mark.parametrize(
    ("next_page", "reason"), [("1", "page_cycle"), ("0", "page_cycle"), ("x", "bad_next"), ("-2", "bad_next")]
)
def test_next_link_that_leads_nowhere_ends(start: Starter, next_page: str, reason: str) -> None:
    tenant = start({"116500": busy_day()}, page_size=100, next_page=next_page)
    assert [failure.reason for failure in tenant.ingest().failures] == [reason]
    assert len(tenant.server.requests) == 1


def test_pages_without_end_are_given_up(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, page_size=10, max_pages=5)
    assert [failure.reason for failure in tenant.ingest().failures] == ["too_many_pages"]
    assert len(tenant.server.requests) == 5


def test_count_that_grows_while_paging_starts_the_day_again(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits, page_size=100, drifts=2)
    result = tenant.ingest()
    assert (result.failures, tenant.rows()) == ([], truth(visits))
    assert tenant.asked_for("page") == ["1", "2", "1", "2", "1", "2", "3", "4"]


def test_count_that_never_stands_still_is_a_failure(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, page_size=100, drifts=99)
    assert [failure.reason for failure in tenant.ingest().failures] == ["count_drift"]
    assert tenant.rows() == []


def test_count_that_the_rows_do_not_reach_is_a_failure(start: Starter) -> None:
    tenant = start({"116500": busy_day()}, wrong_count=1)
    assert [failure.reason for failure in tenant.ingest().failures] == ["incomplete_pages"]
    assert tenant.rows() == []


def test_page_size_that_the_server_clamps_loses_nothing(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits, page_size=10_000, largest_page_size=50)
    assert (tenant.ingest().failures, tenant.rows()) == ([], truth(visits))
    assert len(tenant.server.requests) == 8


def test_wrong_password_stops_the_feed_after_one_request(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = start({f"{store}": busy_day() for store in range(20)})
    monkeypatch.setenv("BESPOT_PASSWORD", PASSWORD + "-wrong")
    result = tenant.ingest()
    (failure,) = result.failures
    assert (failure.reason, result.kept, len(tenant.server.requests)) == ("refused", 0, 1)
    assert "authentication_failed" in failure.message
    assert "error_id" in failure.message


def test_store_that_bespot_does_not_know_fails_alone(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    stores = "bespot,116500,,116500,entrance,,,,,,\nbespot,999,,116500,entrance,,,,,,\n"
    tenant = start(visits, stores=stores)
    (failure,) = tenant.ingest().failures
    assert (failure.reason, failure.device_id) == ("store_code_not_found", "999")
    assert "error_id" in failure.message
    assert tenant.rows() == truth(visits)


def test_server_that_stumbles_is_asked_again(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits)
    tenant.server.faults += [Fault(unavailable(500)), Fault(cut_body)]
    assert (tenant.ingest().failures, tenant.rows()) == ([], truth(visits))


def test_throttled_feed_waits_as_long_as_it_is_told(start: Starter) -> None:
    visits: Truth = {"116500": busy_day(), "116501": busy_day()}
    tenant = start(visits)
    tenant.server.faults.append(Fault(unavailable(429, Retry_After="1")))
    begun = datetime.now(UTC)
    assert (tenant.ingest().failures, tenant.rows()) == ([], truth(visits))
    assert datetime.now(UTC) - begun >= timedelta(seconds=1)


def test_one_store_that_keeps_failing_costs_only_itself(start: Starter) -> None:
    visits: Truth = {"116500": busy_day(), "116501": busy_day()}
    tenant = start(visits)
    tenant.server.faults.append(Fault(unavailable(500), times=99, where="store_code=116500"))
    (failure,) = tenant.ingest().failures
    assert (failure.reason, failure.device_id) == ("server_error", "116500")
    assert tenant.rows() == truth({"116501": visits["116501"]})


def test_bespot_that_does_not_answer_is_unreachable_as_a_whole(start: Starter) -> None:
    tenant = start({"116500": busy_day(), "116501": busy_day()}, timeout_seconds=0.1)
    tenant.server.faults.append(Fault(hang, times=99))
    result = tenant.ingest()
    assert result.failures[-1].device_id == ""
    assert {failure.reason for failure in result.failures} == {"unreachable"}
    assert tenant.home.ledger.of_named_days("bespot_visits", [DAY]) == []
    assert list(tenant.home.landing.asked()) == []  # nobody can say that the day is missing


@pytest.mark.parametrize("first_page_only", [True, False])
def test_broken_json_is_kept_and_can_be_read_later(start: Starter, *, first_page_only: bool) -> None:
    tenant = start({"116500": busy_day()}, trailing_commas=True, page_size=10_000 if first_page_only else 100)
    result = tenant.ingest()
    assert (result.kept, result.unreadable, result.failures, tenant.rows()) == (1, 1, [], [])
    (delivery,) = tenant.home.ledger.of_named_days("bespot_visits", [DAY])
    assert b"},]" in tenant.home.landing.read(delivery.path).content
    again = replay(tenant.home, tenant.home.catalogue["bespot_visits"], DAY, DAY)
    assert again.unreadable == 1
    tenant.api.trailing_commas = False
    tenant.ingest()
    assert tenant.rows() == truth(tenant.api.visits)
    tenant.api.trailing_commas = True
    assert tenant.ingest().duplicates == 1  # the same bytes as at first: a repeat that displaces nothing readable
    assert tenant.rows() == truth(tenant.api.visits)


def test_page_for_people_is_kept_and_unreadable(start: Starter) -> None:
    tenant = start({"116500": busy_day()})
    tenant.server.faults.append(Fault(HTMLResponse("<html>Log in</html>")))
    assert tenant.ingest().unreadable == 1
    (outcome,) = _parsed("<html>Log in</html>").outcomes
    assert outcome.reason == "html_instead_of_json"


def test_numbers_that_contradict_themselves_are_refused_row_by_row(start: Starter) -> None:
    tenant = start({"116500": dict(list(busy_day().items())[:3])}, wrong_diff=True)
    result = tenant.ingest()
    assert (result.rows, result.rejected_rows) == (0, 3)
    assert {row[:2] for row in tenant.rejected()} == {("diff_mismatch", "diff_metric")}


def test_silent_store_has_an_empty_delivery_and_no_rows(start: Starter) -> None:
    visits: Truth = {"116500": busy_day(), "silent": {}}
    tenant = start(visits)
    assert (tenant.ingest().kept, tenant.rows()) == (2, truth(visits))
    (silent,) = [d for d in tenant.home.ledger.of_named_days("bespot_visits", [DAY]) if d.device_id == "silent"]
    (outcome,) = _parsed(tenant.home.landing.read(silent.path).content.decode()).outcomes
    assert (outcome.state, outcome.row_count) == ("empty", 0)


@pytest.mark.parametrize(("day", "hours"), [(AUTUMN, 25), (date(2026, 3, 29), 23), (DAY, 24)])
def test_day_of_a_clock_change_is_asked_and_read_whole(start: Starter, day: date, hours: int) -> None:
    midnight = datetime.combine(day, time.min, ATHENS).astimezone(UTC)
    minutes = {midnight + timedelta(minutes=m): (1, 0) for m in range(hours * 60)}
    outside = {midnight - timedelta(minutes=1): (9, 9), midnight + timedelta(hours=hours): (9, 9)}
    tenant = start({"116500": minutes | outside})
    tenant.ingest(window=Window(day, day))
    assert tenant.rows() == truth({"116500": minutes})
    assert tenant.sql("select distinct business_date from raw_file('bespot_visits')") == [(day,)]


def test_each_store_is_asked_by_its_own_calendar(start: Starter) -> None:
    zones = {"116500": "Europe/Athens", "KUL": "Asia/Kuala_Lumpur"}
    midnight = {name: datetime.combine(DAY, time.min, ZoneInfo(zone)).astimezone(UTC) for name, zone in zones.items()}
    visits: Truth = {name: {at + timedelta(minutes=m): (1, 1) for m in (0, 1439)} for name, at in midnight.items()}
    tenant = start(visits, zones=zones)
    tenant.ingest()
    assert tenant.rows() == truth(visits)
    assert sorted(tenant.asked_for("datetime_gte")) == ["2026-03-01T16:00:00Z", "2026-03-01T22:00:00Z"]


def test_all_stores_can_be_asked_at_once(start: Starter) -> None:
    visits: Truth = {f"11650{n}": busy_day() for n in range(4)}
    tenant = start(visits, per_store=False, page_size=500)
    assert (tenant.ingest().kept, tenant.rows()) == (1, truth(visits))
    assert set(tenant.asked_for("store_code")) == {""}
    assert tenant.sql("select distinct _business_date from raw_file('bespot_visits')") == [(DAY,)]


def test_restated_day_replaces_the_one_before(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits)
    tenant.ingest()
    first = next(iter(visits["116500"]))
    visits["116500"] = {first: (40, 4)}
    tenant.ingest()
    assert tenant.rows() == [("116500", first, 40, 4)]
    again = tenant.ingest()
    assert (again.kept, again.duplicates) == (0, 1)
    assert tenant.rows() == [("116500", first, 40, 4)]


def test_answer_about_a_day_that_is_not_over_says_how_far_it_speaks(start: Starter) -> None:
    visits: Truth = {"116500": busy_day()}
    tenant = start(visits)
    noon = utc_minute("2026-03-02 12:07")
    devices = [Device("bespot", "116500", timezone="Europe/Athens")]
    asked = Asked(tenant.home.settings.home, None, devices, tenant.home.settings.secret, lambda *_: False, lambda: noon)
    (payload,) = tenant.home.catalogue["bespot_visits"].fetch(asked)
    assert isinstance(payload, Payload)
    assert payload.modified_at == utc_minute("2026-03-02 12:00")
    rows = connector().parse([Landed("d", payload, payload.delivered_at)]).rows["minute"].to_pylist()
    assert [datetime.fromisoformat(at).astimezone(UTC) for at in rows] == [
        at for at in visits["116500"] if at < utc_minute("2026-03-02 12:00")
    ]


def test_occupancy_is_kept_as_samples(start: Starter) -> None:
    tenant = start({"116500": {}})
    samples = {
        utc_minute(f"2026-03-02 10:{m}"): people for m, people in ((41, 7), (44, 9), (50, 12), (53, 11), (56, 11))
    }
    tenant.api.occupancy = {"116500": samples}
    tenant.ingest("bespot_occupancy")
    expected = sorted(("116500", at, people) for at, people in samples.items())
    assert tenant.rows("bespot_occupancy", "bespot_occupancy") == expected
    assert {request.path for request in tenant.server.requests} == {OCCUPANCY}  # with its slash: no redirect
    assert VISITS.endswith("/")


# --- what is asked, without a network ---------------------------------------------------------------------------------


def connector(**changes: object) -> BespotConnector:
    table = {"base_url": "https://api.example/api", "user": "u", "password_env": "P", "timezone": "Europe/Athens"}
    found = open_feed("bespot_visits", table | changes)
    assert found is not None
    return found


def asked_at(now: datetime, window: Window | None = None, **changes: object) -> list[Question]:
    devices = [Device("bespot", "116500", timezone="Europe/Athens")]
    asked = Asked(Path("/nowhere"), window, devices, lambda _, __: None, lambda *_: False, lambda: now)
    return questions(connector(**changes).settings, asked, now)


@pytest.mark.parametrize(
    ("now", "until"),
    [("12:07", "12:00"), ("12:22", "12:15"), ("12:04", "11:45"), ("12:05", "12:00"), ("00:01", "23:45")],
)
def test_only_closed_quarters_are_asked_for(now: str, until: str) -> None:
    moment = utc_minute(f"2026-03-02 {now}") + timedelta(seconds=59)
    assert f"{closed_until(moment, 5):%H:%M}" == until


def test_runs_that_follow_each_other_leave_no_minute_out_and_ask_none_that_is_not_over() -> None:
    last = None
    for minute in range(7, 24 * 60, 15):
        now = utc_minute("2026-03-02 00:00") + timedelta(minutes=minute)
        found = asked_at(now)
        assert found[-1].last + timedelta(minutes=6) <= now
        covered = [(question.first, question.last) for question in found]
        assert last is None or covered[0][0] <= last + timedelta(minutes=1)
        assert all(second[0] == first[1] + timedelta(minutes=1) for first, second in pairwise(covered))
        last = covered[-1][1]


def test_schedule_wants_today_yesterday_just_after_midnight_and_all_that_may_be_restated_at_night() -> None:
    assert [q.day.day for q in asked_at(utc_minute("2026-03-10 12:07"))] == [10]
    assert [q.day.day for q in asked_at(utc_minute("2026-03-09 22:35"))] == [9, 10]  # 00:35 in Athens
    assert [q.day.day for q in asked_at(utc_minute("2026-03-10 02:07"))] == [7, 8, 9, 10]  # 04:07 in Athens
    assert [q.day.day for q in asked_at(utc_minute("2026-03-10 02:07"), restates_days=1)] == [9, 10]


def test_days_to_come_are_not_asked_for_and_a_day_that_is_not_over_says_so() -> None:
    found = asked_at(utc_minute("2026-03-10 12:07"), Window(date(2026, 3, 9), date(2026, 3, 20)))
    assert [(q.day.day, q.is_day_over) for q in found] == [(9, True), (10, False)]
    assert found[1].params["datetime_lte"] == "2026-03-10T11:59:00Z"


def test_feed_without_a_store_says_so(start: Starter) -> None:
    tenant = start({}, stores="other,1,,B,entrance,,,,,,\n")
    assert [failure.reason for failure in tenant.ingest().failures] == ["no_stores"]


# --- what a row may say -----------------------------------------------------------------------------------------------


def _parsed(body: str, device_id: str = "116500"):
    name = "GET /bi/acquisition-metrics/visits/?datetime_gte=2026-03-01T22:00:00Z&datetime_lte=2026-03-02T21:59:00Z"
    content = body.encode() if body.startswith("[") else f"[{body}]".encode()
    at = utc_minute("2026-03-03 01:00")
    payload = Payload("bespot_visits", "bespot", name, content, at, Channel.API, None, device_id, "", DAY)
    return connector().parse([Landed("d1", payload, at)])


GOOD = {
    "store_code": "116500",
    "in_metric": 3,
    "out_metric": 1,
    "diff_metric": 2,
    "minute": "2026-03-02T15:06:00+02:00",
}


@pytest.mark.parametrize(
    ("change", "reason", "column"),
    [
        ({"in_metric": None}, "blank_value", "in_metric"),
        ({"in_metric": "three"}, "not_a_number", "in_metric"),
        ({"in_metric": True}, "not_a_number", "in_metric"),
        ({"in_metric": 1e300}, "not_a_number", "in_metric"),
        ({"in_metric": 3.5}, "not_whole", "in_metric"),
        ({"out_metric": -1, "diff_metric": 4}, "negative_count", "out_metric"),
        ({"diff_metric": 3}, "diff_mismatch", "diff_metric"),
        ({"minute": "2026-03-02T15:06:00"}, "bad_timestamp", "minute"),
        ({"minute": "2026-03-02T15:06:30+02:00"}, "bad_timestamp", "minute"),
        ({"minute": "yesterday"}, "bad_timestamp", "minute"),
        ({"minute": None}, "blank_value", "minute"),
        ({"minute": "2026-03-03T00:00:00+02:00"}, "outside_window", "minute"),
        ({"store_code": 116500}, "not_text", "store_code"),
        ({"store_code": ""}, "blank_value", "store_code"),
        ({"store_code": "116501"}, "other_store", "store_code"),
    ],
)
def test_row_that_cannot_be_meant_is_refused_with_its_reason(
    change: dict[str, object], reason: str, column: str
) -> None:
    parsed = _parsed(json.dumps({"count": 2, "next": None, "results": [GOOD, GOOD | change]}))
    assert parsed.rows.num_rows == 1
    (row,) = parsed.rejections.to_pylist()
    assert (row["reason"], row["column_name"], row["line_number"], row["_business_date"]) == (reason, column, 2, DAY)
    assert json.loads(row["line"]) == GOOD | change


def test_row_without_any_known_spelling_is_refused() -> None:
    row = {"store_code": "116500", "entries": 3, "minute": GOOD["minute"]}
    assert _parsed(json.dumps({"count": 1, "results": [row, 7]})).rejections["reason"].to_pylist() == [
        "missing_columns",
        "not_a_row",
    ]


def test_numbers_as_text_and_zulu_times_are_read() -> None:
    row = GOOD | {"in_metric": "3", "out_metric": 1.0, "minute": "2026-03-02T13:06:00Z"}
    (found,) = _parsed(json.dumps({"count": 1, "results": [row]})).rows.to_pylist()
    assert (found["in_metric"], found["out_metric"], found["minute"]) == (3, 1, "2026-03-02T13:06:00+00:00")


def test_saved_answer_can_be_imported_by_hand() -> None:
    content = json.dumps({"count": 1, "results": [GOOD]}).encode()
    at = utc_minute("2026-03-05 01:00")
    payload = connector().payload("saved.json", content, at, Channel.MANUAL, at)
    (found,) = connector().parse([Landed("d", payload, at)]).rows.to_pylist()
    assert (found["_business_date"], found["store_code"]) == (DAY, "116500")


@pytest.mark.parametrize("body", ["", "null", '"text"', '{"detail": "maintenance"}', '{"count": 0, "results": {}}'])
def test_body_that_is_no_page_is_unreadable(body: str) -> None:
    (outcome,) = _parsed(body).outcomes
    assert outcome.state == "unreadable"
    assert outcome.reason in {"not_a_page", "not_json", "empty_body"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "http://api.example/api"}, "only https"),
        ({"base_url": "https://u:hidden-77@api.example"}, "without user"),
        ({"page_size": 10_001}, "10000"),
        ({"timezone": "Athens"}, "IANA"),
        ({"password": "hidden-77"}, "does not stand here"),
        ({"password_env": ""}, "password_env or password_file"),
        ({"pagesize": 1}, "Extra inputs"),
    ],
)
def test_table_that_cannot_be_meant_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        connector(**changes)
    assert "hidden-77" not in str(caught.value)


def test_catalogue_finds_the_feeds_and_names_what_is_wrong(start: Starter) -> None:
    tenant = start({"116500": {}})
    feeds = {feed.name: feed for feed in tenant.home.catalogue.feeds}
    assert feeds["bespot_visits"].per_device_day
    assert feeds["bespot_occupancy"].table == "bespot_occupancy"
    reference = tenant.home.settings.reference / "feeds.toml"
    reference.write_text(reference.read_text().replace("https://", "http://"))
    with pytest.raises(ConfigurationError, match=r"bespot_visits.*only https"):
        open_home(tenant.home.settings)


def test_second_tenant_and_a_feed_that_is_never_due() -> None:
    found = open_feed("bespot_cyprus", {"profile": "bespot_visits", **connector(due="").settings.model_dump(
        include={"base_url", "user", "password_env"}
    ), "due": ""})  # fmt: skip
    assert found is not None
    assert (found.feed.name, found.feed.due, found.feed.per_device_day) == ("bespot_cyprus", None, False)
    assert open_feed("sales", {}) is None
