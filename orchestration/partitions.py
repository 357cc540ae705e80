"""The business day as Dagster's partition. Its key is the branch's own calendar day, so it has no zone to speak of."""

from datetime import date

import dagster as dg

FIRST_DAY = date(2015, 1, 1)
"""Before the oldest history that anyone brings along. Fixed: partitions already recorded must not change meaning."""

business_days = dg.DailyPartitionsDefinition(FIRST_DAY.isoformat(), end_offset=1)
"""Up to and including today: counters of a day that has not ended yet may already have delivered."""


def is_partition(day: date, today: date) -> bool:
    """Tell whether Dagster has a partition for this day; a counter whose clock is wrong writes others."""
    return FIRST_DAY <= day <= today
