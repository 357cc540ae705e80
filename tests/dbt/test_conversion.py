"""Sales against visitors: a point where both are known, bounds where one is partial, a flag otherwise."""

from decimal import Decimal

from tests.dbt.conftest import Story, day

CONVERSION = """
select transaction_count, sales_amount, visitor_count, conversion_ratio, conversion_ratio_low, conversion_ratio_high,
    is_paired, flag
from marts.fct_branch_conversion_daily where branch_code = '{}' and business_date = '{}'
"""


def test_revised_sales_replace_the_store_day(story: Story) -> None:
    query = f"""
        select transaction_count, sales_amount from marts.fct_branch_conversion_daily
        where branch_code = 'SHOP' and business_date = '{day(0)}'
    """
    assert story.one(query) == (7, Decimal("70.00"))


def test_ratio_is_over_paired_hours_and_partial_days_have_an_upper_bound(story: Story) -> None:
    # Monday: east is silent from 17:30, so eight of nine hours are paired: 7 transactions, 2 x 480 visitors.
    assert story.one(CONVERSION.format("SHOP", day(0))) == (
        7, Decimal("70.00"), 1050.0, round(7 / 960, 6), None, round(7 / 1050, 6), False, "traffic_partial",
    )  # fmt: skip


def test_sales_on_a_closed_day_are_flagged(story: Story) -> None:
    assert story.one(CONVERSION.format("SHOP", day(4))) == (
        2, Decimal("20.00"), 0.0, None, None, None, False, "sales_while_closed",
    )  # fmt: skip


def test_day_without_sales_is_missing_not_zero(story: Story) -> None:
    assert story.one(CONVERSION.format("KIOSK", day(0))) == (
        None,
        None,
        270.0,
        None,
        None,
        None,
        False,
        "sales_missing",
    )
