"""What an emulated counter has counted: UTC minutes, and the intervals of its own clock that it tells of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

Counts = tuple[int, int]
MINUTE = timedelta(minutes=1)


@dataclass
class Counted:
    """One counter's truth. A minute that is absent was not measured; one of (0, 0) was, and nobody came."""

    zone: str
    minutes: Mapping[datetime, Counts] = field(default_factory=dict)

    def day(self, day: date) -> list[tuple[datetime, Counts]]:
        """List the measured minutes of a local day in the order of time, with the local clock (fold included)."""
        zone = ZoneInfo(self.zone)
        begin, end = (
            datetime.combine(day + timedelta(days=step), datetime.min.time(), zone).astimezone(UTC) for step in (0, 1)
        )
        found = [(begin + step * MINUTE).astimezone(UTC) for step in range(int((end - begin) / MINUTE))]
        return [(at.astimezone(zone), self.minutes[at]) for at in found if at in self.minutes]

    def intervals(self, day: date, seconds: int) -> Iterator[tuple[datetime, Counts]]:
        """Add the minutes of a local day up to intervals (or spread them over shorter ones): local start, (in, out)."""
        minutes = self.day(day)
        if seconds < 60:
            yield from _spread(minutes, seconds)
            return
        size = seconds // 60
        for start, group in groupby(minutes, key=lambda item: _floor(item[0], size)):
            counts = [counted for _, counted in group]
            yield start[0], (sum(entry for entry, _ in counts), sum(leave for _, leave in counts))


def _floor(local: datetime, size: int) -> tuple[datetime, int]:
    past = (local.hour * 60 + local.minute) % size
    return (local - past * MINUTE).replace(tzinfo=None, fold=0), local.fold


def _spread(minutes: list[tuple[datetime, Counts]], seconds: int) -> Iterator[tuple[datetime, Counts]]:
    """Let the n-th person of a minute pass in its second 7n mod 60."""
    for local, (entry, leave) in minutes:
        for first in range(0, 60, seconds):
            within = range(first, first + seconds)
            yield (
                local.replace(tzinfo=None, fold=0) + timedelta(seconds=first),
                (sum(7 * n % 60 in within for n in range(entry)), sum(7 * n % 60 in within for n in range(leave))),
            )


def hours(counted: Counted, day: date) -> dict[datetime, Counts]:
    """Return the local hours of a day as a vendor's server shows them: a repeated hour is one."""
    found: dict[datetime, Counts] = {}
    for start, (entry, leave) in counted.intervals(day, 3600):
        before = found.get(start, (0, 0))
        found[start] = (before[0] + entry, before[1] + leave)
    return found
