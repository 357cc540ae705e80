"""The lineage side of a small chain's warehouse: which deliveries stand in a branch-day, in plain SQL."""

from pathlib import Path

from tests.publish.chain import run

TABLES = """
create table marts.dim_counter as
    select 'acme' as source, 'dev-' || branch_code as device_id, '' as line_id, branch_code, 'entrance' as placement,
           null::timestamp as valid_from_local, null::timestamp as valid_to_local
    from marts.dim_branch;
drop table marts.fct_delivery;
create table marts.fct_delivery (
    delivery_id varchar, feed varchar, source varchar, business_date date, device_id varchar, line_id varchar,
    expected_by timestamptz, received_at timestamptz, delivered_at timestamptz, status varchar, file_name varchar,
    sha256 varchar, row_count bigint, rejected_row_count bigint, revision integer);
create table marts.fct_counter_lineage (
    source varchar, device_id varchar, line_id varchar, branch_code varchar, placement varchar, business_date date,
    feed varchar, delivery_id varchar, file_name varchar, row_count bigint, entry_count bigint, exit_count bigint,
    first_interval_at timestamptz, last_interval_at timestamptz);
create table marts.fct_sales_lineage (
    branch_code varchar, business_date date, source varchar, feed varchar, delivery_id varchar, file_name varchar,
    row_count bigint, transaction_count bigint, sales_amount decimal(18, 2));
"""
DAY = "2026-11-03"


def prepare(warehouse: Path) -> None:
    """Add the lineage marts, empty."""
    run(warehouse, TABLES)


def deliver(
    warehouse: Path, delivery: str, branch: str = "B1", *, status: str = "on_time", entries: int = 5, door: str = ""
) -> None:
    """Let a delivery of a counter come, and its rows stand where it could be read."""
    hours = 3 if status == "late" else -3
    device = door or f"dev-{branch}"
    run(
        warehouse,
        f"""
        insert into marts.fct_delivery by name
        select {f"'{delivery}'" if delivery else "null"} as delivery_id, 'counts' as feed, 'acme' as source,
               date '{DAY}' as business_date, '{device}' as device_id, '' as line_id,
               timestamptz '2026-11-04 06:00:00+00' as expected_by, expected_by + to_hours({hours}) as delivered_at,
               '{status}' as status, '{delivery}.csv' as file_name, {0 if status in ("rejected", "missing") else 9}
               as row_count
        """,
    )
    if status not in ("rejected", "missing"):
        stand(warehouse, delivery, branch, entries=entries, door=device)


def stand(warehouse: Path, delivery: str, branch: str = "B1", *, entries: int = 5, door: str = "") -> None:
    """Let the rows of a delivery stand in the branch-day, and count them."""
    run(
        warehouse,
        f"""
        insert into marts.fct_counter_lineage by name
        select 'acme' as source, '{door or f"dev-{branch}"}' as device_id, '' as line_id, '{branch}' as branch_code,
               'entrance' as placement, date '{DAY}' as business_date, 'counts' as feed, '{delivery}' as delivery_id,
               '{delivery}.csv' as file_name, 9 as row_count, {entries} as entry_count, 1 as exit_count,
               timestamptz '2026-11-03 08:00:00+00' as first_interval_at, first_interval_at as last_interval_at
        """,
    )
    recount(warehouse, branch)


def fall(warehouse: Path, delivery: str, branch: str = "B1", *, status: str = "revised") -> None:
    """Let the rows of a delivery stand no longer."""
    run(
        warehouse,
        f"""
        delete from marts.fct_counter_lineage where delivery_id = '{delivery}';
        update marts.fct_delivery set status = '{status}' where delivery_id = '{delivery}';
        """,
    )
    recount(warehouse, branch)


def sell(warehouse: Path, delivery: str, transactions: int, branch: str = "B1") -> None:
    """Let a sales file come and stand."""
    run(
        warehouse,
        f"""
        insert into marts.fct_delivery by name
        select '{delivery}' as delivery_id, 'sales' as feed, 'sales' as source, date '{DAY}' as business_date,
               '' as device_id, '' as line_id, timestamptz '2026-11-04 02:00:00+00' as delivered_at,
               'on_time' as status, '{delivery}.csv' as file_name, 9 as row_count;
        insert into marts.fct_sales_lineage by name
        select '{branch}' as branch_code, date '{DAY}' as business_date, 'sales' as source, 'sales' as feed,
               '{delivery}' as delivery_id, '{delivery}.csv' as file_name, 9 as row_count,
               {transactions} as transaction_count, 12.5 as sales_amount;
        update marts.fct_branch_conversion_daily set transaction_count = {transactions}
        where branch_code = '{branch}' and business_date = date '{DAY}';
        """,
    )


def recount(warehouse: Path, branch: str = "B1") -> None:
    """Let the branch-day say what its lineage adds up to."""
    here = f"branch_code = '{branch}' and business_date = date '{DAY}'"
    run(
        warehouse,
        f"""
        update marts.fct_branch_traffic_daily
        set entry_count = (select sum(entry_count) from marts.fct_counter_lineage where {here}) where {here}
        """,
    )
