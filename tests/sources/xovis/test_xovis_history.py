"""xovis_history from sockets to raw: the truth day by day, the sensor's own clock, what is asked again, and faults."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from emulators.xovis import EmulatedLogic
from orchestration.steps import rebuild_raw, replay
from tests.sources.xovis.conftest import MINUTE, NOW, between, day_of, people, reasons, sensor

SATURDAY, CHANGE, MONDAY = date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)
FEED = {"xovis_history": "restates_days = 2"}


def histories(chain) -> list[dict[str, str]]:
    return [seen.query for seen in chain.server.requests if seen.path.endswith("data/history/logics")]


def test_three_days_with_a_clock_change_arrive_as_they_were(make_chain) -> None:
    minutes = people(SATURDAY, 3)
    chain = make_chain({"1": sensor(1, minutes)}, FEED)
    result = chain.ingest("xovis_history")
    assert reasons(result) == []
    assert result.kept == 3
    truth = between(minutes, min(minutes), NOW.replace(second=0))
    assert chain.minutes() == truth
    for day in (SATURDAY, CHANGE, MONDAY):
        assert chain.minutes(where=f"business_date = '{day}'") == between(
            day_of(minutes, day), min(minutes), max(truth) + MINUTE
        )
    assert len(day_of(minutes, CHANGE)) == 23 * 60
    assert chain.rows("xovis_history", "distinct logic_id, count_name, count_type, records") == [
        ("1000", "bw", "accumulation", 1),
        ("1000", "fw", "accumulation", 1),
    ]


def test_complete_days_are_not_asked_again_and_today_is(make_chain, clock) -> None:
    chain = make_chain({"1": sensor(1)}, FEED)
    chain.ingest("xovis_history")
    chain.server.requests.clear()
    clock.now += timedelta(minutes=15)
    result = chain.ingest("xovis_history")
    assert len(histories(chain)) == 1
    assert result.days == {MONDAY}
    assert max(chain.minutes()) == clock.now.replace(second=0) - MINUTE
    chain.server.requests.clear()
    chain.ingest("xovis_history", SATURDAY)
    assert len(histories(chain)) == 1  # a window asks whatever is known


def test_the_range_lost_in_an_outage_is_asked_again(make_chain, clock) -> None:
    minutes = people(SATURDAY, 3)
    door = sensor(1, minutes)
    chain = make_chain({"1": door}, FEED)
    door.lost = {minute for minute in minutes if minute.hour in (11, 12)}
    chain.ingest("xovis_history")
    assert not any(minute.hour in (11, 12) for minute in chain.minutes())
    door.lost = set()
    clock.now += timedelta(hours=1)
    chain.ingest("xovis_history")
    assert chain.minutes() == between(minutes, min(minutes), clock.now.replace(second=0))


def test_missing_records_are_missing_and_bins_say_how_many_they_have(make_chain) -> None:
    minutes = people(SATURDAY, 3)
    door = sensor(1, minutes)
    door.lost = {datetime(2026, 3, 28, 10, minute, tzinfo=UTC) for minute in (1, 2, 3, 20)}
    door.lost |= {datetime(2026, 3, 28, 11, minute, tzinfo=UTC) for minute in range(15)}
    chain = make_chain({"1": door}, {"xovis_history": "restates_days = 2\nresolution_min = 15"})
    chain.ingest("xovis_history")
    short = chain.rows(
        "xovis_history", '"begin", records', "counted_as = 'entry' and records < 15 and business_date < '2026-03-30'"
    )
    assert [(begin.astimezone(UTC).strftime("%H:%M"), records) for begin, records in short] == [
        ("10:00", 12),
        ("10:15", 14),
    ]
    assert not chain.rows("xovis_history", "*", "\"begin\" = timestamptz '2026-03-28 11:00:00+00'")


@pytest.mark.parametrize("hours", [-3, 5])
def test_a_wrong_clock_is_told_and_asked_by(hours: int, make_chain) -> None:
    minutes = people(SATURDAY, 3)
    door = sensor(1, minutes, clock_ahead=timedelta(hours=hours))
    chain = make_chain({"1": door}, FEED)
    assert reasons(chain.ingest("xovis_history")) == ["clock_wrong"]
    sensor_now = (NOW + timedelta(hours=hours)).replace(second=0)
    asked = histories(chain)
    assert max(int(query["end"]) for query in asked) == int(sensor_now.timestamp() * 1000)
    assert all(int(query["begin"]) < int(query["end"]) for query in asked)
    shift = timedelta(hours=hours)  # what the sensor dates is kept as the sensor dates it
    begin = min(day_of(minutes, SATURDAY))
    assert chain.minutes() == {
        m + shift: c for m, c in minutes.items() if begin <= m + shift and m < NOW.replace(second=0)
    }


def test_a_clock_years_behind_asks_for_nothing_and_says_why(make_chain) -> None:
    chain = make_chain({"1": sensor(1, clock_ahead=timedelta(days=-20000))}, FEED)
    result = chain.ingest("xovis_history")
    assert reasons(result) == ["clock_wrong"]
    assert result.kept == 0


@pytest.mark.parametrize("form", ["UNIX_TIME_MS", "UNIX_TIME_S", "RFC3339"])
def test_every_time_format_says_the_same(form: str, make_chain) -> None:
    minutes = people(SATURDAY, 3)
    door = sensor(1, minutes, time_format=form, zone_offset=timedelta(hours=5, minutes=30))
    chain = make_chain({"1": door}, FEED)
    chain.ingest("xovis_history")
    assert chain.minutes() == between(minutes, min(minutes), NOW.replace(second=0))


def test_a_sensor_that_takes_the_end_as_included_counts_nobody_twice(make_chain) -> None:
    minutes = people(SATURDAY, 3)
    chain = make_chain({"1": sensor(1, minutes, includes_end=True)}, FEED)
    result = chain.ingest("xovis_history")
    assert result.rejected_rows == 0
    assert chain.minutes() == between(minutes, min(minutes), NOW.replace(second=0))


@pytest.mark.parametrize("scene", ["multisensors/2", "multisensor"])
def test_a_stitched_scene_is_asked_by_its_own_path(scene: str, make_chain) -> None:
    minutes = people(SATURDAY, 3)
    chain = make_chain({"1": sensor(1, minutes, scene=scene)}, FEED, {"1": f"#{scene}"})
    assert reasons(chain.ingest("xovis_history")) == []
    assert chain.minutes() == between(minutes, min(minutes), NOW.replace(second=0))
    assert all(query["begin"] for query in histories(chain))  # its default would be everything


def test_two_lines_are_one_question_and_keep_their_own_numbers(make_chain) -> None:
    first, second = people(SATURDAY, 3, 1), people(SATURDAY, 3, 2)
    door = sensor(1, first)
    door.logics.append(EmulatedLogic(4, second, "Old door", counter_names=("Forward", "Reverse")))
    names = 'entry_counters = ["fw", "Forward"]\nexit_counters = ["bw", "Reverse"]'
    chain = make_chain({"1": door}, {"xovis_history": f"restates_days = 0\n{names}"})
    assert chain.ingest("xovis_history").kept == 1
    assert chain.minutes(where="logic_id = '1000'") == between(day_of(first, MONDAY), min(first), NOW.replace(second=0))
    assert chain.minutes(where="logic_id = '4'") == between(day_of(second, MONDAY), min(second), NOW.replace(second=0))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("html", "html_answer"),
        ("html_403", "html_403"),
        ("empty", "empty_body"),
        ("unauthorized", "refused"),
        ("throttled", "throttled"),
    ],
)
def test_what_is_no_data_fails_with_its_reason(fault: str, reason: str, make_chain) -> None:
    chain = make_chain({"1": sensor(1, fault=fault, fault_where="history"), "2": sensor(2)}, FEED)
    result = chain.ingest("xovis_history")
    assert set(reasons(result)) == {reason}
    assert {device for (device,) in chain.rows("xovis_history", "distinct device_id")} == {"02:00:5E:00:00:02"}


@pytest.mark.parametrize(("fault", "reason"), [("unknown", "unknown_envelope"), ("truncated", "not_json")])
def test_what_cannot_be_read_is_kept_and_replaced_when_it_can(fault: str, reason: str, make_chain) -> None:
    minutes = people(SATURDAY, 3)
    door = sensor(1, minutes, fault=fault, fault_where="history")
    chain = make_chain({"1": door}, FEED)
    result = chain.ingest("xovis_history")
    assert result.unreadable == 3
    assert chain.outcomes("xovis_history") == {door.serial: ("unreadable", reason)}
    assert len(list((chain.settings.home / "landing").rglob("*.zst"))) == 3
    assert replay(chain.home, chain.home.catalogue["xovis_history"], SATURDAY, MONDAY).unreadable == 3
    door.fault = ""
    chain.ingest("xovis_history")  # not complete, so asked again
    assert chain.minutes() == between(minutes, min(minutes), NOW.replace(second=0))


def test_a_firmware_of_tomorrow_is_read_and_its_new_fields_are_noted(make_chain) -> None:
    door = sensor(1, firmwares=[(NOW - timedelta(days=9), "5.9.11-ab")])
    chain = make_chain({"1": door}, FEED)
    assert chain.ingest("xovis_history").unreadable == 0
    with chain.home.ledger.engine.connect() as connection:
        [(message,)] = connection.exec_driver_sql("select distinct message from deliveries").fetchall()
    assert message == "unknown fields: history.histogram_support"


def test_raw_can_be_made_again_from_landing(make_chain) -> None:
    chain = make_chain({"1": sensor(1)}, FEED)
    chain.ingest("xovis_history")
    before = chain.rows("xovis_history")
    rebuild_raw(chain.home)
    assert chain.rows("xovis_history") == before


def test_an_answer_saved_as_a_file_is_imported(make_chain, tmp_path) -> None:
    minutes = people(SATURDAY, 3)
    chain = make_chain({"1": sensor(1, minutes)}, FEED)
    chain.ingest("xovis_history", SATURDAY)
    connector = chain.home.catalogue["xovis_history"]
    content = json.dumps(
        {
            "config": {
                "logics": [{"id": 7}],
                "counts": [{"id": 1, "logic_id": 7, "name": "fw", "type": "accumulation"},
                           {"id": 2, "logic_id": 7, "name": "balance", "type": "state"}],
            },
            "measurements": [
                {"begin": 1774677600000, "end": 1774677660000, "records": 1,
                 "counts": [{"id": 1, "value": 4}, {"id": 2, "value": -2}]},
                {"begin": 1774677660000, "end": 1774677720000, "records": 1,
                 "counts": [{"id": 1, "value": -4}, {"id": 2, "value": 1.5}]},
                {"begin": 1774677720000, "end": 1774677780000, "records": 1, "counts": [{"id": 1, "value": "x"}]},
                {"begin": 1774677780000, "end": 1774677840000, "records": 1, "counts": [{"id": 1, "value": 1.5}]},
            ],
        }
    ).encode()  # fmt: skip
    from orchestration.sources.contract import Channel, Landed

    payload = connector.payload("02-00-5e-00-00-05_2026-03-28.json", content, NOW, Channel.MANUAL, NOW)
    assert (payload.device_id, payload.business_date) == ("02:00:5e:00:00:05", SATURDAY)
    parsed = connector.parse([Landed("d", payload, NOW)])
    assert [(row["count_name"], row["value"], row["counted_as"]) for row in parsed.rows.to_pylist()] == [
        ("fw", 4.0, "entry"),
        ("balance", -2.0, ""),
        ("balance", 1.5, ""),
    ]
    assert parsed.rejections["reason"].to_pylist() == ["negative_count", "not_a_number", "not_whole"]
