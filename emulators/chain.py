"""The chain on paper: branches, opening hours, special days, and which counter hangs where and when.

What a retailer would write into its reference files. No traffic and no faults. Half-open validity throughout.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import numpy as np

from emulators.clock import Clock
from emulators.templates import TEMPLATES, Template

FOOTFALLCAM, XOVIS, BESPOT = "footfallcam", "xovis", "bespot"


@dataclass(frozen=True)
class Hours:
    """One row of opening hours, in minutes after local midnight; `closes` beyond 1440 is past midnight."""

    weekday: int
    opens: int
    closes: int
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class SpecialDay:
    """Hours that replace a date's usual ones; `opens` None means closed, branch `*` means every branch."""

    branch_code: str
    day: date
    opens: int | None = None
    closes: int | None = None


@dataclass(frozen=True)
class Placement:
    """One counter (or line of one) at one branch for a time."""

    source: str
    device_id: str
    line_id: str
    branch_code: str
    placement: str
    direction: str = ""
    label: str = ""
    timezone: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    share: float = 1.0
    interface: str = ""  # how it is asked; empty: it sends files

    @property
    def key(self) -> tuple[str, str, str]:
        """Who counts: source, device and line."""
        return self.source, self.device_id, self.line_id


@dataclass(frozen=True)
class Branch:
    """One shop: its zone, its hours, and how busy it is."""

    code: str
    template: Template
    clock: Clock = field(repr=False)
    hours: tuple[Hours, ...] = ()

    @property
    def zone(self) -> str:
        """The branch's IANA zone."""
        return self.template.zone


@dataclass(frozen=True)
class Chain:
    """All branches and counters of the world."""

    branches: tuple[Branch, ...]
    placements: tuple[Placement, ...]
    special_days: tuple[SpecialDay, ...]

    @property
    def filing_branches(self) -> list[Branch]:
        """The branches whose counters send files; the others' are asked over an interface."""
        asked = {placement.branch_code for placement in self.placements if placement.interface}
        return [branch for branch in self.branches if branch.code not in asked]

    def branch(self, code: str) -> Branch:
        """Return a branch by its code."""
        return next(branch for branch in self.branches if branch.code == code)

    def at(self, branch_code: str, *kinds: str) -> list[Placement]:
        """Return a branch's placements of these kinds, in reference order."""
        return [p for p in self.placements if p.branch_code == branch_code and p.placement in kinds]

    def clock_of(self, key: tuple[str, str, str]) -> Clock:
        """Return the clock of a counter (a counter that moves stays in its zone)."""
        return self.branch(next(p.branch_code for p in self.placements if p.key == key)).clock

    def installed(self, placement: Placement) -> np.ndarray:
        """Return, per minute, whether this placement is valid."""
        clock = self.branch(placement.branch_code).clock
        first = clock.position(placement.valid_from) if placement.valid_from else 0
        last = clock.position(placement.valid_to) if placement.valid_to else clock.size
        position = np.arange(clock.size)
        return (position >= first) & (position < last)

    def hours_on(self, branch: Branch, day: date) -> list[tuple[int, int]]:
        """Return the opening spans of one calendar date in wall-clock minutes: special days, else the weekday."""
        for code in (branch.code, "*"):
            special = [row for row in self.special_days if row.branch_code == code and row.day == day]
            if special:
                return [(r.opens, r.closes) for r in special if r.opens is not None and r.closes is not None]
        if not branch.hours:
            return [(0, 1440)]
        return [
            (row.opens, row.closes)
            for row in branch.hours
            if row.weekday == day.isoweekday()
            and (row.valid_from is None or row.valid_from <= day)
            and (row.valid_to is None or day < row.valid_to)
        ]

    def open_minutes(self, branch: Branch) -> np.ndarray:
        """Return, per minute, whether the branch is open by the clock on the wall."""
        clock = branch.clock
        is_open = np.zeros(clock.size, dtype=bool)
        for index in range(-1, clock.days):
            for opens, closes in self.hours_on(branch, clock.day(index)):
                for at, start, end in ((index, opens, closes), (index + 1, opens - 1440, closes - 1440)):
                    if 0 <= at < clock.days:
                        wall = clock.wall[clock.span(at)]
                        is_open[clock.span(at)] |= (wall >= start) & (wall < end)
        return is_open


def design_chain(seed: int, first: date, days: int, branches: int, counters_per_branch: int | None) -> Chain:
    """Draw up `branches` shops after the templates, each with its entrances, one inner and one outside counter."""
    rng = np.random.default_rng([seed, 1])
    clocks: dict[str, Clock] = {}
    shops: list[Branch] = []
    placements: list[Placement] = []
    for number in range(branches):
        template = TEMPLATES[number % len(TEMPLATES)]
        again = number // len(TEMPLATES)
        clock = clocks.setdefault(template.zone, Clock(template.zone, first, days))
        code = template.code if not again else f"{again:02d}{template.code}"
        shops.append(Branch(code, template, clock, tuple(_opening_rows(template, first, days))))
        placements += _hang(code, template, counters_per_branch or template.entrances, rng, number)
    if branches > 1 and days > 3:
        placements = _move_one(placements, shops, first + timedelta(days=days * 9 // 14))
    return Chain(tuple(shops), tuple(placements), tuple(_special_days(shops, first, days)))


def _opening_rows(template: Template, first: date, days: int) -> Iterator[Hours]:
    """Write the template's week; where it changes its hours, it does so in the middle of the window."""
    change = first + timedelta(days=days // 2)
    for weekday, spans in template.week.items():
        for opens, closes in spans:
            if template.closes_earlier_by and weekday <= 5:
                yield Hours(weekday, opens, closes, valid_to=change)
                yield Hours(weekday, opens, closes - template.closes_earlier_by, valid_from=change)
            else:
                yield Hours(weekday, opens, closes)


def _hang(code: str, template: Template, entrances: int, rng: np.random.Generator, number: int) -> Iterator[Placement]:
    """Hang a branch's counters: entrances with falling shares, the second one mounted the wrong way round."""
    kinds = ["entrance"] * entrances + ["inner", "outside"]
    mac = ""
    for place, kind in enumerate(kinds):
        name = f"{kind} {place + 1}" if kind == "entrance" else kind
        share = 1.0 / (place + 1) if kind == "entrance" else template.inner_share if kind == "inner" else 3.0
        direction = "reverse" if template.has_reversed and place == 1 else "forward" if place == 0 else ""
        zone = template.zone if place == 0 and number % 2 else ""
        if template.source == XOVIS and kind != "outside":
            new_device = place != entrances or not mac  # the inner line is a second line of the last door's sensor
            mac = "02_00_5E_" + "_".join(f"{part:02X}" for part in rng.integers(0, 256, 3)) if new_device else mac
            line = "1000" if new_device else "1001"
            yield Placement(XOVIS, mac, line, code, kind, direction, name, zone, share=share)
        else:
            serial = f"10000000{int(rng.integers(0, 2**32)):08x}"
            yield Placement(FOOTFALLCAM, serial, "", code, kind, direction, name, zone, share=share)


def _move_one(placements: list[Placement], shops: list[Branch], day: date) -> list[Placement]:
    """Move the first branch's last entrance counter to the next branch of its zone at noon."""
    home = shops[0]
    away = next((shop for shop in shops[1:] if shop.zone == home.zone), None)
    doors = [p for p in placements if p.branch_code == home.code and p.placement == "entrance"]
    if away is None or len(doors) < 2 or doors[-1].source != FOOTFALLCAM:
        return placements
    noon, mover = datetime.combine(day, time(12)), doors[-1]
    before = Placement(**{**vars(mover), "valid_to": noon})
    there = {"branch_code": away.code, "valid_from": noon, "share": 0.5, "label": f"from {home.code}"}
    after = Placement(**{**vars(mover), **there})
    return [before if p is mover else p for p in placements] + [after]


def _special_days(shops: list[Branch], first: date, days: int) -> Iterator[SpecialDay]:
    """Give one branch a holiday, and all a short day that one branch overrides with hours of its own."""
    if days > 2:
        yield SpecialDay(shops[0].code, first + timedelta(days=2))
    if days > 11:
        short = first + timedelta(days=11)
        yield SpecialDay("*", short, 10 * 60, 16 * 60)
        yield SpecialDay(shops[-1].code, short, 9 * 60, 13 * 60)
        yield SpecialDay(shops[-1].code, short, 14 * 60, 18 * 60)
