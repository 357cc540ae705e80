select
    _source as source,
    _feed as feed,
    business_date as _business_date,
    _delivery_id,
    _row_number,
    _delivered_at,
    _effective_at,
    trim(branchcode) as site_code,
    interval_start_local,
    interval_minutes,
    valuein as entry_count,
    -- Seconds, or hours, minutes and seconds: no real export with a value has been seen.
    case
        when regexp_full_match(trim(avgvisitduration), '\d+:\d\d:\d\d')
            then
                3600 * split_part(trim(avgvisitduration), ':', 1)::double
                + 60 * split_part(trim(avgvisitduration), ':', 2)::double
                + split_part(trim(avgvisitduration), ':', 3)::double
        else try_cast(trim(avgvisitduration) as double)
    end as visit_duration_seconds
from {{ source('footfallcam', 'export_api') }}
where data_aggregation = 'site' and trim(coalesce(avgvisitduration, '')) <> ''
