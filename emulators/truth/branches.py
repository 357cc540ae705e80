"""Branch hours and days: the entrance counters of a branch together, with coverage and status."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from emulators.chain import Branch, Chain
from emulators.truth.counters import USABLE_STATES, CounterHour, CounterHours


@dataclass(frozen=True)
class BranchTraffic:
    """A branch in one hour or on one day. Counts are None when nothing usable arrived, 0 when closed."""

    branch_code: str
    business_date: date
    hour_start_at: datetime
    hour: int
    entry_count: int | None
    exit_count: int | None
    expected_minutes: int
    received_minutes: int
    coverage_ratio: float | None
    status: str


def sum_branches(
    chain: Chain, counters: list[CounterHours]
) -> tuple[Mapping[str, list[BranchTraffic]], Mapping[str, list[BranchTraffic]]]:
    """Sum entrance counters into branch hours and branch days, each by branch code and in order of time."""
    hourly: dict[str, list[BranchTraffic]] = {}
    daily: dict[str, list[BranchTraffic]] = {}
    for branch in chain.branches:
        doors = [c for c in counters if c.placement.branch_code == branch.code and c.placement.placement == "entrance"]
        clock = branch.clock
        by_hour = [
            [found for door in doors if (found := door.hours.get(hour)) is not None]
            for hour in range(len(clock.hour_starts))
        ]
        hourly[branch.code] = [_together(branch, hour, found) for hour, found in enumerate(by_hour)]
        daily[branch.code] = []
        for index in range(clock.days):
            hours = [hour for hour, day in enumerate(clock.hour_days.tolist()) if day == index]
            found = [one for hour in hours for one in by_hour[hour]]
            daily[branch.code].append(_together(branch, hours[0], found))
    return hourly, daily


def _together(branch: Branch, hour: int, found: Iterable[CounterHour]) -> BranchTraffic:
    hours = [one for one in found if one.expected_minutes]
    usable = [one for one in hours if one.state != "stuck_zero"]
    expected = sum(one.expected_minutes for one in hours)
    received = sum(one.received_minutes for one in usable)
    if not expected:
        status = "closed"
    elif all(one.state in USABLE_STATES for one in hours):
        status = "complete"
    else:
        status = "partial" if received else "unknown"
    clock, start = branch.clock, int(branch.clock.hour_starts[hour])
    return BranchTraffic(
        branch_code=branch.code,
        business_date=clock.day(int(clock.day_of[start])),
        hour_start_at=clock.utc(start),
        hour=hour,
        entry_count=None if status == "unknown" else sum(one.open_entry_count for one in hours),
        exit_count=None if status == "unknown" else sum(one.open_exit_count for one in hours),
        expected_minutes=expected,
        received_minutes=received,
        coverage_ratio=round(received / expected, 6) if expected else None,
        status=status,
    )
