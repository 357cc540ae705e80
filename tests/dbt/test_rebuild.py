"""A touched day is rebuilt, nothing else is, and growing gives what rebuilding from nothing gives."""

from pathlib import Path

from tests.dbt.conftest import Story, day
from tests.dbt.small_home import Delivery, Feed, SmallHome, at, invoke


def test_growing_day_by_day_gives_the_same_tables_as_a_full_rebuild(story: Story) -> None:
    different = [name for name in story.rebuilt if story.grown.get(name) != story.rebuilt[name]]
    assert different == []
    assert story.grown.keys() == story.rebuilt.keys()
    assert all(rows > 0 for name, (rows, *_) in story.rebuilt.items() if name.startswith("marts."))


def test_late_file_restates_only_its_day_and_opens_no_other_days_files(story: Story) -> None:
    (before,) = [row for row in story.day_three_before if row[0] == "SHOP"]
    query = f"""
        select entry_count, status from marts.fct_branch_traffic_daily
        where branch_code = 'SHOP' and business_date = '{day(2)}'
    """
    assert before[2] == 480
    assert story.one(query) == (1020, "partial")
    assert story.others_after == story.others_before


def test_retracted_delivery_leaves_nothing_behind(story: Story) -> None:
    assert story.retracted_before == [(99,)]
    query = "select count(*) from marts.fct_counter_traffic_hourly where device_id = 'keeper' and entry_count > 2"
    assert story.one(query) == (0,)
    assert story.one("select count(*) from marts.fct_delivery where delivery_id = 'retracted'") == (0,)


def test_every_feed_has_a_view_in_raw_without_any_sql_of_its_own(story: Story) -> None:
    views = {name for (name,) in story.rows("select view_name from duckdb_views() where schema_name = 'raw'")}
    assert views >= {"minutes", "quarters", "days", "hours", "sales", "minutes_rejected", "all_counts", "all_sales"}
    assert story.one(f"select count(*) from raw.minutes where device_id = 'east' and business_date = '{day(0)}'") == (
        1050,
    )


def test_sql_of_an_incremental_run_names_its_days(story: Story) -> None:
    story.home.write(touched=[day(3)])
    invoke(story.home.path, ["compile", "--select", "int_traffic__counter_intervals", "fct_branch_traffic_daily"])
    compiled = {
        path.stem: path.read_text() for path in (story.home.path / "dbt" / "target" / "compiled").rglob("*.sql")
    }
    assert f"_business_date in (date '{day(3)}')" in compiled["int_traffic__counter_intervals"]
    assert f"business_date in (date '{day(3)}', date '{day(4)}'" in compiled["fct_branch_traffic_daily"]


def test_dbt_unit_tests_hold(story: Story) -> None:
    results = invoke(story.home.path, ["test", "--select", "test_type:unit"])
    assert sum(result.status == "pass" for result in results) >= 15


def test_home_without_sales_hours_or_optional_columns_is_open_round_the_clock(tmp_path: Path) -> None:
    home = SmallHome(tmp_path)
    home.feed(Feed("hours", "files"))
    home.branch("ONE")
    home.counter("files", "door", "ONE")
    home.deliver(Delivery("hours", day(0), "door", [(at(day(0), f"{hour:02}:00"), 1, 0) for hour in range(24)]))
    home.write()
    counters = tmp_path / "reference" / "counters.csv"
    counters.write_text("source,device_id,branch_code,placement\nfiles,door,ONE,entrance\n")
    home.run()
    assert home.rows("select entry_count, expected_minutes, status from marts.fct_branch_traffic_daily") == [
        (24, 1440, "complete")
    ]
    assert home.rows("select distinct flag from marts.fct_branch_conversion_daily") == [("sales_missing",)]
