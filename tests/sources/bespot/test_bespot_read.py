"""Windows, rows and tables: what Bespot's answers and our settings are read as."""

import json
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from emulators.bespot import utc_minute
from orchestration.catalogue import ConfigurationError
from orchestration.home import open_home
from orchestration.sources.bespot import open_feed
from orchestration.sources.bespot.asking import Question, closed_until, questions
from orchestration.sources.contract import Asked, Channel, Device, Landed, Window
from tests.sources.bespot.conftest import (
    DAY,
    Starter,
    connector,
    parsed_body,
)


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
    parsed = parsed_body(json.dumps({"count": 2, "next": None, "results": [GOOD, GOOD | change]}))
    assert parsed.rows.num_rows == 1
    (row,) = parsed.rejections.to_pylist()
    assert (row["reason"], row["column_name"], row["line_number"], row["_business_date"]) == (reason, column, 2, DAY)
    assert json.loads(row["line"]) == GOOD | change


def test_row_without_any_known_spelling_is_refused() -> None:
    row = {"store_code": "116500", "entries": 3, "minute": GOOD["minute"]}
    assert parsed_body(json.dumps({"count": 1, "results": [row, 7]})).rejections["reason"].to_pylist() == [
        "missing_columns",
        "not_a_row",
    ]


def test_numbers_as_text_and_zulu_times_are_read() -> None:
    row = GOOD | {"in_metric": "3", "out_metric": 1.0, "minute": "2026-03-02T13:06:00Z"}
    (found,) = parsed_body(json.dumps({"count": 1, "results": [row]})).rows.to_pylist()
    assert (found["in_metric"], found["out_metric"], found["minute"]) == (3, 1, "2026-03-02T13:06:00+00:00")


def test_saved_answer_can_be_imported_by_hand() -> None:
    content = json.dumps({"count": 1, "results": [GOOD]}).encode()
    at = utc_minute("2026-03-05 01:00")
    payload = connector().payload("saved.json", content, at, Channel.MANUAL, at)
    (found,) = connector().parse([Landed("d", payload, at)]).rows.to_pylist()
    assert (found["_business_date"], found["store_code"]) == (DAY, "116500")


@pytest.mark.parametrize("body", ["", "null", '"text"', '{"detail": "maintenance"}', '{"count": 0, "results": {}}'])
def test_body_that_is_no_page_is_unreadable(body: str) -> None:
    (outcome,) = parsed_body(body).outcomes
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
