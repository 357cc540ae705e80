"""The chain of the year: countries with their zones and holidays, branches with hours and levels, counters with shares.

Only what a retailer could write down, plus how busy each place is by nature; people.py lets people come.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from emulators.year.grid import GRAIN_MINUTES, Grid

Spans = tuple[tuple[int, int], ...]  # opening hours in minutes of the day
DOORS = (0.30, 0.28, 0.18, 0.12, 0.07, 0.05)  # how many branches have 1, 2, … 6 entrances


@dataclass(frozen=True)
class Country:
    """A country: its zone, where its branches stand, how it opens by ISO weekday, and its closed days (month, day)."""

    code: str
    zone: str
    currency: str
    part: float
    regions: tuple[str, ...]
    week: tuple[tuple[int, int] | None, ...]
    closed: tuple[tuple[int, int], ...]


COUNTRIES = (
    Country(
        "GB", "Europe/London", "GBP", 0.42, ("London", "Midlands", "North", "Scotland"),
        (*[(540, 1200)] * 6, (660, 1020)), ((1, 1), (12, 25)),
    ),
    Country(
        "DE", "Europe/Berlin", "EUR", 0.33, ("Nord", "Sued", "West"),
        (*[(600, 1200)] * 6, None), ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)),
    ),
    Country(
        "GR", "Europe/Athens", "EUR", 0.25, ("Attica", "Macedonia"),
        ((540, 1020), (540, 1260), (540, 1020), (540, 1260), (540, 1260), (540, 1020), None),
        ((1, 1), (1, 6), (3, 25), (5, 1), (8, 15), (10, 28), (12, 25), (12, 26)),
    ),
)  # fmt: skip
SHORT_DAYS = ((12, 24), (12, 31))  # till two o'clock
LOCKDOWN_COUNTRY, LOCKDOWN_DAYS = "GR", 14


@dataclass(frozen=True)
class Branch:
    """One shop. `level`: visitors per open hour on a usual day; `peak`: minute of the day when most of them come."""

    number: int
    code: str
    country: Country
    region: str
    level: float
    peak: float
    buys: float
    average_cents: float
    opens_later: int
    basis: str


@dataclass(frozen=True)
class Counter:
    """One counter. `share`: its part of the branch's visitors; of an inner or outside counter its level beside them."""

    number: int
    device_id: str
    branch: int
    placement: str
    share: float


@dataclass(frozen=True)
class Chain:
    """All branches and counters over one window of days."""

    first: date
    days: int
    branches: tuple[Branch, ...]
    counters: tuple[Counter, ...]
    grids: dict[str, Grid]

    def grid(self, branch: int) -> Grid:
        """Return the slots of a branch's zone."""
        return self.grids[self.branches[branch].country.zone]

    def doors(self, branch: int) -> list[Counter]:
        """Return the entrance counters of a branch."""
        return [c for c in self.counters if c.branch == branch and c.placement == "entrance"]

    def day(self, index: int) -> date:
        """Return a business day by its index."""
        return self.first + timedelta(days=index)

    def hours_on(self, branch: Branch, day: date) -> Spans:
        """Return the opening spans of a branch on a date: a special day's, else the weekday's."""
        if (day.month, day.day) in branch.country.closed:
            return ()
        if (day.month, day.day) in SHORT_DAYS:
            return ((600, 840),)
        return weekday_hours(branch, day.isoweekday())

    def open_slots(self, branch: Branch) -> np.ndarray:
        """Tell per slot whether the branch is open by the clock on the wall."""
        grid = self.grid(branch.number)
        is_open = np.zeros(grid.size, dtype=bool)
        for index in range(grid.days):
            for opens, closes in self.hours_on(branch, self.day(index)):
                wall = grid.wall[grid.span(index)]
                is_open[grid.span(index)] |= (wall >= opens) & (wall < closes)
        return is_open

    def lockdown(self) -> range:
        """Return the days of the lockdown; none in a window too short to have history before it."""
        start = self.days * 11 // 20
        return range(start, start + LOCKDOWN_DAYS) if self.days >= 120 else range(0)


def weekday_hours(branch: Branch, weekday: int) -> Spans:
    """Return a branch's opening spans on an ISO weekday; some branches open half an hour later than their country."""
    span = branch.country.week[weekday - 1]
    return ((span[0] + branch.opens_later, span[1]),) if span else ()


def design_chain(seed: int, first: date, days: int, counters: int) -> Chain:
    """Draw up branches until they have so many counters."""
    rng = np.random.default_rng([seed, 1])
    grids = {country.zone: Grid(country.zone, first, days) for country in COUNTRIES}
    branches: list[Branch] = []
    hung: list[Counter] = []
    while len(hung) < counters:
        branch = _branch(len(branches), rng)
        branches.append(branch)
        hung += list(_hang(branch, len(hung), counters, rng))
    return Chain(first, days, tuple(branches), tuple(hung), grids)


def _branch(number: int, rng: np.random.Generator) -> Branch:
    parts = np.cumsum([country.part for country in COUNTRIES])
    country = COUNTRIES[number % 3] if number < 3 else COUNTRIES[int(np.searchsorted(parts, rng.random() * 0.999))]
    return Branch(
        number=number,
        code=f"{country.code}{number:03d}",
        country=country,
        region=country.regions[int(rng.integers(len(country.regions)))],
        level=float(np.clip(rng.lognormal(np.log(110), 0.45), 45, 400)),
        peak=float(rng.normal(14.5 * 60, 70)),
        buys=float(rng.uniform(0.15, 0.45)),
        average_cents=float(rng.uniform(1200, 6000)),
        opens_later=int(rng.choice([0, 0, 2 * GRAIN_MINUTES])),
        basis=str(rng.choice(["", "in", "out", "average"], p=[0.4, 0.4, 0.1, 0.1])),
    )


def _hang(branch: Branch, so_far: int, limit: int, rng: np.random.Generator) -> Iterator[Counter]:
    """Hang a branch's counters; with more doors a branch is busier, so that no door is a quiet one by design."""
    doors = int(rng.choice(np.arange(1, 7), p=DOORS)) if branch.number else 2
    shares = rng.dirichlet(np.full(doors, 6.0)) * (1 + 0.55 * (doors - 1))
    kinds = [("entrance", float(share)) for share in shares]
    kinds += [("outside", float(rng.uniform(1.5, 4)))] if rng.random() < 0.10 else []
    kinds += [("inner", float(rng.uniform(0.3, 0.8)))] if rng.random() < 0.10 else []
    for place, (kind, share) in enumerate(kinds[: limit - so_far]):
        number = so_far + place
        yield Counter(number, f"20{branch.number:06x}{number:08x}", branch.number, kind, share)
