"""What `explain` asks of the published marts, one statement a section. `docs/restatement.md` shows them to BI users.

Each takes $branch and $day.
"""

FIGURE = "select * from marts.fct_branch_traffic_daily where branch_code = $branch and business_date = $day"

CONVERSION = "select * from marts.fct_branch_conversion_daily where branch_code = $branch and business_date = $day"

KNOWN_DAYS = """
    select min(business_date) as first_day, max(business_date) as last_day
    from marts.fct_branch_traffic_daily where branch_code = $branch
"""

BRANCHES = "select branch_code, branch_name, timezone from marts.dim_branch order by branch_code"

COUNTERS = """
    with labels as (
        select source, device_id, line_id, branch_code, max(label) as label from marts.dim_counter group by all
    )
    select h.source, h.device_id, h.line_id, h.placement, coalesce(max(l.label), '') as label,
        sum(h.expected_minutes)::integer as expected_minutes, sum(h.received_minutes)::integer as received_minutes,
        sum(h.open_entry_count)::bigint as open_entry_count, sum(h.open_exit_count)::bigint as open_exit_count,
        sum(h.entry_count)::bigint as entry_count,
        sum({estimated})::double as entry_count_estimated
    from marts.fct_counter_traffic_hourly as h
    left join labels as l
        on h.source = l.source and h.device_id = l.device_id and h.line_id = l.line_id
        and h.branch_code = l.branch_code
    where h.branch_code = $branch and h.business_date = $day
    group by h.source, h.device_id, h.line_id, h.placement
    order by h.placement, h.source, h.device_id, h.line_id
"""

STATES = """
    select source, device_id, line_id, placement, state, reason, coalesce(feed, '') as feed,
        sum(minutes)::integer as minutes, min(started_at) as started_at, max(ended_at) as ended_at,
        count(*) as span_count
    from marts.fct_counter_state
    where branch_code = $branch and business_date = $day and state <> 'closed'
    group by all
    order by placement, source, device_id, line_id, started_at, state
"""

HOURLY_STATES = """
    select source, device_id, line_id, placement, state, reason, coalesce(feed, '') as feed,
        sum(expected_minutes)::integer as minutes, min(hour_start_at) as started_at,
        max(hour_start_at) + interval 1 hour as ended_at, null::bigint as span_count
    from marts.fct_counter_traffic_hourly
    where branch_code = $branch and business_date = $day and state <> 'closed'
    group by all
    order by placement, source, device_id, line_id, started_at, state
"""

FILES = """
    with facts as (
        select delivery_id, business_date, min(status) as status, max(rejected_row_count) as rejected_row_count
        from marts.fct_delivery where status <> 'duplicate' group by all
    ),
    standing as (
        select feed, source, device_id, line_id, placement, business_date, delivery_id, file_name, sha256,
            delivered_at, first_row_number, last_row_number, row_count, entry_count, null::bigint as transaction_count
        from marts.fct_counter_lineage where branch_code = $branch and business_date = $day
        union all by name
        select feed, source, '' as device_id, '' as line_id, 'till' as placement, business_date, delivery_id,
            file_name, sha256, delivered_at, first_row_number, last_row_number, row_count, transaction_count
        from marts.fct_sales_lineage where branch_code = $branch and business_date = $day
    )
    select s.* exclude (business_date), f.status, f.rejected_row_count
    from standing as s left join facts as f using (delivery_id, business_date)
    order by placement, source, device_id, line_id, file_name
"""

_DEVICES = """
    devices as (
        select distinct source, device_id from marts.fct_counter_traffic_hourly
        where branch_code = $branch and business_date = $day
    ),
    standing as (
        select delivery_id from marts.fct_counter_lineage where branch_code = $branch and business_date = $day
        union
        select delivery_id from marts.fct_sales_lineage where branch_code = $branch and business_date = $day
    )
"""

OTHER_DELIVERIES = f"""
    with {_DEVICES}
    select d.feed, d.device_id, d.status, d.reason, d.expected_by, d.delivered_at, d.file_name, d.sha256,
        d.delivery_id, d.row_count, d.rejected_row_count
    from marts.fct_delivery as d
    left join devices as own on d.source = own.source and d.device_id = own.device_id
    left join standing as s on d.delivery_id = s.delivery_id
    where d.business_date = $day and d.kind in ('counts', 'sales')
        and (own.device_id is not null or s.delivery_id is not null
             or (d.device_id = '' and d.status in ('rejected', 'retracted')))
        and (s.delivery_id is null or d.status = 'duplicate')
    order by d.feed, d.device_id, d.delivered_at nulls first, d.status, d.delivery_id
"""

REJECTED_ROWS = f"""
    with {_DEVICES},
    concerned as (
        select d.delivery_id from marts.fct_delivery as d
        join devices as own on d.source = own.source and d.device_id = own.device_id
        where d.business_date = $day and d.delivery_id is not null
        union
        select delivery_id from standing
    )
    select r.feed, r.file_name, r.sha256, r.reason, r.column_name, count(*) as row_count,
        min(r.line_number) as first_line_number, max(r.line_number) as last_line_number,
        min_by(r.value, r.line_number) as example
    from marts.fct_rejected_row as r
    join concerned as c on r.delivery_id = c.delivery_id
    where r.business_date = $day
    group by all
    order by r.feed, r.file_name, r.reason, r.column_name
"""

ANOMALIES = """
    select source, device_id, line_id, kind, observed_value, usual_value, score, is_excluded, detail
    from marts.fct_counter_anomaly
    where branch_code = $branch and business_date = $day
    order by is_excluded desc, source, device_id, line_id, kind
"""

COMPARISONS = """
    select kind, measure, feed_a, feed_b, source_of_record, value_a, value_b, difference, is_reconciled, cause
    from marts.fct_reconciliation
    where branch_code = $branch and business_date = $day
    order by is_reconciled, kind, measure, feed_a, feed_b
"""

REVISIONS = """
    select revision, published_at, entry_count, status, is_retracted
    from marts.branch_traffic_daily_revision
    where branch_code = $branch and business_date = $day
    order by revision
"""

RESTATEMENTS = """
    select * exclude (branch_code, business_date) from marts.fct_branch_restatement
    where branch_code = $branch and business_date = $day
    order by published_at
"""
