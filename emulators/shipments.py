"""What was sent about each counter and day: which minutes, when, and what is wrong with the file.

A shipment holds arrays and marks, never bytes: files.py writes it down, the truth reads its marks. A fault is a
change to a shipment (faults.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from emulators.chain import FOOTFALLCAM, XOVIS, Chain, Placement
from emulators.clock import Clock
from emulators.traffic import Key, Series

DAILY, EXPORT, SALES = "footfallcam_daily", "xovis_export", "sales"
XOVIS_HISTORY = "xovis_history"
FOLDERS = {DAILY: "/counters/daily", EXPORT: "/", SALES: "/tills"}
EXPORT_DAYS = 7


@dataclass(frozen=True, eq=False)
class Shipment:
    """One file of counts, as the sender meant it and as it arrives.

    `first` and `last` are day indexes on the counter's clock, both included; the arrays hold one value per minute of
    those days, in the counter's own orientation. `is_sent` minutes have a row, `is_damaged` ones an unreadable row.
    """

    feed: str
    key: Key
    clock: Clock = field(repr=False)
    first: int
    last: int
    name: str
    wave: int
    modified_at: datetime
    entry: np.ndarray = field(repr=False)
    exit: np.ndarray = field(repr=False)
    is_sent: np.ndarray = field(repr=False)
    is_damaged: np.ndarray = field(repr=False)
    is_reversed: bool = False
    content: str = "counts"  # counts | html
    has_bom: bool = False
    has_mixed_ends: bool = False
    blank_after: tuple[int, ...] = ()
    steps_back_at: int | None = None  # before this minute the clock steps back two minutes
    is_first_copy_torn: bool = False
    ghost_wall_minute: int | None = None
    is_copy: bool = False  # the same bytes once more
    is_covered: bool = False  # the lens saw nobody: its zeros are no counts

    @property
    def span(self) -> slice:
        """The positions on the counter's clock that the arrays stand for."""
        return slice(int(self.clock.starts[self.first]), int(self.clock.starts[self.last + 1]))

    @property
    def is_accepted(self) -> np.ndarray:
        """Per minute: a row arrived and can be read."""
        return self.is_sent & ~self.is_damaged if self.content == "counts" else np.zeros_like(self.is_sent)

    def without(self, first: int, last: int) -> "Shipment":
        """Drop the rows of these minutes of the file (half-open)."""
        sent = self.is_sent.copy()
        sent[first:last] = False
        return replace(self, is_sent=sent)

    def damaged(self, minute: int) -> "Shipment":
        """Tear the row of this minute of the file."""
        torn = self.is_damaged.copy()
        torn[minute] = True
        return replace(self, is_damaged=torn)

    def zeroed(self) -> "Shipment":
        """Count nothing all day, as a covered lens does."""
        return replace(self, entry=np.zeros_like(self.entry), exit=np.zeros_like(self.exit), is_covered=True)


def due_at(clock: Clock, index: int, feed: str = DAILY) -> datetime:
    """Return when a feed's day is due (UTC): half past two of the next local day, for sensors asked at six."""
    if feed == XOVIS_HISTORY:
        morning = datetime.combine(clock.day(index + 1), time(6), ZoneInfo(clock.zone))
        return morning.astimezone(UTC)
    return _after(clock, index) + timedelta(minutes=150)


def ship(placement: Placement, series: Series, clock: Clock, first: int, last: int, **details: object) -> Shipment:
    """Ship days `first` to `last` of a counter as one flawless file."""
    span = slice(int(clock.starts[first]), int(clock.starts[last + 1]))
    values = {
        "entry": series.entry[span],
        "exit": series.exit[span],
        "is_sent": np.ones(span.stop - span.start, dtype=bool),
        "is_damaged": np.zeros(span.stop - span.start, dtype=bool),
        "is_reversed": placement.direction == "reverse",
        "wave": 1,
    }
    return Shipment(key=placement.key, clock=clock, first=first, last=last, **{**values, **details})  # type: ignore[arg-type]


def ship_on_time(chain: Chain, traffic: Mapping[Key, Series], seed: int) -> list[Shipment]:
    """Ship everything as it should be: a daily file per FootfallCam counter, a weekly export per Xovis line."""
    rng = np.random.default_rng([seed, 5])
    shipments: list[Shipment] = []
    for placement in {p.key: p for p in chain.placements}.values():
        clock = chain.clock_of(placement.key)
        one = partial(ship, placement, traffic[placement.key], clock)
        if placement.interface:
            continue
        if placement.source == FOOTFALLCAM:
            shipments += [
                one(
                    index,
                    index,
                    feed=DAILY,
                    name=f"{placement.device_id}_{clock.day(index):%Y%m%d}.csv",
                    modified_at=_after(clock, index) + timedelta(seconds=int(rng.integers(2100, 4200))),
                )
                for index in range(clock.days)
            ]
        elif placement.source == XOVIS:
            weeks = [(at, min(at + EXPORT_DAYS, clock.days) - 1) for at in range(0, clock.days, EXPORT_DAYS)]
            shipments += [
                one(
                    first,
                    last,
                    feed=EXPORT,
                    name=export_name(placement.key, number),
                    modified_at=_after(clock, last) + timedelta(hours=7, minutes=int(rng.integers(50))),
                )
                for number, (first, last) in enumerate(weeks)
            ]
    return shipments


def _after(clock: Clock, index: int) -> datetime:
    return clock.utc(int(clock.starts[index + 1]))


def export_name(key: Key, number: int) -> str:
    """Name an export as a browser saves it: the second one of the same line gets a number."""
    return f"{key[1]}_{key[2]}_Person count in_out{f' ({number})' if number else ''}.csv"
