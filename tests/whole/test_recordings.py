"""Real vendor files, all the way to the marts, against truth that was computed independently of this project."""

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.home import open_home
from orchestration.settings import Settings
from orchestration.steps import import_files
from orchestration.transform import transform
from tests.conftest import BRANCHES, COUNTERS, HOURS, SPECIAL_DAYS

LEEDS = [
    "Albion Street North",
    "Albion Street South",
    "Briggate",
    "Briggate at McDonalds",
    "Commercial Street at Barratts",
    "Commercial Street at Sharps",
    "Dortmund Square",
    "Headrow",
]
LEEDS_FEEDS = """
[feeds.leeds_hourly]
source = "leeds"
kind = "counts"
name = "*Feed-*.csv"
columns = { device_id = "LocationName", date = "Date", time = "Hour", entry_count = "InCount", exit_count = "OutCount" }
time_formats = "%Y-%m-%d %H"
grain_minutes = 60
nonexistent_local_time = "keep"

[feeds.leeds_daily]
source = "leeds"
kind = "counts"
name = "*Nov 2017.csv"
columns = { device_id = "LocationName", date = "Date", entry_count = "InCount", exit_count = "OutCount" }
time_formats = "%d-%b-%y"
grain_minutes = 1440
"""


def home_with(root: Path, branches: str, counters: str, feeds: str) -> Settings:
    (root / "reference").mkdir(parents=True)
    texts = {"branches": BRANCHES + branches, "counters": COUNTERS + counters}
    texts |= {"opening_hours": HOURS, "special_days": SPECIAL_DAYS}
    for name, text in texts.items():
        (root / "reference" / f"{name}.csv").write_text(text)
    (root / "reference" / "feeds.toml").write_text(feeds)
    return Settings(home=root)


@pytest.fixture(scope="module")
def sensor(recordings, tmp_path_factory) -> duckdb.DuckDBPyConnection:
    counters = "xovis,door,1000,V1,entrance,,,,,,\n"
    settings = home_with(
        tmp_path_factory.mktemp("sensor"), "V1,Door,AT,,,Europe/Vienna,EUR,,,,\n", counters, "[feeds.xovis_export]\n"
    )
    home = open_home(settings)
    import_files(home, home.catalogue["xovis_export"], sorted((recordings / "xovis_counter").glob("door_*.csv")))
    transform(home)
    return duckdb.connect(str(settings.warehouse), read_only=True)


@pytest.fixture(scope="module")
def leeds(recordings, tmp_path_factory) -> duckdb.DuckDBPyConnection:
    counters = "".join(f"leeds,{name},,L1,entrance,,,,,,\n" for name in LEEDS)
    settings = home_with(
        tmp_path_factory.mktemp("leeds"), "L1,Leeds,GB,,,Europe/London,GBP,,,,\n", counters, LEEDS_FEEDS
    )
    home = open_home(settings)
    for feed, pattern in (("leeds_hourly", "*Feed-*.csv"), ("leeds_daily", "*Nov 2017.csv")):
        result = import_files(home, home.catalogue[feed], sorted((recordings / "leeds_branch").glob(pattern)))
        assert result.rejected_rows == 0
    transform(home)
    return duckdb.connect(str(settings.warehouse), read_only=True)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_sensor_week_has_its_hours_and_days(sensor, recordings):
    truth = rows(recordings / "xovis_counter" / "truth_hour.csv")
    query = """
        select strftime(timezone('Europe/Vienna', hour_start_at), '%Y-%m-%d %H:%M:%S'), entry_count, exit_count
        from marts.fct_counter_traffic_hourly where received_minutes > 0 order by 1
    """
    assert sensor.execute(query).fetchall() == [(row["t"], int(row["fw"]), int(row["bw"])) for row in truth]
    truth = rows(recordings / "xovis_counter" / "truth_day.csv")
    query = """
        select cast(business_date as varchar), entry_count, exit_count, received_minutes
        from marts.fct_branch_traffic_daily order by 1
    """
    found = sensor.execute(query).fetchall()
    assert found == [(row["date"], int(row["fw"]), int(row["bw"]), int(row["minutes"])) for row in truth]
    assert sum(row[1] for row in found) == 3163
    assert sum(row[2] for row in found) == 2773
    assert sum(row[3] for row in found) == 10_080


def test_the_sensor_week_has_one_rejected_row_and_quiet_nights_are_no_outage(sensor):
    query = "select line_number, reason from marts.fct_rejected_row"
    assert sensor.execute(query).fetchall() == [(10026, "missing_columns")]
    query = "select count(*) from marts.fct_counter_outage where started_at > ? and ended_at < ?"
    assert sensor.execute(query, ["2026-01-31 18:28:00+00", "2026-02-07 18:28:00+00"]).fetchone() == (0,)


@pytest.mark.parametrize(
    ("first", "last", "entries", "exits"),
    [
        ("2016-01-04", "2016-01-31", 4_461_550, 0),
        ("2016-02-29", "2016-04-03", 5_735_469, 0),
        ("2017-11-01", "2017-11-30", 5_678_235, 472_964),
    ],
)
def test_leeds_months_add_up(leeds, first, last, entries, exits):
    query = """
        select sum(entry_count), sum(exit_count) from marts.fct_branch_traffic_daily where business_date between ? and ?
    """
    assert leeds.execute(query, [first, last]).fetchone() == (entries, exits)


def test_leeds_counter_days_equal_the_truth(leeds, recordings):
    query = """
        select device_id, cast(business_date as varchar), sum(entry_count), sum(exit_count)
        from marts.fct_counter_traffic_hourly where business_date < date '2017-01-01' group by all
    """
    found = {
        (device, day): (int(entries), int(exits)) for device, day, entries, exits in leeds.execute(query).fetchall()
    }
    truth = rows(recordings / "leeds_branch" / "truth_counter_day.csv")
    assert found == {(row["counter"].strip(), row["date"]): (int(row["in"]), int(row["out"])) for row in truth}


def test_leeds_daily_files_give_days_where_hours_are_not_known(leeds, recordings):
    truth = defaultdict(lambda: [0, 0])
    for row in rows(recordings / "leeds_branch" / "truth_daily_nov2017.csv"):
        truth[row["date"]][0] += int(row["in"])
        truth[row["date"]][1] += int(row["out"])
    query = """
        select cast(business_date as varchar), entry_count, exit_count, status
        from marts.fct_branch_traffic_daily where business_date >= date '2017-01-01'
    """
    found = {
        day: [entries, exits] for day, entries, exits, status in leeds.execute(query).fetchall() if status == "complete"
    }
    assert found == dict(truth)


def test_the_clock_that_steps_back_is_named_and_its_day_counted(sensor):
    query = "select cast(business_date as varchar), kind, observed_value, is_excluded from marts.fct_counter_anomaly"
    assert sensor.execute(query).fetchall() == [("2026-02-07", "clock_step_back", 2.0, False)]


def test_a_dead_pair_of_counters_makes_the_branch_partial_not_quiet(leeds):
    day = "business_date = date '2016-01-29'"
    query = f"select entry_count, status from marts.fct_branch_traffic_daily where {day}"
    assert leeds.execute(query).fetchone() == (144_895, "partial")
    query = f"""
        select distinct device_id from marts.fct_counter_traffic_hourly where {day} and state <> 'received' order by 1
    """
    assert [row[0] for row in leeds.execute(query).fetchall()] == ["Albion Street North", "Albion Street South"]


def test_the_clock_change_on_easter_sunday_flags_nobody(leeds):
    day = date(2016, 3, 27)
    query = """
        select count(*) filter (state <> 'received'), count(distinct device_id)
        from marts.fct_counter_traffic_hourly where business_date = ?
    """
    assert leeds.execute(query, [day]).fetchone() == (0, 8)
    query = "select status from marts.fct_branch_traffic_daily where business_date = ?"
    assert leeds.execute(query, [day]).fetchone() == ("complete",)


def test_nothing_but_the_known_dead_spans_is_flagged(leeds):
    query = """
        select distinct device_id, cast(business_date as varchar)
        from marts.fct_counter_traffic_hourly where state not in ('received', 'closed') order by 2, 1
    """
    found = set(leeds.execute(query).fetchall())
    north, south = "Albion Street North", "Albion Street South"
    known = {
        (north, "2016-01-09"),
        (south, "2016-01-09"),
        (north, "2016-01-29"),
        (south, "2016-01-29"),
        (north, "2016-03-10"),
    }
    assert {(north, "2016-01-29"), (south, "2016-01-29")} <= found <= known
