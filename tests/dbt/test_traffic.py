"""Counter hours, branch hours and days: what was measured, what was expected, and why something is missing."""

from datetime import UTC, datetime

from tests.dbt.conftest import SPRING, Story, day

BRANCH_DAY = """
select entry_count, expected_minutes, received_minutes, status, entry_count_high
from marts.fct_branch_traffic_daily where branch_code = '{}' and business_date = '{}'
"""


def test_dead_counter_makes_its_branch_partial_not_quiet(story: Story) -> None:
    assert story.one(BRANCH_DAY.format("SHOP", day(1))) == (480, 1080, 480, "partial", None)


def test_complete_day_has_equal_bounds(story: Story) -> None:
    assert story.one(BRANCH_DAY.format("KIOSK", day(0))) == (540, 1440, 1440, "complete", 540)


def test_holiday_of_all_branches_is_closed_and_counts_nobody(story: Story) -> None:
    assert story.one(BRANCH_DAY.format("SHOP", day(4))) == (0, 0, 0, "closed", 0)
    states = story.rows(f"select distinct state from marts.fct_counter_traffic_hourly where business_date = '{day(4)}'")
    assert sorted(states) == [("closed",), ("not_installed",)]


def test_out_of_hours_people_stay_in_the_counters_hour_and_out_of_the_branch(story: Story) -> None:
    query = """
        select entry_count, coalesce(open_entry_count, 0) from marts.fct_counter_traffic_hourly
        where device_id = 'sparse' and hour_local = '2026-03-23 20:00'
    """
    assert story.one(query) == (1, 0)


def test_sparse_feed_says_zero_by_silence_and_daily_feed_counts_in_the_day_only(story: Story) -> None:
    hours = f"""
        select device_id, hour(hour_local), entry_count, received_minutes, state from marts.fct_counter_traffic_hourly
        where branch_code = 'FLAT' and placement = 'entrance' and business_date = '{day(0)}' and expected_minutes > 0
        order by all
    """
    assert story.rows(hours) == [
        ("daily", 10, None, 60, "received"),
        ("daily", 11, None, 60, "received"),
        ("sparse", 10, 3, 60, "received"),
        ("sparse", 11, 0, 60, "zero_sparse"),
    ]
    assert story.one(BRANCH_DAY.format("FLAT", day(0))) == (503, 240, 240, "complete", 503)


def test_device_that_hangs_nowhere_is_kept_and_named(story: Story) -> None:
    query = """
        select branch_code, entry_count, expected_minutes, state, reason
        from marts.fct_counter_traffic_hourly where device_id = 'stranger'
    """
    assert story.rows(query) == [(None, 5, 0, "not_installed", "no_placement")]


def test_clock_change_day_has_23_hours_and_loses_no_expected_minute(story: Story) -> None:
    assert story.one(BRANCH_DAY.format("KIOSK", SPRING)) == (540, 1380, 1380, "complete", 540)
    hours = f"""
        select count(*), count(distinct hour_start_at) from marts.fct_branch_traffic_hourly
        where branch_code = 'KIOSK' and business_date = '{SPRING}'
    """
    assert story.one(hours) == (23, 23)


def test_kept_row_of_the_skipped_hour_is_added_where_the_zone_shifts_it(story: Story) -> None:
    query = f"""
        select hour_start_at, entry_count from marts.fct_counter_traffic_hourly
        where device_id = 'keeper' and business_date = '{SPRING}' and hour_local < '{SPRING} 04:00' order by 1
    """
    first = datetime(2026, 3, 29, tzinfo=UTC)
    assert story.rows(query) == [(first, 1), (first.replace(hour=1), 2), (first.replace(hour=2), 1)]


def test_skipped_hour_is_rejected_by_name_where_the_feed_says_so(story: Story) -> None:
    query = """
        select device_id_count, row_count, first_value from (
            select count(distinct delivery_id) as device_id_count, count(*) as row_count, min(value) as first_value
            from marts.fct_rejected_row where reason = 'nonexistent_local_time'
        )
    """
    # Two doors in London skip 01:00 to 02:00, the kiosk in Athens 03:00 to 04:00: sixty rows each.
    assert story.one(query) == (3, 180, "2026-03-29 01:00:00")


def test_silent_day_before_it_is_asked_for_is_not_due(story: Story) -> None:
    states = f"""
        select distinct state from marts.fct_counter_traffic_hourly
        where device_id = 'passage' and business_date = '{SPRING}' and expected_minutes > 0
    """
    assert story.rows(states) == [("not_due",)]
