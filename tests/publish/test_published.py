"""The published file: what it holds, how it is swapped, what stays on disk."""

import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.publish.marts import NothingToPublish, WarehouseBusy
from orchestration.publish.published import publish
from orchestration.publish.read import NothingPublished, last_published_at, open_published
from orchestration.publish.verify import content_hashes
from tests.publish.chain import HOUR, NINE, ask, edition_read_by, restate_everything, run

NINE_TABLES = {
    *("branch_conversion_daily_revision", "branch_traffic_daily_revision", "dim_branch"),
    *("fct_branch_conversion_daily", "fct_branch_traffic_daily", "fct_counter_traffic_hourly"),
    *("fct_branch_restatement", "fct_delivery", "fct_sales_import"),
}


def test_published_twice_says_the_same_twice_and_revises_nothing(home: Path, warehouse: Path) -> None:
    first = publish(warehouse, home, NINE)
    second = publish(warehouse, home, NINE + HOUR)
    assert content_hashes(first.database) == content_hashes(second.database) == content_hashes(warehouse)
    assert first.revised == {"fct_branch_traffic_daily": 40, "fct_branch_conversion_daily": 40}
    assert second.revised == {"fct_branch_traffic_daily": 0, "fct_branch_conversion_daily": 0}
    assert first.row_counts == second.row_counts
    assert len(list((home / "revisions").glob("*/*.parquet"))) == 2


def test_every_mart_is_a_table_and_a_parquet_file(home: Path, warehouse: Path) -> None:
    run(warehouse, "create view marts.dim_date as select distinct business_date from marts.fct_delivery")
    run(warehouse, "create table marts.fct_delivery__dbt_tmp as select 1 as scratch")
    publication = publish(warehouse, home, NINE)
    found = ask(home, "select table_name, table_type from information_schema.tables where table_schema = 'marts'")
    assert {name for name, _ in found} == NINE_TABLES | {"dim_date"} == set(publication.row_counts)
    assert {kind for _, kind in found} == {"BASE TABLE"}
    for table, row_count in publication.row_counts.items():
        files = home / "published" / "parquet" / table / "*.parquet"
        same = f"from marts.{table} except all select * from read_parquet(?)"
        with open_published(home) as connection:
            assert connection.execute(same, [str(files)]).fetchall() == []
            counted = connection.execute("select count(*) from read_parquet(?)", [str(files)]).fetchall()
        assert counted == [(row_count,)]


def test_traffic_gains_a_revision_even_if_the_model_had_a_placeholder(home: Path, warehouse: Path) -> None:
    run(warehouse, "alter table marts.fct_branch_traffic_daily add column revision integer")
    publish(warehouse, home, NINE)
    assert ask(home, "select distinct revision from marts.fct_branch_traffic_daily") == [(1,)]


def test_old_connection_in_the_same_process_keeps_its_version_while_a_new_one_gets_the_next(
    home: Path, warehouse: Path
) -> None:
    publish(warehouse, home, NINE)
    stable_name = str(home / "published" / "footfall.duckdb")
    question = "select distinct entry_count from marts.fct_branch_traffic_daily"
    with duckdb.connect(stable_name, read_only=True) as before:
        assert before.execute(question).fetchall() == [(1,)]
        restate_everything(warehouse, 2)
        publish(warehouse, home, NINE + HOUR)
        with duckdb.connect(stable_name, read_only=True) as after, open_published(home) as likewise:
            assert after.execute(question).fetchall() == [(2,)]
            assert likewise.execute(question).fetchall() == [(2,)]
        assert before.execute(question).fetchall() == [(1,)]


def test_publishes_while_the_transform_of_this_process_still_holds_the_warehouse(home: Path, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as dbt:
        publish(warehouse, home, NINE)
        dbt.execute("update marts.fct_branch_traffic_daily set entry_count = 2")
        dbt.execute("update marts.fct_branch_conversion_daily set transaction_count = 2")
        publication = publish(warehouse, home, NINE + HOUR)
        assert content_hashes(warehouse) == content_hashes(publication.database)
        attached = dbt.execute("select database_name from duckdb_databases() where not internal").fetchall()
        assert attached == [("warehouse",)]
    assert edition_read_by(home) == 2


@pytest.fixture
def foreign_writer(warehouse: Path) -> Generator[None]:
    holding = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holding, str(warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        yield


@pytest.mark.usefixtures("foreign_writer")
def test_a_warehouse_that_another_process_writes_is_busy_and_nothing_changes(home: Path, warehouse: Path) -> None:
    with pytest.raises(WarehouseBusy):
        publish(warehouse, home, NINE)
    with pytest.raises(NothingPublished):
        open_published(home)


def test_without_marts_there_is_nothing_to_publish(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    with pytest.raises(NothingToPublish):
        publish(warehouse, tmp_path, NINE)
    run(warehouse, "create schema marts")
    with pytest.raises(NothingToPublish):
        publish(warehouse, tmp_path, NINE)
    with pytest.raises(NothingPublished, match="footfall publish"):
        open_published(tmp_path)
    assert last_published_at(tmp_path) is None


def test_a_time_without_zone_is_refused(home: Path, warehouse: Path) -> None:
    with pytest.raises(ValueError, match="zone"):
        publish(warehouse, home, datetime(2026, 11, 21, 9))  # noqa: DTZ001 - the naive time is the point


def test_a_clock_that_steps_back_does_not_reorder_history(home: Path, warehouse: Path) -> None:
    first = publish(warehouse, home, NINE)
    restate_everything(warehouse, 2)
    second = publish(warehouse, home, NINE - 3 * HOUR)
    restate_everything(warehouse, 3)
    third = publish(warehouse, home, NINE)
    assert first.published_at == NINE < second.published_at < third.published_at < NINE + timedelta(milliseconds=1)
    assert last_published_at(home) == third.published_at
    assert edition_read_by(home) == 3
    assert ask(home, f"select distinct entry_count from branch_traffic_daily_as_of('{NINE}')") == [(1,)]


def test_publishers_at_the_same_time_take_turns(home: Path, warehouse: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        publications = list(pool.map(publish, [warehouse] * 4, [home] * 4, [NINE] * 4))
    assert len({each.version for each in publications}) == 4
    assert sorted(each.revised["fct_branch_traffic_daily"] for each in publications) == [0, 0, 0, 40]
    assert edition_read_by(home) == 1


def test_old_versions_go_once_they_were_superseded_for_an_hour_but_five_always_stay(
    home: Path, warehouse: Path
) -> None:
    minute = timedelta(minutes=1)
    quick = [publish(warehouse, home, NINE + n * minute) for n in range(7)]
    assert all(each.database.exists() for each in quick)
    slow = [publish(warehouse, home, NINE + (n + 2) * HOUR) for n in range(5)]
    left = sorted(folder.name for folder in (home / "published" / "versions").iterdir())
    assert left == [each.version for each in slow]
    assert edition_read_by(home) == 1


def test_a_lost_published_folder_is_rebuilt_without_a_new_revision(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    (home / "published").rename(home / "gone")
    assert publish(warehouse, home, NINE - HOUR).revised["fct_branch_traffic_daily"] == 0
    assert ask(home, f"select count(*) from branch_traffic_daily_as_of('{NINE}')") == [(40,)]
