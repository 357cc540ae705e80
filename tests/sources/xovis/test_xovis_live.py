"""Cumulative readings of every generation: taken, dated, and turned into intervals by staging."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from tests.sources.xovis.conftest import MINUTE, NOW, between, people, reasons, sensor
from tests.sources.xovis.staging import staged

SUNDAY = date(2026, 3, 29)
FEEDS = {"xovis_history": "", "xovis_live": "", "xovis_legacy": "", "xovis_status": "", "xovis_document": ""}
INTERVALS = """
    select interval_start_local, interval_minutes, entry_count, exit_count from stg_xovis__reading_intervals
    where feed = ? order by interval_start_local
"""


def counted(minutes, begin: datetime, end: datetime) -> tuple[int, int]:
    found = between(minutes, begin, end).values()
    return sum(fw for fw, _ in found), sum(bw for _, bw in found)


def intervals(chain, feed: str) -> list[tuple[datetime, int, int, int]]:
    with staged(chain.settings.home) as connection:
        rows = connection.execute(INTERVALS, [feed]).fetchall()
    return [(start.replace(tzinfo=UTC), minutes, entries, exits) for start, minutes, entries, exits in rows]


@pytest.mark.parametrize(
    ("feed", "generation", "table", "envelope"),
    [
        ("xovis_live", 5, "", "v5_logics"),
        ("xovis_live", 4, 'legacy_format = "xml"', "legacy_xml"),
        ("xovis_live", 4, 'legacy_format = "json"', "legacy_json"),
        ("xovis_legacy", 4, "", ""),
    ],
)
def test_readings_become_what_was_counted_between_them(
    feed: str, generation: int, table: str, envelope: str, make_chain, clock
) -> None:
    minutes = people(SUNDAY, 3)
    door = sensor(1, minutes, generation=generation)
    chain = make_chain({"1": door}, FEEDS | {feed: table}, {"1": "#legacy"} if generation == 4 else None)
    moments = []
    for step in (0, 15, 30, 47):
        clock.now = NOW + MINUTE * step
        moments.append(clock.now.replace(second=0))
        assert reasons(chain.ingest(feed)) == []
    assert intervals(chain, feed) == [
        (begin, (end - begin) // MINUTE, *counted(minutes, begin, end)) for begin, end in pairwise(moments)
    ]
    if envelope:
        assert chain.rows(feed, "distinct envelope") == [(envelope,)]


def test_a_reset_counts_from_nothing_and_admits_what_it_lost(make_chain, clock) -> None:
    minutes = people(SUNDAY, 3)
    door = sensor(1, minutes)
    chain = make_chain({"1": door}, FEEDS)
    chain.ingest("xovis_live")
    clock.now = NOW + 15 * MINUTE
    door.resets = [NOW.replace(second=0) + 10 * MINUTE]
    chain.ingest("xovis_live")
    since = counted(minutes, door.resets[0], clock.now.replace(second=0))
    assert intervals(chain, "xovis_live") == [(clock.now.replace(second=0) - MINUTE, 1, *since)]


def test_the_first_reading_after_midnight_closes_the_day_before(make_chain, clock) -> None:
    minutes = people(SUNDAY, 3)
    chain = make_chain({"1": sensor(1, minutes)}, FEEDS)
    midnight = datetime(2026, 3, 29, 21, 0, tzinfo=UTC)  # Athens, summer time
    moments = [midnight - 20 * MINUTE, midnight + 2 * MINUTE, midnight + 17 * MINUTE, midnight + 90 * MINUTE]
    for moment in moments:
        clock.now = moment
        chain.ingest("xovis_live")
    with staged(chain.settings.home) as connection:
        rows = connection.execute(
            "select _business_date, interval_minutes, entry_count, exit_count "
            "from stg_xovis__reading_intervals order by all"
        ).fetchall()
    assert rows == [
        (SUNDAY, 22, *counted(minutes, moments[0], moments[1])),
        (SUNDAY + timedelta(days=1), 15, *counted(minutes, moments[1], moments[2])),
        (SUNDAY + timedelta(days=1), 73, *counted(minutes, moments[2], moments[3])),
    ]


@pytest.mark.parametrize("generation", [5, 4])
def test_a_live_value_is_dated_by_arrival_when_the_sensors_clock_is_wrong(generation: int, make_chain) -> None:
    door = sensor(1, generation=generation, clock_ahead=timedelta(hours=7))
    chain = make_chain({"1": door}, FEEDS, {"1": "#legacy"} if generation == 4 else None)
    chain.ingest("xovis_live")
    [(reading, offset)] = chain.rows("xovis_live", "distinct reading_at, clock_offset_seconds", "counted_as <> ''")
    assert reading.astimezone(UTC) == NOW
    assert 25199 <= offset <= 25200


def test_a_legacy_sensor_tells_four_documents(make_chain) -> None:
    chain = make_chain({"1": sensor(1, generation=4)}, FEEDS, {"1": "#legacy"})
    assert chain.ingest("xovis_legacy").kept == 4
    documents = {document for (document,) in chain.rows("xovis_legacy", "distinct document")}
    assert documents == {"count-data", "alive", "sensor-status", "persistence"}
    version = chain.rows("xovis_legacy", "value", "element = 'version' and label = 'SW'")
    assert version == [("5.6.2-ea67af9807",)]
    assert chain.rows("xovis_legacy", "count(*)", "label = 'entry-count' and counted_as <> ''") == [(0,)]


@pytest.mark.parametrize(
    ("feed", "fault", "state"),
    [
        ("xovis_legacy", "not_ok", ("unreadable", "status_not_ok")),
        ("xovis_legacy", "truncated", ("unreadable", "not_xml")),
        ("xovis_live", "not_ok", ("unreadable", "status_not_ok")),
        ("xovis_live", "unknown", ("unreadable", "unknown_envelope")),
    ],
)
def test_a_document_that_is_none_is_kept_unread(feed: str, fault: str, state: tuple[str, str], make_chain) -> None:
    door = sensor(1, generation=4, fault=fault, fault_where="count-data")
    chain = make_chain({"1": door}, FEEDS, {"1": "#legacy"})
    chain.ingest(feed)
    assert state in {
        tuple(row)
        for row in chain.home.ledger.engine.connect().exec_driver_sql("select state, reason from deliveries").fetchall()
    }


def test_legacy_sensors_may_log_in_by_token(make_chain) -> None:
    chain = make_chain({"1": sensor(1, generation=4)}, FEEDS | {"xovis_legacy": 'login = "token"'}, {"1": "#legacy"})
    assert reasons(chain.ingest("xovis_legacy")) == []
    assert chain.fleet.logins == 1


def test_the_unverified_dialect_is_asked_only_where_an_address_says_so(make_chain) -> None:
    minutes = people(SUNDAY, 2)
    chain = make_chain({"1": sensor(1, minutes)}, FEEDS | {"xovis_document": "restates_days = 0"}, {"1": "#document"})
    for feed in FEEDS:
        chain.ingest(feed)
    assert {seen.path.split("/", 3)[3] for seen in chain.server.requests} == {"api/v1/occupancy/current"}
    assert chain.server.requests[0].query["locationId"] == "02:00:5E:00:00:01"
    with staged(chain.settings.home) as connection:
        rows = connection.execute(
            "select interval_start_local, interval_minutes, entry_count, exit_count from stg_xovis__document order by 1"
        ).fetchall()
    begin = datetime(2026, 3, 29, 21, 0, tzinfo=UTC)
    hours = [begin + timedelta(hours=step) for step in range(14)]
    assert rows == [
        (hour.replace(tzinfo=None), 60, *counted(minutes, hour, hour + timedelta(hours=1))) for hour in hours
    ]
    assert chain.rows("xovis_document", "distinct label", "counted_as = ''") == [("occupancy",)]


def test_history_is_staged_by_the_minute(make_chain) -> None:
    minutes = people(date(2026, 3, 28), 3)
    door = sensor(1, minutes)
    door.lost = {datetime(2026, 3, 30, 8, 0, tzinfo=UTC)}
    chain = make_chain({"1": door}, FEEDS | {"xovis_history": "restates_days = 0"})
    chain.ingest("xovis_history")
    with staged(chain.settings.home) as connection:
        rows = connection.execute(
            "select interval_start_local, interval_minutes, entry_count, exit_count from stg_xovis__history order by 1"
        ).fetchall()
    truth = between(minutes, datetime(2026, 3, 29, 21, 0, tzinfo=UTC), NOW.replace(second=0))
    expected = [(m.replace(tzinfo=None), 1, *counts) for m, counts in sorted(truth.items()) if m not in door.lost]
    assert rows == expected
