"""Staging over real raw files: what reaches the common intervals, and what never does."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import jinja2
import pytest
import yaml

from emulators.footfallcam.traffic import Counted
from orchestration.home import Home
from orchestration.sources.contract import Window
from orchestration.sources.footfallcam.connector import LAYOUTS
from orchestration.sources.tabular import COUNTS
from tests.sources.footfallcam.conftest import DAY, counted, take, truth
from tests.sources.footfallcam.test_footfallcam_cube import FEED as CUBE
from tests.sources.footfallcam.test_footfallcam_cube import ask_account  # noqa: F401 - a fixture
from tests.sources.footfallcam.test_footfallcam_export import FEED as EXPORT
from tests.sources.footfallcam.test_footfallcam_export import ask_export  # noqa: F401 - a fixture

MODELS = Path(__file__).parents[3] / "dbt_project" / "models" / "staging"


def staged(home: Home, model: str) -> duckdb.DuckDBPyRelation:
    """Run a staging model's SQL over the raw files of a home, as dbt would."""

    def source(_schema: str, table: str) -> str:
        files = home.raw.root / "footfallcam" / "*" / "*" / f"footfallcam_{table}.parquet"
        return f"read_parquet('{files}', hive_partitioning = true, hive_types = {{'business_date': date}})"

    text = (MODELS / "footfallcam" / f"stg_footfallcam__{model}.sql").read_text()
    return duckdb.sql(jinja2.Template(text).render(source=source))


def common() -> list[str]:
    """Return the columns of the staging model of files, which every other is added to by position."""
    counts = COUNTS.empty_table()  # noqa: F841 - DuckDB finds it by name
    text = (MODELS / "files" / "stg_files__counts.sql").read_text()
    empty = "(select *, null::date as business_date from counts)"
    return duckdb.sql(jinja2.Template(text).render(source=lambda *_: empty)).columns


def test_counters_have_the_columns_of_the_common_intervals(ask_network, ask_export):  # noqa: F811
    home = ask_network(devices="d1")
    take(home)
    assert staged(home, "device").columns == common()
    home = ask_export(level="counter")
    take(home, EXPORT)
    assert staged(home, "export_api").columns == common()


def test_minutes_are_the_truth(ask_network, network):
    home = ask_network(devices="d1")
    take(home)
    rows = staged(home, "device").project("interval_start_local, entry_count, exit_count").order("all").fetchall()
    assert rows == truth(network.api.counters["d1"])


def test_seconds_add_up_to_minutes_also_where_an_hour_repeats(ask_network, network):
    day = date(2026, 10, 25)
    network.api.counters = {"d1": counted(4, (day,))}
    home = ask_network("data_format = 'second'\nresolution_sec = 30\n", "d1")
    take(home, window=Window(day, day))
    rows = (
        staged(home, "device").order("_row_number").project("interval_start_local, entry_count, exit_count").fetchall()
    )
    assert rows == [(start, *counts) for start, counts in network.api.counters["d1"].intervals(day, 60)]


def test_a_minute_that_lacks_seconds_is_missing(ask_network, network):
    home = ask_network("data_format = 'second'\nresolution_sec = 30\n", "d1")
    minute = {datetime(2026, 3, 2, 9, tzinfo=UTC): (2, 1)}
    network.api.counters = {"d1": Counted("Europe/Vienna", minute)}
    real = network.api._intervals
    network.api._intervals = lambda *asked: real(*asked)[:1]
    take(home)
    assert staged(home, "device").fetchall() == []


def test_reports_of_sites_stay_apart_from_counters(ask_export, ask_account):  # noqa: F811
    home = ask_export()
    take(home, EXPORT)
    assert staged(home, "export_api").fetchall() == []
    both = ask_account()
    take(both, CUBE)
    found = staged(both, "branch_reports")
    assert dict(found.aggregate("feed, count(*)").fetchall()) == {EXPORT: 48, CUBE: 48}
    assert found.filter("report_status <> 'unknown'").fetchall() == []
    pairs = found.aggregate(
        "site_id, interval_start_local, count(distinct entry_count) as figures", "site_id, interval_start_local"
    )
    assert pairs.filter("figures <> 1").fetchall() == []
    assert found.filter(f"_business_date <> date '{DAY}'").fetchall() == []


@pytest.mark.parametrize("table", ["device", "export_api", "cube", "sites"])
def test_the_declared_columns_are_those_of_raw(table):
    declared = yaml.safe_load((MODELS / "footfallcam" / "_footfallcam__sources.yml").read_text())["sources"][0][
        "tables"
    ]
    (columns,) = (item["columns"] for item in declared if item["name"] == table)
    empty = LAYOUTS[f"footfallcam_{table}"].empty_table()  # noqa: F841 - DuckDB finds it by name
    found = duckdb.sql("describe from empty").project("column_name, lower(column_type)").fetchall()
    spelled = {"timestamp with time zone": "timestamptz"}
    kinds = [(name, "varchar" if kind.startswith("enum") else spelled.get(kind, kind)) for name, kind in found]
    assert [(column["name"], column["data_type"]) for column in columns] == kinds
