"""Outages: maximal spans of missing expected minutes of one counter, exact to the minute.

A span is not split at midnight or over closed time unless the counter showed life between or the reason changes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from emulators.chain import Placement
from emulators.traffic import Key
from emulators.truth.counters import CounterHours
from emulators.truth.evidence import ABSENCES, PRESENT, Evidence

STUCK = 9
REASONS = {**ABSENCES, STUCK: "stuck_zero"}


@dataclass(frozen=True)
class Outage:
    """One outage of one placed counter; `ended_at` is exclusive, `outage_minutes` counts expected minutes only."""

    placement: Placement
    started_at: datetime
    ended_at: datetime
    outage_minutes: int
    reason: str


def find_outages(counters: list[CounterHours], evidence: Mapping[Key, Evidence]) -> list[Outage]:
    """Find the outages of all counters."""
    return [outage for counter in counters for outage in _of_one(counter, evidence[counter.placement.key])]


def _of_one(counter: CounterHours, evidence: Evidence) -> Iterator[Outage]:
    reason = np.where(counter.expected, evidence.absence, PRESENT)
    for hour, found in counter.hours.items():
        if found.state == "stuck_zero":
            start = int(counter.clock.hour_starts[hour])
            reason[start : start + 60] = np.where(counter.expected[start : start + 60], STUCK, PRESENT)
    life = np.concatenate([[0], np.cumsum(evidence.is_accepted)])
    missed = np.flatnonzero(reason).tolist()
    start = 0
    for here in range(1, len(missed) + 1):
        if here < len(missed):
            before, after = missed[here - 1], missed[here]
            if reason[before] == reason[after] and (after == before + 1 or life[after] == life[before + 1]):
                continue
        yield Outage(
            counter.placement,
            counter.clock.utc(missed[start]),
            counter.clock.utc(missed[here - 1] + 1),
            here - start,
            REASONS[int(reason[missed[start]])],
        )
        start = here
