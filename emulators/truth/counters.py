"""Counter hours: expected and received minutes, counts, and the one state of every hour.

Hours count from local midnight. A counter is a placement row: one that moves has hours at both branches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from emulators.chain import Chain, Placement
from emulators.clock import Clock
from emulators.traffic import Key
from emulators.truth.evidence import ABSENCES, Evidence

USABLE_STATES = ("received", "received_late")
HISTORY_DAYS, HISTORY_NEEDED, NOTICED_FROM = 28, 3, 25


@dataclass(frozen=True)
class CounterHour:
    """One hour of one placed counter. Counts are None where nothing arrived; `open_` counts are of open minutes."""

    hour: int
    hour_start_at: datetime
    business_date: date
    wall_hour: int
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
    """Judge every hour in which a counter hangs somewhere; zeros that cannot be true are found last."""
    open_minutes = {branch.code: chain.open_minutes(branch) for branch in chain.branches}
    judged = [
        _hours_of(placement, evidence[placement.key], chain.installed(placement), open_minutes[placement.branch_code])
        for placement in chain.placements
    ]
    doors: dict[str, list[CounterHours]] = {}
    for counter in judged:
        if counter.placement.placement == "entrance":
            doors.setdefault(counter.placement.branch_code, []).append(counter)
    stuck = {id(counter): _stuck_hours(counter, own) for own in doors.values() for counter in own if len(own) > 1}
    return [_marked(counter, stuck.get(id(counter), set())) for counter in judged]


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
            wall_hour=int(clock.wall[start]) // 60,
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
    if at["received"] == at["expected"]:
        return "received_late" if at["late"] else "received"
    return max(ABSENCES.values(), key=lambda state: at[state])


def _marked(counter: CounterHours, stuck: set[int]) -> CounterHours:
    hours = {n: replace(found, state="stuck_zero") if n in stuck else found for n, found in counter.hours.items()}
    return replace(counter, hours=hours)


def _baselines(counter: CounterHours) -> dict[int, float]:
    """Lower quartile of the same wall-clock hour over earlier living days, per hour; absent where history is thin."""
    totals: dict[date, int] = {}
    for found in counter.hours.values():
        people = (found.entry_count or 0) + (found.exit_count or 0)
        totals[found.business_date] = totals.get(found.business_date, 0) + people
    history: dict[int, list[tuple[date, int]]] = {}
    for found in counter.hours.values():
        if found.state in USABLE_STATES and totals[found.business_date] > 0:
            people = (found.entry_count or 0) + (found.exit_count or 0)
            history.setdefault(found.wall_hour, []).append((found.business_date, people))
    baselines = {}
    for hour, found in counter.hours.items():
        past = history.get(found.wall_hour, [])
        days = [people for day, people in past if 0 < (found.business_date - day).days <= HISTORY_DAYS]
        if len(days) >= HISTORY_NEEDED:
            baselines[hour] = float(np.quantile(days, 0.25))
    return baselines


def _stuck_hours(counter: CounterHours, doors: list[CounterHours]) -> set[int]:
    """Find runs of received zeros that the counter's own past and its living neighbours contradict."""
    if not any(_is_silent(found) for found in counter.hours.values()):
        return set()
    stuck: set[int] = set()
    own = _baselines(counter)
    others = [(door, _baselines(door)) for door in doors if door is not counter]
    for run in _silent_runs(counter):
        if sum(own.get(hour, 0.0) for hour in run) < NOTICED_FROM:
            continue
        usual = sum(baseline.get(hour, 0.0) for _, baseline in others for hour in run)
        counted = sum(
            found.open_entry_count + found.open_exit_count
            for door, _ in others
            for hour in run
            if (found := door.hours.get(hour)) is not None
        )
        if usual > 0 and counted >= usual / 4:
            stuck |= set(run)
    return stuck


def _is_silent(found: CounterHour) -> bool:
    return found.state in USABLE_STATES and found.entry_count == 0 and found.exit_count == 0


def _silent_runs(counter: CounterHours) -> list[list[int]]:
    """Maximal runs of open hours of one business day that were received and counted nobody."""
    runs: list[list[int]] = []
    previous: CounterHour | None = None
    for hour, found in counter.hours.items():
        if found.state == "closed":
            continue
        if _is_silent(found):
            goes_on = previous is not None and _is_silent(previous) and previous.business_date == found.business_date
            if goes_on:
                runs[-1].append(hour)
            else:
                runs.append([hour])
        previous = found
    return runs
