"""Quarter hours of one zone's business days, and the deliveries in which a year arrives.

Built on clock.py: a slot is one interval of a file. All zones of the chain lie whole hours from UTC.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise

import numpy as np

from emulators.clock import WALL_TEXT, Clock

GRAIN_MINUTES = 15
SLOTS_PER_HOUR = 60 // GRAIN_MINUTES
SLOTS_PER_DAY = 24 * SLOTS_PER_HOUR


@dataclass(frozen=True)
class Grid:
    """The slots of `days` local days from `first` on."""

    zone: str
    first: date
    days: int

    @cached_property
    def clock(self) -> Clock:
        """The same days minute by minute."""
        return Clock(self.zone, self.first, self.days)

    @cached_property
    def starts(self) -> np.ndarray:
        """The slot at which each local day starts, and the end of the last one."""
        return self.clock.starts // GRAIN_MINUTES

    @cached_property
    def wall(self) -> np.ndarray:
        """Per slot: the minute of the day that the clock on the wall shows."""
        return self.clock.wall[::GRAIN_MINUTES]

    @cached_property
    def day_of(self) -> np.ndarray:
        """Per slot: the index of its local day."""
        return self.clock.day_of[::GRAIN_MINUTES]

    @property
    def size(self) -> int:
        """How many slots there are."""
        return int(self.starts[-1])

    def span(self, index: int, length: int = 1) -> slice:
        """Return the slots of some local days."""
        return slice(int(self.starts[index]), int(self.starts[index + length]))

    def is_plain(self, index: int) -> bool:
        """Tell whether a local day has 24 hours and so have the days beside it."""
        beside = range(max(0, index - 1), min(self.days, index + 2))
        return all(self.clock.length(day) == 1440 for day in beside)

    def utc(self, slot: int) -> datetime:
        """Return the instant at which a slot starts."""
        return self.clock.utc(slot * GRAIN_MINUTES)

    def offset_slots(self, index: int) -> int:
        """Return how far local time is ahead of UTC on a plain day, in slots."""
        midnight = self.clock.utc(int(self.clock.starts[index])).replace(tzinfo=None)
        local = datetime.combine(self.clock.day(index), datetime.min.time())
        return int((local - midnight).total_seconds()) // 60 // GRAIN_MINUTES

    @cached_property
    def texts(self) -> list[str]:
        """Per slot: local date and time as the files spell it."""
        days = [str(self.clock.day(index)) for index in range(self.days)]
        pairs = zip(self.day_of.tolist(), self.wall.tolist(), strict=True)
        return [f"{days[day]} {WALL_TEXT[minute]}:00" for day, minute in pairs]


@dataclass(frozen=True)
class Step:
    """One round of the pipeline: the business days that are new in it (none in a late wave), as indexes."""

    number: int
    name: str
    first: int
    stop: int

    @property
    def is_late_wave(self) -> bool:
        """Tell whether only stragglers come."""
        return self.first == self.stop


def plan_steps(first: date, days: int) -> list[Step]:
    """Cut the window into calendar months (short ends join their neighbour); stragglers come after every second."""
    day_list = [first + timedelta(days=index) for index in range(days)]
    edges = [0, *(index for index, day in enumerate(day_list) if day.day == 1 and 10 <= index <= days - 10), days]
    steps: list[Step] = []
    months = list(pairwise(edges))
    for number, (start, stop) in enumerate(months, 1):
        steps.append(Step(len(steps), f"{day_list[stop - 1]:%Y-%m}", start, stop))
        if number % 2 == 0 or number == len(months):
            steps.append(Step(len(steps), f"late wave {len(steps)}", stop, stop))
    return steps
