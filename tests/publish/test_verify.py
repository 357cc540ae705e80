"""Content hashes: blind to when and how often we worked, sensitive to every fact."""

from pathlib import Path

import duckdb
import pytest

from orchestration.publish.published import publish
from orchestration.publish.verify import content_hashes, overall_hash
from tests.publish.chain import HOUR, NINE, restate_everything, run

EVERY_TYPE = """
create schema marts;
create table marts.fct_types as select * from (values
    (1::bigint, 'Αθήνα | x', 0.1::double, 12.30::decimal(18, 2), date '2026-11-21', true,
     timestamptz '2026-03-29 01:30:00+00:00', timestamp '2026-03-29 03:30:00', time '07:00:00', [1, 2]),
    (-1, '', -0.0, -0.05, date '1969-12-31', false, timestamptz 'infinity', timestamp 'infinity', null, []),
    (null, null, null, null, null, null, null, null, null, null),
    (2, '~', 1e-7, 0, date '2026-11-21', true, timestamptz '1969-12-31 23:59:59.999999+00:00', null, null, [null])
) as rows(a_count, a_name, a_ratio, an_amount, a_date, is_a, an_at, a_local, a_time, a_list)
"""


def test_hash_of_a_table_with_every_type_is_this_one_on_every_engine_and_machine(tmp_path: Path) -> None:
    run(tmp_path / "types.duckdb", EVERY_TYPE)
    assert content_hashes(tmp_path / "types.duckdb")["fct_types"].sha256 == (
        "29e53cf9276f90137cd295f09ca216ca3a06e382b313689271fe100d65c33773"
    )


def test_warehouse_and_published_file_hash_the_same_however_often_published(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    restate_everything(warehouse, 2)
    publication = publish(warehouse, home, NINE + HOUR)
    assert content_hashes(publication.database) == content_hashes(warehouse)
    assert content_hashes(home / "published" / "footfall.duckdb") == content_hashes(warehouse)


@pytest.mark.parametrize(
    "change",
    [
        "update marts.fct_delivery set received_at = received_at + interval 1 day",
        "update marts.fct_sales_import set received_at = null",
        "alter table marts.fct_delivery add column asked_at timestamptz",
        "alter table marts.fct_branch_traffic_daily add column revision integer default 3",
        "insert into marts.fct_delivery by name select * replace ('duplicate' as status) from marts.fct_delivery",
        "insert into marts.fct_sales_import by name select 'sales' as feed, 'duplicate' as status",
        "create or replace table marts.fct_delivery as from marts.fct_delivery order by device_id, business_date desc",
        "create or replace table marts.dim_branch as select timezone, branch_name, branch_code from marts.dim_branch",
        "alter table marts.fct_branch_traffic_daily alter column entry_count type integer",
    ],
)
def test_what_is_not_content_moves_no_hash(warehouse: Path, change: str) -> None:
    before = content_hashes(warehouse)
    run(warehouse, change)
    assert content_hashes(warehouse) == before


def test_every_other_value_moves_the_hash_of_its_mart_alone(warehouse: Path) -> None:
    before = content_hashes(warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        columns = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns where table_schema = 'marts'"
        ).fetchall()
        for table, column, _ in columns:
            if column == "received_at":
                continue
            mart = f"marts.{table}"
            connection.execute(f"create table was as from {mart}")
            value = f"case when {column} is null then '1' end"
            connection.execute(f"update {mart} set {column} = {value} where rowid = 3")
            after = content_hashes(warehouse)
            assert {name for name in before if before[name] != after[name]} == {table}, column
            assert overall_hash(before) != overall_hash(after)
            connection.execute(f"drop table {mart}; create table {mart} as from was; drop table was")
    assert content_hashes(warehouse) == before


@pytest.mark.parametrize(
    "change",
    [
        "delete from marts.dim_branch where branch_code = 'B1'",
        "insert into marts.dim_branch from marts.dim_branch where branch_code = 'B1'",
        "insert into marts.dim_branch from marts.dim_branch",
        "alter table marts.dim_branch rename column timezone to zone",
        "alter table marts.dim_branch add column region varchar",
        "update marts.dim_branch set timezone = branch_name, branch_name = timezone",
    ],
)
def test_rows_more_or_fewer_and_columns_named_otherwise_move_the_hash(warehouse: Path, change: str) -> None:
    before = content_hashes(warehouse)
    run(warehouse, change)
    assert content_hashes(warehouse)["dim_branch"] != before["dim_branch"]


def test_neighbouring_texts_do_not_run_into_each_other(tmp_path: Path) -> None:
    pairs = [("a|1:b", "c"), ("a", "b|c"), ("a|", "b"), ("", "a|b"), ("~", ""), (None, "")]
    hashes = set[str]()
    for n, pair in enumerate(pairs):
        warehouse = tmp_path / f"warehouse_{n}.duckdb"
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("create schema marts; create table marts.fct_pair (x varchar, y varchar)")
            connection.execute("insert into marts.fct_pair values (?, ?)", pair)
        hashes.add(content_hashes(warehouse)["fct_pair"].sha256)
    assert len(hashes) == len(pairs)


def test_an_empty_mart_has_a_hash(warehouse: Path) -> None:
    run(warehouse, "delete from marts.fct_delivery")
    assert content_hashes(warehouse)["fct_delivery"].row_count == 0
