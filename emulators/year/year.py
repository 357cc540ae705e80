"""The year put together, and what is true of it at any round: which slots are there, lost, or not what people did.

`build_year` is deterministic by its arguments: same seed, same people, same faults, same files.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from emulators.year.counting import FROZEN, SHIFTED, Counted, Sending, count
from emulators.year.design import Chain, design_chain
from emulators.year.faults import Fault, Planner
from emulators.year.grid import Step, plan_steps
from emulators.year.people import People, let_people_come

ON_TIME = -1.0  # hours after the due time
REJECTED, OFFLINE, MISSING = "delivery_rejected", "device_offline", "delivery_missing"


@dataclass(frozen=True)
class Span:
    """A stretch of one counter's expected time for which nothing arrived; slots of its grid, `stop` after the last."""

    counter: int
    reason: str
    first: int
    stop: int
    missed_slots: int


@dataclass(frozen=True)
class Year:
    """A seeded chain over some days: people, faults, files, and the rounds in which the files come."""

    seed: int
    chain: Chain = field(repr=False)
    people: People = field(repr=False)
    faults: tuple[Fault, ...] = field(repr=False)
    counted: Counted = field(repr=False)
    steps: list[Step] = field(repr=False)

    @cached_property
    def is_open(self) -> list[np.ndarray]:
        """Per branch: the slots in which it is open."""
        return [self.chain.open_slots(branch) for branch in self.chain.branches]

    def sendings(self, counter: int, day: int) -> tuple[Sending, ...]:
        """Return every arrival of a counter-day's file; none where no row was ever written."""
        known = self.counted.sendings.get((counter, day))
        if known is not None:
            return known
        span = self.chain.grid(self.chain.counters[counter].branch).span(day)
        if not self.counted.has_row[counter][span].any():
            return ()
        return (Sending(self._own_step[day], ON_TIME),)

    @cached_property
    def _own_step(self) -> dict[int, int]:
        return {day: step.number for step in self.steps for day in range(step.first, step.stop)}

    def known_days(self, step: Step) -> int:
        """Return how many business days have been asked for after a round."""
        return max(other.stop for other in self.steps[: step.number + 1])

    def received(self, counter: int, step: Step) -> np.ndarray:
        """Tell per slot whether an accepted row stands after a round."""
        counted = self.counted
        found = counted.has_row[counter] & ~counted.is_torn[counter]
        grid = self.chain.grid(self.chain.counters[counter].branch)
        found[grid.span(0, self.known_days(step)).stop :] = False
        for day in self._odd_days[counter]:
            arrived = [sent for sent in self.counted.sendings.get((counter, day), ()) if sent.step <= step.number]
            if (counter, day) in counted.unreadable or ((counter, day) in counted.sendings and not arrived):
                found[grid.span(day)] = False
        return found

    @cached_property
    def _odd_days(self) -> list[list[int]]:
        odd: list[list[int]] = [[] for _ in self.chain.counters]
        for counter, day in {*self.counted.sendings, *self.counted.unreadable}:
            odd[counter].append(day)
        return odd

    def unsound(self, counter: int, step: Step) -> np.ndarray:
        """Tell per slot of known days whether a count that should be there is lost, frozen or of another time."""
        number = self.chain.counters[counter].branch
        grid = self.chain.grid(number)
        bad = ~self.received(counter, step) | (self.counted.wrong[counter] & (FROZEN | SHIFTED) > 0)
        bad &= self.is_open[number]
        bad[grid.span(0, self.known_days(step)).stop :] = False
        return bad

    def outages(self, counter: int) -> list[Span]:
        """Return the spans of expected time left without data, split where the reason changes or a row is alive."""
        number = self.chain.counters[counter].branch
        alive = self.received(counter, self.steps[-1])
        lost = np.flatnonzero(~alive & self.is_open[number])
        if not len(lost):
            return []
        reason = self._reasons(counter, alive)[lost]
        signs_of_life = np.concatenate([[0], np.cumsum(alive)])[lost]
        breaks = np.flatnonzero((np.diff(signs_of_life) > 0) | (reason[1:] != reason[:-1])) + 1
        return [
            Span(counter, str(reason[run[0]]), int(lost[run[0]]), int(lost[run[-1]]) + 1, len(run))
            for run in np.split(np.arange(len(lost)), breaks)
        ]

    def _reasons(self, counter: int, alive: np.ndarray) -> np.ndarray:
        grid = self.chain.grid(self.chain.counters[counter].branch)
        lives = np.add.reduceat(alive.astype(np.int64), grid.starts[:-1]) > 0
        reasons = np.where(lives[grid.day_of], OFFLINE, MISSING).astype("<U20")
        reasons[self.counted.is_torn[counter]] = REJECTED
        for day in self._odd_days[counter]:
            if (counter, day) in self.counted.unreadable:
                reasons[grid.span(day)] = REJECTED
        return reasons


def build_year(seed: int = 7, counters: int = 300, days: int = 365, last_day: date = date(2025, 12, 31)) -> Year:
    """Build the `days` business days up to `last_day` of a chain with so many counters."""
    if counters < 4 or days < 50:
        msg = "a year needs at least 4 counters and 50 days: shorter, there is no history to judge by"
        raise ValueError(msg)
    first = last_day - timedelta(days=days - 1)
    chain = design_chain(seed, first, days, counters)
    people = let_people_come(chain, seed)
    steps = plan_steps(first, days)
    faults = Planner(chain, people, steps, seed).plan()
    return Year(seed, chain, people, faults, count(chain, people, faults, steps, seed), steps)
