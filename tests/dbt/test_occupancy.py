"""How many are inside, how long they stay and wait, on visits whose length is known; and where that cannot be said."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.dbt.conftest import Story
from tests.dbt.conftest import day as day_of_story
from tests.dbt.small_home import Delivery, Feed, SmallHome, at

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)
OPENS, CLOSES, STAY, WAIT = 600, 720, 21, 6
"""Minutes after midnight; minutes that everybody stays in the shop, and in its queue."""

PARTIES = (2, 3, 4, 5, 1)
"""Who comes together, every third minute: fifteen people a quarter hour, and no two neighbours alike."""

Minutes = dict[int, tuple[int, int]]


def visits(stay: int, *, missed: tuple[int, ...] = ()) -> Minutes:
    """Return entries and exits by minute, of everybody who can still leave before closing.

    `missed`: minutes whose exits the counter did not see.
    """
    entries, exits = dict.fromkeys(range(1440), 0), dict.fromkeys(range(1440), 0)
    for number, minute in enumerate(range(OPENS, CLOSES - stay, 3)):
        entries[minute] = PARTIES[number % 5]
        if minute + stay not in missed:
            exits[minute + stay] = PARTIES[number % 5]
    return {minute: (entries[minute], exits[minute]) for minute in entries}


def rows(day: date, counted: Minutes) -> list[tuple[Any, int, int]]:
    return [(at(day) + timedelta(minutes=minute), came, went) for minute, (came, went) in sorted(counted.items())]


def hours(day: date, counted: Minutes) -> list[tuple[Any, int, int]]:
    per_hour = [[counted[minute] for minute in range(60 * hour, 60 * hour + 60)] for hour in range(24)]
    return [
        (at(day) + timedelta(hours=hour), sum(came for came, _ in found), sum(went for _, went in found))
        for hour, found in enumerate(per_hour)
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """Four shops that open from 10 to 12, where everybody stays 21 minutes. The bar never closes."""
    made = SmallHome(tmp_path_factory.mktemp("occupancy"))
    made.feed(Feed("minutes", "files", grain_minutes=1))
    made.feed(Feed("hours", "slow", grain_minutes=60))
    for code in ("CAFE", "PAIR", "SLOW", "IN", "BAR"):
        made.branch(code)
        if code != "BAR":
            made.opens(code, "10:00", "12:00")
    made.counter("files", "cafe", "CAFE")
    made.counter("files", "queue", "CAFE", "inner")
    made.counter("files", "left", "PAIR")
    made.counter("files", "right", "PAIR")
    made.counter("slow", "slow", "SLOW")
    made.counter("files", "in", "IN")
    made.counter("files", "bar", "BAR")
    whole = visits(STAY)
    for device in ("cafe", "left", "bar"):
        made.deliver(Delivery("minutes", MONDAY, device, rows(MONDAY, whole)))
    made.deliver(Delivery("minutes", MONDAY, "queue", rows(MONDAY, visits(WAIT))))
    half = {minute: counts for minute, counts in whole.items() if minute < OPENS + 60 or minute >= OPENS + 75}
    made.deliver(Delivery("minutes", MONDAY, "right", rows(MONDAY, half)))
    made.deliver(Delivery("hours", MONDAY, "slow", hours(MONDAY, whole)))
    made.deliver(Delivery("minutes", MONDAY, "in", [(start, came, 0) for start, came, _ in rows(MONDAY, whole)]))
    drifting = visits(STAY, missed=(OPENS + 30, OPENS + 33)) | {CLOSES + 4: (0, 2)}
    made.deliver(Delivery("minutes", TUESDAY, "cafe", rows(TUESDAY, drifting)))
    made.write()
    made.run()
    return made


def occupancy(home: SmallHome, branch_code: str, columns: str, day: date = MONDAY) -> list[tuple[Any, ...]]:
    return home.rows(f"""
        select strftime(quarter_local, '%H:%M'), {columns} from marts.fct_occupancy_15min
        where branch_code = '{branch_code}' and business_date = '{day}' order by 1
    """)


def test_occupancy_rises_holds_and_ends_at_nobody(home: SmallHome) -> None:
    columns = "entry_count, exit_count, occupancy_live, occupancy_corrected, drift_at_close, status"
    assert occupancy(home, "CAFE", columns) == [
        ("10:00", 15, 0, 15, 15.0, 0, "corrected"),
        ("10:15", 15, 9, 21, 21.0, 0, "corrected"),
        ("10:30", 15, 15, 21, 21.0, 0, "corrected"),
        ("10:45", 15, 15, 21, 21.0, 0, "corrected"),
        ("11:00", 15, 15, 21, 21.0, 0, "corrected"),
        ("11:15", 15, 15, 21, 21.0, 0, "corrected"),
        ("11:30", 9, 15, 15, 15.0, 0, "corrected"),
        ("11:45", 0, 15, 0, 0.0, 0, "corrected"),
    ]


def test_drift_is_spread_over_the_days_traffic_and_rows_go_on_until_the_last_has_left(home: SmallHome) -> None:
    found = occupancy(home, "CAFE", "is_open, occupancy_live, occupancy_corrected, drift_at_close", TUESDAY)
    assert found[-1] == ("12:00", False, 4, 0.0, 4)
    traffic, balance = [15, 39], [15, 21]
    spread = [round(now - 4 * so_far / 194, 3) for now, so_far in zip(balance, traffic, strict=True)]
    assert [row[3] for row in found[:2]] == spread
    assert all(0 <= corrected <= live for _, _, live, corrected, _ in found)


def test_missing_minutes_leave_what_was_measured_and_no_corrected_figure(home: SmallHome) -> None:
    found = occupancy(home, "PAIR", "is_complete, occupancy_live, occupancy_corrected, drift_at_close, status")
    assert {row[3:5] for row in found} == {(None, None)}
    assert [(row[0], row[1], row[5]) for row in found if row[0] in ("10:45", "11:00", "11:45")] == [
        ("10:45", True, "live"),
        ("11:00", False, "incomplete"),
        ("11:45", False, "incomplete"),
    ]


def test_hours_tell_occupancy_at_their_ends_and_nothing_inside(home: SmallHome) -> None:
    found = occupancy(
        home, "SLOW", "grain_minutes, entry_count, exit_count, occupancy_live, occupancy_corrected, status"
    )
    inside = [row[2:] for row in found if row[0] not in ("10:45", "11:45")]
    assert set(inside) == {(None, None, None, None, "within_interval")}
    assert [row for row in found if row[0] in ("10:45", "11:45")] == [
        ("10:45", 60, 60, 39, 21, 21.0, "corrected"),
        ("11:45", 60, 39, 60, 0, 0.0, "corrected"),
    ]


def test_a_counter_that_sees_one_direction_is_no_drift(home: SmallHome) -> None:
    assert {row[1:] for row in occupancy(home, "IN", "status, occupancy_corrected")} == {("drift_too_large", None)}


def test_who_is_inside_over_midnight_is_not_claimed(home: SmallHome) -> None:
    found = occupancy(home, "BAR", "occupancy_live, occupancy_corrected, status")
    assert len(found) == 96
    assert {row[2:] for row in found} == {(None, "open_at_midnight")}
    assert dict(row[:2] for row in found)["10:45"] == 21


def test_the_mean_visit_is_as_long_as_the_visits_were(home: SmallHome) -> None:
    found = dict(
        home.rows(f"""
            select branch_code, (dwell_seconds, reason) from marts.fct_branch_dwell_daily
            where business_date = '{MONDAY}' order by 1
        """)
    )
    assert found["CAFE"][0] == pytest.approx(60 * STAY, rel=0.03)
    assert {code: reason for code, (_, reason) in found.items()} == {
        "CAFE": "",
        "SLOW": "",
        "PAIR": "incomplete",
        "IN": "drift_too_large",
        "BAR": "open_at_midnight",
    }


def test_the_queue_waits_as_long_as_littles_law_says(home: SmallHome) -> None:
    found = home.rows("""
        select strftime(quarter_local, '%H:%M'), occupancy_average, wait_seconds, is_steady, reason
        from marts.fct_zone_wait where device_id = 'queue' and quarter_local::date = '2026-03-02' order by 1
    """)
    assert found[0] == ("10:00", 3.0, None, False, "not_steady")
    assert {row[1:] for row in found[1:-1]} == {(6.0, 60.0 * WAIT, True, "")}
    assert found[-1] == ("11:45", 3.0, None, False, "not_steady")


def test_the_story_ends_with_the_occupancy_that_a_rebuild_finds(story: Story) -> None:
    tables = ("fct_occupancy_15min", "fct_zone_wait", "fct_branch_dwell_daily")
    assert all(story.grown[f"marts.{table}"] == story.rebuilt[f"marts.{table}"] for table in tables)
    closed = "select count(*) from marts.fct_occupancy_15min where branch_code = 'SHOP' and business_date = '{}'"
    assert story.one(closed.format(day_of_story(4))) == (0,)
    assert story.one(closed.format(day_of_story(0)))[0] > 0
