"""Which faults the year has: kinds, rates, and a seeded plan that says counter, first and last slot.

No two faults meet on a counter (a day lies between them at least); of the kinds that falsify counts, a branch has one
at a time. Days of a clock change, and those beside them, stay free. What a fault does to files: counting.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emulators.year.design import Chain, Counter
from emulators.year.grid import SLOTS_PER_HOUR, Step
from emulators.year.people import People

HISTORY_DAYS = 35  # kinds that only history can show begin after so many days
NOTICEABLE_PEOPLE = 40  # a frozen counter that misses fewer entries and exits than this is not injected


@dataclass(frozen=True)
class Kind:
    """A kind of fault: how often per 1000 counter-days, how many days it takes, and whether it falsifies counts."""

    name: str
    rate: float
    days: tuple[int, int]
    falsifies: bool = False
    rounds: int = 0  # how many later rounds it needs


KINDS = (
    Kind("clock_12_hours_off", 0.25, (1, 4), falsifies=True),
    Kind("clock_is_utc", 0.25, (1, 4), falsifies=True),
    Kind("stuck_zero", 0.7, (1, 3), falsifies=True),
    Kind("stuck_value", 0.4, (1, 2), falsifies=True),
    Kind("swapped", 0.15, (7, 14), falsifies=True),
    Kind("level_low", 0.15, (20, 20), falsifies=True),
    Kind("level_high", 0.15, (20, 20), falsifies=True),
    Kind("imbalance", 0.2, (7, 14), falsifies=True),
    Kind("out_of_hours", 0.2, (3, 7), falsifies=True),
    Kind("clock_step_back", 0.3, (1, 1), falsifies=True),
    Kind("offline_days", 1.0, (2, 4)),
    Kind("offline", 5.0, (1, 1)),
    Kind("file_missing", 3.0, (1, 2)),
    Kind("file_unreadable", 1.0, (1, 1)),
    Kind("rows_torn", 4.0, (1, 1)),
    Kind("late_by_hours", 15.0, (1, 1)),
    Kind("late_by_weeks", 12.0, (1, 2), rounds=1),
    Kind("revised", 4.0, (1, 1), rounds=1),
    Kind("duplicate", 3.0, (1, 1), rounds=1),
    Kind("wrong_file", 0.5, (1, 1), rounds=2),
)


@dataclass(frozen=True)
class Fault:
    """One fault. `first` and `stop` are slots of the counter's grid; `other` is the counter it is swapped with."""

    kind: str
    counter: int
    first: int
    stop: int
    other: int | None = None


class Planner:
    """Draws faults until every kind has its number, or there is no room."""

    def __init__(self, chain: Chain, people: People, steps: list[Step], seed: int) -> None:
        self._chain, self._people, self._steps = chain, people, steps
        self._rng = np.random.default_rng([seed, 4])
        self._taken = np.zeros((len(chain.counters), chain.days + 2), dtype=bool)
        self._falsified = np.zeros((len(chain.branches), chain.days + 2), dtype=bool)
        self._open = {branch.number: chain.open_slots(branch) for branch in chain.branches}
        lockdown = list(chain.lockdown())
        self._quiet = np.isin(np.arange(chain.days), lockdown)

    def plan(self) -> tuple[Fault, ...]:
        """Draw all kinds, those that need most room first."""
        return tuple(fault for kind in KINDS for fault in self._draw(kind))

    def _draw(self, kind: Kind) -> Iterator[Fault]:
        wanted = max(1, round(kind.rate * len(self._chain.counters) * self._chain.days / 1000))
        for _ in range(wanted * 40):
            if not wanted:
                return
            fault = self._one(kind)
            if fault is not None:
                wanted -= 1
                yield fault

    def _one(self, kind: Kind) -> Fault | None:
        chain, rng = self._chain, self._rng
        counter = chain.counters[int(rng.integers(len(chain.counters)))]
        length = int(rng.integers(kind.days[0], kind.days[1] + 1))
        lowest = HISTORY_DAYS if kind.falsifies else 1
        if chain.days - length - 1 <= lowest:
            return None
        day = int(rng.integers(lowest, chain.days - length - 1))
        other = self._partner(counter, day, length) if kind.name == "swapped" else None
        keys = [counter.number, *([other] if other is not None else [])]
        if not self._is_free(keys, counter, day, length, kind) or (kind.name == "swapped" and other is None):
            return None
        span = self._span(kind, counter, day, length)
        if span is None:
            return None
        beside = 2 if kind.falsifies else 1
        around = slice(max(0, day - beside), day + length + beside)
        self._taken[keys, around] = True
        if kind.falsifies:
            self._falsified[counter.branch, around] = True
        return Fault(kind.name, counter.number, *span, other)

    def _is_free(self, keys: list[int], counter: Counter, day: int, length: int, kind: Kind) -> bool:
        grid, days = self._chain.grid(counter.branch), slice(day, day + length)
        if kind.falsifies and (self._falsified[counter.branch, days].any() or self._quiet[days].any()):
            return False
        plain = all(grid.is_plain(index) for index in range(day, day + length))
        return (
            plain
            and not self._taken[keys, days].any()
            and (counter.placement == "entrance" or not kind.falsifies)
            and (kind.name != "clock_is_utc" or grid.offset_slots(day) != 0)
            and later_step(self._steps, day + length - 1)[0] + kind.rounds < len(self._steps)
        )

    def _partner(self, counter: Counter, day: int, length: int) -> int | None:
        """Return another door of the branch that is at least twice as busy, or half."""
        for door in self._chain.doors(counter.branch):
            ratio = door.share / counter.share
            if (ratio >= 2 or ratio <= 0.5) and not self._taken[door.number, day : day + length].any():
                return door.number
        return None

    def _span(self, kind: Kind, counter: Counter, day: int, length: int) -> tuple[int, int] | None:
        """Return a fault's slots: whole days, or a stretch that begins and ends inside opening hours."""
        grid, rng = self._chain.grid(counter.branch), self._rng
        whole = grid.span(day, length)
        if kind.name in ("offline", "rows_torn", "offline_days", "stuck_zero", "stuck_value"):
            opens, closes = (self._open_on(counter, index) for index in (day, day + length - 1))
            if not len(opens) or not len(closes):
                return None
            return self._stretch(kind, counter, opens, closes)
        if kind.falsifies and not any(len(self._open_on(counter, index)) for index in range(day, day + length)):
            return None
        if kind.falsifies or len(self._open_on(counter, day)) or rng.random() < 0.2:
            return whole.start, whole.stop
        return None

    def _stretch(self, kind: Kind, counter: Counter, opens: np.ndarray, closes: np.ndarray) -> tuple[int, int] | None:
        rng = self._rng
        if kind.name == "rows_torn":
            first = int(rng.choice(opens))
            return first, first + 1
        if kind.name == "offline":
            first = int(rng.choice(opens))
            return first, min(first + int(rng.integers(1, 6 * SLOTS_PER_HOUR)), int(opens[-1]) + 1 + 2 * SLOTS_PER_HOUR)
        if kind.name == "offline_days":
            return int(rng.choice(opens)), int(rng.choice(closes)) + 1
        half = len(opens) // 2  # frozen: from an hour of the first half of a day to the end of the last, or its night
        first = int(opens[int(rng.integers(0, half + 1))])
        stop = int(closes[-1]) + 1 + int(rng.choice([0, 0, 3, 8]))
        lost = sum(int(side[counter.number][first:stop].sum()) for side in (self._people.entry, self._people.exit))
        return (first, stop) if lost >= NOTICEABLE_PEOPLE else None

    def _open_on(self, counter: Counter, day: int) -> np.ndarray:
        span = self._chain.grid(counter.branch).span(day)
        return np.flatnonzero(self._open[counter.branch][span]) + span.start


def later_step(steps: list[Step], day: int) -> tuple[int, int]:
    """Return the round in which a day comes when all is well, and the round after it that brings stragglers."""
    own = next(step.number for step in steps if step.first <= day < step.stop)
    return own, own + 1
