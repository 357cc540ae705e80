"""Estimates: what a masked counter would have been given is what a lost one gets, and what was measured stays alone."""

import math
from datetime import date, datetime, timedelta
from random import Random
from statistics import fmean

import duckdb
import pytest

from orchestration.commands.backtest import scores
from orchestration.sources.contract import Window
from tests.dbt.small_home import Delivery, Feed, SmallHome, at

MONDAY = date(2026, 1, 5)
DAYS = 49
LOST = MONDAY + timedelta(days=44)
DOORS = {"a": 120, "b": 60, "c": 30}
HOURS = range(10, 18)


def people(door: str, day: date, hour: int) -> int:
    """A shop of three doors: weekdays, hours, a mood that the doors of a day share, and chance."""
    mood = Random(f"{day}").uniform(0.7, 1.3)
    chance = Random(f"{door}{day}{hour}").gauss(0, 1)
    usual = DOORS[door] * (1.5 if day.isoweekday() == 6 else 1.0) * (1 + 0.5 * math.sin((hour - 10) / 7 * math.pi))
    return max(0, round(usual * mood + chance * math.sqrt(usual)))


def delivery(door: str, day: date) -> Delivery:
    rows = [(at(day, f"{hour:02}:00"), people(door, day, hour), 0) for hour in HOURS]
    return Delivery("hours", day, door, rows)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    home = SmallHome(tmp_path_factory.mktemp("estimates"))
    home.feed(Feed("hours", "files", grain_minutes=60, overlap="device_day"))
    home.branch("SHOP", "UTC")
    home.opens("SHOP", "10:00", "18:00")
    for door in DOORS:
        home.counter("files", door, "SHOP")
    for number in range(DAYS):
        for door in DOORS:
            home.deliver(delivery(door, MONDAY + timedelta(days=number)))
    home.write()
    home.build()
    return home


@pytest.fixture(scope="module")
def masked(home: SmallHome) -> dict[str, list]:
    """What is said of the lost day: while door a counted, after its file was taken away, and once it is back."""
    daily = f"""
        select entry_count, entry_count_estimated, entry_count_low, entry_count_high, status, estimate_method
        from marts.fct_branch_traffic_daily where business_date = '{LOST}'
    """
    hours = f"""
        select hour_start_at, entry_count_expected, expected_dispersion, expected_day_deviation
        from marts.fct_counter_traffic_hourly
        where device_id = 'a' and business_date = '{LOST}' and expected_minutes > 0 order by 1
    """
    outage = "select entry_count_lost_estimated from marts.fct_counter_outage"
    found = {"expected": home.rows(hours), "before": home.rows(daily), "contents": [home.contents()]}
    kept = list(home.deliveries)
    home.deliveries = [item for item in kept if (item.device_id, item.day) != ("a", LOST)]
    home.write(touched=[LOST])
    home.build()
    found |= {"lost": home.rows(daily), "lost_hours": home.rows(hours), "outage": home.rows(outage)}
    found["others"] = home.rows(
        f"select count(*) from marts.fct_branch_traffic_daily where status <> 'complete' and business_date <> '{LOST}'"
    )
    home.deliveries = kept
    home.write(touched=[LOST])
    home.build()
    found |= {"after": home.rows(daily), "contents_after": [home.contents()]}
    return found


def test_a_masked_counter_was_told_exactly_what_a_lost_one_is_given(masked):
    assert masked["lost_hours"] == masked["expected"]
    ((_, estimated, *_),) = masked["lost"]
    assert estimated == pytest.approx(sum(row[1] for row in masked["expected"]), abs=0.1)
    assert masked["outage"] == [(estimated,)]


def test_an_estimate_stands_beside_the_measured_with_its_method_and_interval(masked):
    ((measured, estimated, low, high, status, method),) = masked["lost"]
    assert (measured, status) == (sum(people(door, LOST, hour) for door in "bc" for hour in HOURS), "partial")
    noise = sum(expected * dispersion for _, expected, dispersion, _ in masked["expected"])
    common = sum(expected * deviation for _, expected, _, deviation in masked["expected"])
    margin = 1.645 * math.sqrt(noise + common**2)
    assert low == pytest.approx(measured + estimated - margin, abs=1)
    assert high == pytest.approx(measured + estimated + margin, abs=1)
    assert low <= sum(people(door, LOST, hour) for door in DOORS for hour in HOURS) <= high
    assert method == "weekday_hour_by_other_doors/1"


def test_an_estimate_goes_when_its_data_comes(masked):
    total = sum(people(door, LOST, hour) for door in DOORS for hour in HOURS)
    assert masked["before"] == masked["after"] == [(total, None, total, total, "complete", "")]
    assert masked["others"] == [(0,)]
    assert masked["contents"] == masked["contents_after"]


def test_the_expected_hour_follows_the_published_formula(home: SmallHome):
    def usual(door: str, hour: int) -> float:
        weeks = [LOST - timedelta(days=7 * week) for week in range(1, 5)]
        month = [LOST - timedelta(days=step) for step in range(1, 29)]
        profile = {h: fmean(people(door, day, h) for day in month) for h in HOURS}
        weekday = {h: sum(people(door, day, h) for day in weeks) for h in HOURS}
        level = sum(weekday.values()) / (4 * sum(profile.values()))
        return (weekday[hour] + 2 * profile[hour] * level) / (4 + 2)

    hour = 13
    others = ("b", "c")
    day_factor = (sum(people(d, LOST, h) for d in others for h in HOURS) + 60) / (
        sum(usual(d, h) for d in others for h in HOURS) + 60
    )
    told = sum(people(d, LOST, hour) for d in others)
    wanted = usual("a", hour) * (told + 120 * day_factor) / (sum(usual(d, hour) for d in others) + 120)
    query = f"""
        select entry_count_expected from marts.fct_counter_traffic_hourly
        where device_id = 'a' and hour_start_at = timestamptz '{datetime.combine(LOST, at(LOST, "13:00").time())}+00'
    """
    assert home.rows(query) == [(pytest.approx(wanted, abs=0.01),)]


def test_nothing_is_estimated_before_three_days_make_a_habit(home: SmallHome):
    query = """
        select business_date, count(entry_count_expected) from marts.fct_counter_traffic_hourly
        where expected_minutes > 0 group by 1 order by 1 limit 4
    """
    assert [count for _, count in home.rows(query)] == [0, 0, 0, len(DOORS) * len(HOURS)]


def test_a_back_test_beats_the_week_before_and_its_intervals_hold(home: SmallHome):
    with duckdb.connect(str(home.path / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = scores(connection)
        one_day = scores(connection, Window(LOST, LOST))
    assert found["hour"]["masks"] == (DAYS - 21) * len(DOORS) * len(HOURS)
    assert found["day"]["masks"] == (DAYS - 21) * len(DOORS)
    assert one_day["day"]["masks"] == len(DOORS)
    for one in found.values():
        assert one["better_than_week_ago"] > 0.3
        assert 0.8 < one["interval_coverage"] <= 1
