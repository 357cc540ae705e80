"""What a fault is, and the plan that spreads faults over a world's shipments.

No two faults meet on one counter and day, and none (but the one that wants it) falls on a day of a clock change or a
closed day. Which faults there are: daily_faults.py, export_faults.py, till_reports.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from emulators.chain import Chain, Placement
from emulators.shipments import Shipment
from emulators.traffic import Key, Series


@dataclass(frozen=True)
class Fault:
    """One fault: what, where, when, and what an honest system says about it."""

    kind: str
    feed: str
    file_name: str
    leads_to: str
    branch_code: str = ""
    device_id: str = ""
    business_date: date | None = None
    wave: int = 1


def overcount(entry: np.ndarray, first: int, last: int) -> np.ndarray:
    """Overcount a stretch, as a counter does that saw a queue sway on its line."""
    wrong = entry.copy()
    wrong[first:last] = wrong[first:last] * 2 + 1
    return wrong


@dataclass
class FaultPlan:
    """The shipments of a world while faults are worked into them."""

    chain: Chain
    traffic: Mapping[Key, Series]
    shipments: list[Shipment]
    faults: list[Fault]

    def __post_init__(self) -> None:
        self._taken: set[tuple[Key, int]] = set()

    def doors(self, source: str) -> list[list[Placement]]:
        """Return, per branch that has some, the entrance counters of one maker that stay where they are."""
        found = []
        for branch in self.chain.branches:
            moved = {p.key for p in self.chain.placements if p.valid_from or p.valid_to}
            doors = [p for p in self.chain.at(branch.code, "entrance") if p.source == source and p.key not in moved]
            if doors:
                found.append(doors)
        return found

    def _free(self, door: Placement, index: int, length: int) -> bool:
        branch = self.chain.branch(door.branch_code)
        days = range(index, index + length)
        return index >= 0 and days.stop <= branch.clock.days and all(
            (door.key, day) not in self._taken
            and branch.clock.length(day) == 1440
            and self.chain.hours_on(branch, branch.clock.day(day))
            for day in days
        )  # fmt: skip

    def pick(self, source: str, branch: int, door: int, index: int, length: int = 1) -> tuple[Placement, int] | None:
        """Pick the wished door and day, or the next free ones; None where a small world has no room left."""
        branches = self.doors(source)
        for other in range(len(branches)):
            doors = branches[(branch + other) % len(branches)]
            for step in range(len(doors)):
                place = doors[(door + step) % len(doors)]
                days = self.chain.clock_of(place.key).days
                for day in (*range(min(index, days), days), *range(min(index, days))):
                    if self._free(place, day, length):
                        self._taken |= {(place.key, taken) for taken in range(day, day + length)}
                        return place, day
        return None

    def is_taken(self, key: Key, index: int) -> bool:
        """Tell whether a counter's day has its fault already."""
        return (key, index) in self._taken

    def keep_free(self, key: Key, index: int) -> None:
        """Keep other faults away from a counter's day."""
        self._taken.add((key, index))

    def at(self, key: Key, index: int) -> Shipment:
        """Return the first shipment that covers a counter's day."""
        return next(s for s in self.shipments if s.key == key and s.first <= index <= s.last)

    def change(self, shipment: Shipment, *instead: Shipment) -> None:
        """Put other shipments in a shipment's place."""
        position = next(i for i, known in enumerate(self.shipments) if known is shipment)
        self.shipments[position : position + 1] = instead

    def note(self, kind: str, door: Placement, shipment: Shipment, index: int, leads_to: str) -> None:
        """Write down a fault."""
        self.faults.append(
            Fault(
                kind, shipment.feed, shipment.name, leads_to, door.branch_code, door.device_id,
                shipment.clock.day(index), shipment.wave,
            )
        )  # fmt: skip
