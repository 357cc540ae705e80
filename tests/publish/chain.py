"""A small chain's warehouse in plain SQL, with the columns that BI relies on, and questions to its published file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)

_MARTS = """
create schema marts;
create table marts.dim_branch as
    select 'B' || b as branch_code, 'Branch | ' || b as branch_name, 'Europe/Athens' as timezone from range(4) as t(b);
create table marts.fct_branch_traffic_daily as
    select branch_code, date '2026-11-01' + d::integer as business_date,
           1::bigint as entry_count, 7::bigint as exit_count, null::bigint as entry_count_estimated,
           1::bigint as entry_count_low, case when d % 2 = 0 then 1 end::bigint as entry_count_high,
           600 as expected_minutes, 599 as received_minutes, round(599 / 600, 6)::double as coverage_ratio,
           case when d % 2 = 0 then 'complete' else 'partial' end as status
    from marts.dim_branch, range(10) as days(d);
create table marts.fct_branch_conversion_daily as
    select branch_code, business_date, 1::bigint as transaction_count, 12.50::decimal(18, 2) as sales_amount,
           entry_count as visitor_count, 0.142857::double as conversion_ratio, 0.142857::double as conversion_ratio_low,
           null::double as conversion_ratio_high, 12.5::double as average_transaction_amount, true as is_paired,
           '' as flag
    from marts.fct_branch_traffic_daily;
create table marts.fct_counter_traffic_hourly as
    select 'xovis' as source, 'dev-' || branch_code as device_id, '' as line_id, branch_code,
           timezone('Europe/Athens', business_date::timestamp) + to_hours(h::integer) as hour_start_at, business_date,
           h::bigint as entry_count, null::bigint as staff_count, 60 as expected_minutes, 'received' as state,
           '' as reason, 'xovis_history' as feed
    from marts.fct_branch_traffic_daily, range(24) as hours(h);
create table marts.fct_delivery as
    select 'xovis_history' as feed, business_date, 'dev-' || branch_code as device_id,
           timezone('UTC', business_date + time '08:00:00') as expected_by,
           timezone('UTC', business_date + time '07:00:00') as received_at,
           timezone('UTC', business_date + time '06:00:00') as delivered_at,
           'on_time' as status, 'counts.csv' as file_name, sha256(branch_code || business_date) as sha256,
           1440::bigint as row_count, 0::bigint as rejected_row_count, 1 as revision
    from marts.fct_branch_traffic_daily;
create table marts.fct_sales_import as
    select feed, business_date, received_at, status, file_name, row_count from marts.fct_delivery;
"""


def build(warehouse: Path) -> None:
    """Write edition 1: four branches, ten days."""
    run(warehouse, _MARTS)


def run(warehouse: Path, statements: str) -> None:
    """Change the warehouse as dbt would: one writer that closes when done."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(statements)


def restate_everything(warehouse: Path, edition: int) -> None:
    """Let every branch-day say the edition's number, in traffic and in conversion."""
    run(
        warehouse,
        f"""
        update marts.fct_branch_traffic_daily set entry_count = {edition};
        update marts.fct_branch_conversion_daily set transaction_count = {edition};
        """,
    )


def ask(home: Path, question: str) -> list[tuple[Any, ...]]:
    """Ask the stable name, as BI does."""
    stable_name = str(home / "published" / "footfall.duckdb")
    with duckdb.connect(stable_name, read_only=True, config={"threads": 1}) as connection:
        return connection.execute(question).fetchall()


def edition_read_by(home: Path) -> int:
    """Return the edition at the stable name; fail if it is a mixture of two."""
    ((edition,),) = ask(
        home,
        """
        select distinct traffic.entry_count
        from marts.fct_branch_traffic_daily as traffic
        join marts.fct_branch_conversion_daily as conversion using (branch_code, business_date)
        join marts.branch_traffic_daily_revision as said using (branch_code, business_date, revision)
        join branch_traffic_daily_as_of('2100-01-01 00:00:00+00') as last_said using (branch_code, business_date)
        where traffic.entry_count = conversion.transaction_count and traffic.entry_count = said.entry_count
          and traffic.entry_count = last_said.entry_count
        union all
        select -1 where (select count(*) from marts.fct_branch_traffic_daily) <> 40
        """,
    )
    return int(edition)


def instant(at: datetime) -> str:
    """Return an instant as a user types it into SQL."""
    return "'" + at.astimezone(UTC).isoformat(sep=" ", timespec="microseconds") + "'"
