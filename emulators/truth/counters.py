"""Counter hours: expected and received minutes, counts, and the one state of every hour.

Zeros of a covered lens are stuck because it was covered: the truth knows that, whatever can be made of the files.

Hours count from local midnight. A counter is a placement row: one that moves has hours at both branches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from emulators.chain import Chain, Placement
from emulators.clock import Clock
from emulators.traffic import Key
from emulators.truth.evidence import ABSENCES, Evidence

USABLE_STATES = ("received", "received_late")


@dataclass(frozen=True)
class CounterHour:
    """One hour of one placed counter. Counts are None where nothing arrived; `open_` counts are of open minutes."""

    hour: int
    hour_start_at: datetime
    business_date: date
    entry_count: int | None
    exit_count: int | None
    open_entry_count: int
    open_exit_count: int
    expected_minutes: int
    received_minutes: int
    state: str


@dataclass(frozen=True)
class CounterHours:
    """All hours of one placed counter, by the number of the hour on its clock."""

    placement: Placement
    clock: Clock
    expected: np.ndarray  # per minute: open and installed
    hours: Mapping[int, CounterHour]


def judge_hours(chain: Chain, evidence: Mapping[Key, Evidence]) -> list[CounterHours]:
    """Judge every hour in which a counter hangs somewhere."""
    open_minutes = {branch.code: chain.open_minutes(branch) for branch in chain.branches}
    return [
        _hours_of(placement, evidence[placement.key], chain.installed(placement), open_minutes[placement.branch_code])
        for placement in chain.placements
    ]


def _hours_of(placement: Placement, evidence: Evidence, installed: np.ndarray, is_open: np.ndarray) -> CounterHours:
    clock, accepted = evidence.clock, evidence.is_accepted & installed
    expected = installed & is_open
    sums = {
        name: clock.sum_by_hour(values)
        for name, values in (
            ("installed", installed),
            ("expected", expected),
            ("received", accepted & expected),
            ("rows", accepted),
            ("late", accepted & evidence.is_late),
            ("covered", accepted & expected & evidence.is_covered),
            ("entry", evidence.entry * accepted),
            ("exit", evidence.exit * accepted),
            ("open_entry", evidence.entry * (accepted & is_open)),
            ("open_exit", evidence.exit * (accepted & is_open)),
            *((state, expected & (evidence.absence == code)) for code, state in ABSENCES.items()),
        )
    }
    hours = {}
    for hour in np.flatnonzero(sums["installed"]).tolist():
        at = {name: int(values[hour]) for name, values in sums.items()}
        start = int(clock.hour_starts[hour])
        hours[hour] = CounterHour(
            hour=hour,
            hour_start_at=clock.utc(start),
            business_date=clock.day(int(clock.day_of[start])),
            entry_count=at["entry"] if at["rows"] else None,
            exit_count=at["exit"] if at["rows"] else None,
            open_entry_count=at["open_entry"],
            open_exit_count=at["open_exit"],
            expected_minutes=at["expected"],
            received_minutes=at["received"],
            state=_state(at),
        )
    return CounterHours(placement, clock, expected, hours)


def _state(at: Mapping[str, int]) -> str:
    if not at["expected"]:
        return "closed"
    if at["covered"] == at["expected"]:
        return "stuck_zero"
    if at["received"] == at["expected"]:
        return "received_late" if at["late"] else "received"
    return max(ABSENCES.values(), key=lambda state: at[state])
