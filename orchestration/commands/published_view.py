"""What status and the demo ask of the published file. Opened read-only; the warehouse is never touched."""

from collections.abc import Sequence
from typing import Any

import duckdb

Rows = list[dict[str, Any]]

DELIVERIES = """
    select feed, business_date,
        count(distinct device_id) filter (where expected_by is not null and device_id <> '') as expected,
        count(*) filter (where status not in ('missing', 'duplicate')) as arrived,
        count(*) filter (where status = 'on_time') as on_time,
        count(*) filter (where status = 'late') as late,
        count(*) filter (where status = 'missing') as missing,
        count(*) filter (where status = 'revised') as revised,
        count(*) filter (where status = 'partial') as partial,
        count(*) filter (where status = 'rejected') as rejected,
        count(*) filter (where status = 'duplicate') as duplicate,
        coalesce(sum(row_count), 0)::bigint as row_count,
        coalesce(sum(rejected_row_count), 0)::bigint as rejected_row_count
    from marts.fct_delivery
    where business_date in (select distinct business_date from marts.fct_delivery order by business_date desc limit ?)
    group by feed, business_date
    order by business_date desc, feed
"""

OUTAGES = """
    with measured as (
        select source, device_id, line_id, max(hour_start_at + interval 1 hour) as last_measured_until
        from marts.fct_counter_traffic_hourly where received_minutes > 0
        group by source, device_id, line_id
    ),
    labels as (
        select source, device_id, line_id, branch_code, max(label) as label from marts.dim_counter
        group by source, device_id, line_id, branch_code
    )
    select o.source, o.device_id, o.line_id, o.branch_code, coalesce(l.label, '') as label, o.started_at, o.ended_at,
        o.outage_minutes, o.reason, coalesce(m.last_measured_until, '-infinity') <= o.ended_at as is_open
    from marts.fct_counter_outage as o
    left join measured as m on o.source = m.source and o.device_id = m.device_id and o.line_id = m.line_id
    left join labels as l
        on o.source = l.source and o.device_id = l.device_id and o.line_id = l.line_id and o.branch_code = l.branch_code
    where o.ended_at >= (select max(hour_start_at) from marts.fct_counter_traffic_hourly) - to_days(?)
    order by is_open desc, o.ended_at desc, o.outage_minutes desc
"""

UNPLACED = """
    select source, device_id, line_id, min(business_date) as first_day, max(business_date) as last_day,
        coalesce(sum(entry_count), 0)::bigint as entry_count
    from marts.fct_counter_traffic_hourly
    where state = 'not_installed'
    group by source, device_id, line_id
    order by last_day desc, source, device_id, line_id
"""


def rows(connection: duckdb.DuckDBPyConnection, statement: str, values: Sequence[object] = ()) -> Rows:
    """Run a statement and return its rows by column name; times come back as UTC."""
    connection.execute("set TimeZone = 'UTC'")
    answer = connection.execute(statement, list(values))
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def has(connection: duckdb.DuckDBPyConnection, mart: str) -> bool:
    """Tell whether the publication holds this mart."""
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = 'marts' and table_name = ?", [mart]
    )
    return found.fetchone() is not None
