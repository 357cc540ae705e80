with exported as (
    select
        _source as source,
        _feed as feed,
        business_date as _business_date,
        _delivery_id,
        _row_number,
        _delivered_at,
        _effective_at,
        branchid as site_id,
        branchcode as site_code,
        trim(site) as site_name,
        interval_start_local,
        interval_minutes,
        valuein as entry_count,
        valueout as exit_count,
        aggregationstatus as aggregation_status,
        verificationstatus as verification_status,
        -- The vendor's words for final were never seen: what nobody declared is unknown, never complete.
        case when is_final then 'final' when not is_final then 'provisional' else 'unknown' end as report_status,
        timezone
    from {{ source('footfallcam', 'export_api') }}
    where data_aggregation = 'site'
),

cubed as (
    select
        _source as source,
        _feed as feed,
        business_date as _business_date,
        _delivery_id,
        _row_number,
        _delivered_at,
        _effective_at,
        siteid as site_id,
        sitecode as site_code,
        trim(sitename) as site_name,
        interval_start_local,
        interval_minutes,
        value_in as entry_count,
        value_out as exit_count,
        '' as aggregation_status,
        '' as verification_status,
        'unknown' as report_status,
        timezone
    from {{ source('footfallcam', 'cube') }}
)

select * from exported
union all
select * from cubed
