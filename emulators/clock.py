"""The local calendar of one zone, minute by minute.

Turns business days, wall-clock times and UTC instants into positions of one array and back, DST days included.
Knows nothing about shops, counters or files.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

MINUTES_PER_DAY = 1440
WALL_TEXT = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(MINUTES_PER_DAY))


def instant(zone: str, day: date, minutes: int = 0) -> datetime:
    """Return the UTC instant that lies so many elapsed minutes after local midnight of `day`."""
    midnight = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    return midnight + timedelta(minutes=minutes)


@dataclass(frozen=True)
class Clock:
    """Every minute from local midnight of `first` on, `days` local days long; a minute is named by its position."""

    zone: str
    first: date
    days: int

    @cached_property
    def origin(self) -> datetime:
        """The UTC instant of position 0."""
        return instant(self.zone, self.first)

    @cached_property
    def starts(self) -> np.ndarray:
        """Position at which each local day starts, and the end of the last one (days + 1 values)."""
        elapsed = [instant(self.zone, self.day(index)) - self.origin for index in range(self.days + 1)]
        return np.array([int(span.total_seconds()) // 60 for span in elapsed])

    @property
    def size(self) -> int:
        """How many minutes there are."""
        return int(self.starts[-1])

    @cached_property
    def wall(self) -> np.ndarray:
        """What the clock on the wall shows at each position, as minute of the day."""
        parts = []
        for index in range(self.days):
            length = self.length(index)
            minutes = np.arange(length)
            if length != MINUTES_PER_DAY:
                zone, midnight = ZoneInfo(self.zone), instant(self.zone, self.day(index))
                local = ((midnight + timedelta(minutes=int(step))).astimezone(zone) for step in minutes)
                minutes = np.array([moment.hour * 60 + moment.minute for moment in local])
            parts.append(minutes)
        return np.concatenate(parts)

    @cached_property
    def day_of(self) -> np.ndarray:
        """Index of the local day that each position belongs to."""
        return np.repeat(np.arange(self.days), np.diff(self.starts))

    @cached_property
    def hour_starts(self) -> np.ndarray:
        """Position at which each hour starts; hours count from local midnight, so a DST day has 23 or 25."""
        return np.concatenate([np.arange(self.starts[i], self.starts[i + 1], 60) for i in range(self.days)])

    @cached_property
    def hour_days(self) -> np.ndarray:
        """Index of the local day that each hour belongs to."""
        return self.day_of[self.hour_starts]

    def day(self, index: int) -> date:
        """Return the business day with this index."""
        return self.first + timedelta(days=index)

    def length(self, index: int) -> int:
        """Return how many minutes this local day has: 1440, on DST days 1380 or 1500."""
        return int(self.starts[index + 1] - self.starts[index])

    def span(self, index: int) -> slice:
        """Return the positions of one local day."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    def utc(self, position: int) -> datetime:
        """Return the UTC instant of a position."""
        return self.origin + timedelta(minutes=int(position))

    def position(self, local: datetime) -> int:
        """Return the position of a local date and time without offset (the first pass, where it comes twice)."""
        moment = local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        return int((moment - self.origin).total_seconds()) // 60

    def sum_by_hour(self, values: np.ndarray) -> np.ndarray:
        """Sum one value per minute into one per hour."""
        return np.add.reduceat(values.astype(np.int64), self.hour_starts)

    def missing_wall_minute(self, index: int) -> int | None:
        """Return a wall-clock minute that does not exist on this day; None where all of them do."""
        shown = self.wall[self.span(index)]
        jumps = np.flatnonzero(np.diff(shown) > 1)
        return int(shown[jumps[0]]) + 31 if len(jumps) else None
