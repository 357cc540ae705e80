"""A chain with one shop per reason why two figures of a day differ: overlapping feeds, vendors' reports, tills.

Each shop's truth is the same kind of day; what a second feed, a report or a second till makes of it is said beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.sources.footfallcam.layouts import CUBE
from tests.dbt.small_home import SENTINEL, Delivery, Feed, SmallHome, at, invoke, utc

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)
OPEN = range(9, 19)
QUARTERS = (0, 15, 30, 45)
Day = dict[datetime, int]


def people(name: str, scale: int = 30, hours: range = OPEN) -> Day:
    """A door's day by quarter hours: busy after noon, and by chance."""
    chance = Random(name)
    return {
        at(MONDAY, f"{hour:02}:{minute:02}"): round(scale * (1 + (hour in (12, 13, 17))) * chance.uniform(0.5, 1.5))
        for hour in hours
        for minute in QUARTERS
    }


def night(name: str) -> Day:
    """Cleaners and guards: from six in the morning and until ten in the evening."""
    return people(name, 3, range(6, 9)) | people(name, 3, range(19, 22))


def hourly(day: Day, ratio: float = 1) -> Day:
    found: Day = {}
    for moment, count in day.items():
        start = moment.replace(minute=0)
        found[start] = found.get(start, 0) + count
    return {moment: round(count * ratio) for moment, count in found.items()}


def shifted(day: Day, hours: int) -> Day:
    """The same day by a clock that is ahead; it stays in its day, as a 12-hour clock does."""
    return {moment.replace(hour=(moment.hour + hours) % 24): count for moment, count in day.items()}


def added(*days: Day) -> Day:
    return {moment: sum(day.get(moment, 0) for day in days) for moment in sorted({at for day in days for at in day})}


def without(day: Day, first: int, last: int) -> Day:
    return {moment: count for moment, count in day.items() if not first <= moment.hour < last}


@dataclass
class Chain(SmallHome):
    """A small home whose deliveries may name staff, and with reports of the vendor's account."""

    staff: dict[str, Day] = field(default_factory=dict)
    reports: list[dict[str, Any]] = field(default_factory=list)

    def shop(self, code: str, *doors: str, source: str = "files", placement: str = "entrance") -> None:
        if all(row["branch_code"] != code for row in self.reference["branches"]):
            self.branch(code)
            self.opens(code, "09:00", "19:00")
        for door in doors:
            self.counter(source, door, code, placement)

    def count(self, feed: str, door: str, day: Day, staff: Day | None = None) -> None:
        item = self.deliver(Delivery(feed, MONDAY, door, [(at, count, 0) for at, count in sorted(day.items())]))
        if staff:
            self.staff[item.delivery_id] = staff

    def report(self, site: str, day: Day, minutes: int = 60, delivered_at: datetime | None = None) -> None:
        self.reports += [
            {
                "device_id": "",
                "cube": "ffc_site_summary",
                "SiteId": f"9{site}",
                "SiteCode": site,
                "SiteName": site,
                "Time": str(moment),
                "value_in": count,
                "value_out": 0,
                "members": "{}",
                "interval_minutes": minutes,
                "interval_start_local": moment,
                "timezone": "",
                "is_dense": True,
                "_source": "footfallcam",
                "_feed": "footfallcam_cube",
                "_business_date": moment.date(),
                "_delivery_id": f"cube-{delivered_at or ''}",
                "_row_number": number,
                "_received_at": utc(TUESDAY, "04:00"),
                "_delivered_at": delivered_at or utc(TUESDAY, "04:00"),
                "_effective_at": delivered_at or utc(TUESDAY, "04:00"),
            }
            for number, (moment, count) in enumerate(sorted(day.items()), len(self.reports) + 1)
        ]

    def take(self, feed: str, code: str, day: Day, price: str = "10.00") -> None:
        rows = [(code, at, count, f"{count * float(price):.2f}") for at, count in sorted(day.items())]
        self.sell(Delivery(feed, MONDAY, name=f"{feed}-{code}"), rows)

    def _count(self, item: Delivery, number: int, start: datetime, entries: int, exits: int) -> dict[str, Any]:
        row = super()._count(item, number, start, entries, exits)
        return row | {"staff_count": self.staff.get(item.delivery_id, {}).get(start)}

    def _write_raw(self) -> None:
        super()._write_raw()
        for day, rows in ((SENTINEL, []), (MONDAY, self.reports)):
            folder = self.path / "raw" / "footfallcam" / "footfallcam_cube" / f"business_date={day}"
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows, schema=CUBE), folder / "footfallcam_cube.parquet")


SIZES = {"": 1.0, "-quiet": 0.2, "-busy": 3.0}
"""Marks of shops: how many people come there beside the usual 30 in a quarter of an hour."""


def crowds(size: str) -> Callable[..., Day]:
    """Return `people` as they are at a size, with another chance."""
    return lambda name, scale=30: people(f"{name}{size}", max(1, round(scale * SIZES[size])))


def overlaps(home: Chain, size: str) -> None:
    """Two feeds of one door: the nightly file by hours (preferred), and live quarters that differ for one reason."""
    chance = Random(size)
    crowd = crowds(size)
    cases: dict[str, Callable[[Day, Day], tuple[Day, Day]]] = {
        "SAME": lambda day, out: (hourly(added(day, out)), added(day, out)),
        "GAP": lambda day, out: (hourly(day), without(day, 13, 15)),
        "NIGHT": lambda day, out: (hourly(day), added(day, out)),
        "ZEROS": lambda day, out: (hourly(added(day, dict.fromkeys(out, 0))), added(day, out)),
        "RATIO": lambda day, out: (hourly(day), {at: round(count * 0.9) for at, count in day.items()}),
        "AHEAD": lambda day, out: (hourly(day), shifted(day, 2)),
        "NOON": lambda day, out: (hourly(added(day, out)), shifted(added(day, out), 12)),
        "MIXED": lambda day, out: (hourly(without(day, 13, 14)), day),
        "LOST": lambda day, out: (
            hourly(day),
            {at: count if chance.random() > 0.2 else count // 3 for at, count in day.items()},
        ),
    }
    for code, made in cases.items():
        door = f"O-{code.lower()}{size}"
        home.shop(f"O-{code}{size}", door)
        nightly, live = made(crowd(door), night(door))
        home.count("nightly", door, nightly)
        home.count("live", door, live)
    door, staff = f"O-staff{size}", crowd("staff", 4)
    home.shop(f"O-STAFF{size}", door)
    home.count("nightly", door, hourly(crowd(door)), hourly(staff))
    home.count("live", door, added(crowd(door), staff))
    door = f"O-day{size}"
    home.shop(f"O-DAY{size}", door)
    home.count("nightly", door, hourly(crowd(door)))
    home.count("daily", door, {at(MONDAY): sum(crowd(door).values()) * 9 // 10})
    sides = f"O-left{size}", f"O-right{size}"
    home.shop(f"O-DOORS{size}", *sides)
    for door, factor in zip(sides, (1.2, 0.8), strict=True):
        home.count("nightly", door, hourly(crowd("O-doors")))
        home.count("live", door, {moment: round(count * factor) for moment, count in crowd("O-doors").items()})


def reports(home: Chain, size: str) -> None:
    """Shops of two doors, their vendor's own figure, and one reason why it is another."""
    chance = Random(size)
    crowd = crowds(size)
    staff = hourly(crowd("staff of shops", 4))

    def doors(code: str) -> Day:
        found = [crowd(f"{code}-{side}", scale) for side, scale in (("east", 40), ("west", 15))]
        return hourly(added(*found))

    cases: dict[str, Callable[[Day], Day]] = {
        "SAME": lambda day: day,
        "STAFF": lambda day: {at: count - staff[at] for at, count in day.items()},
        "EARLY": lambda day: without(day, 18, 19),
        "NIGHT": lambda day: day | hourly(night("R-night")),
        "INNER": lambda day: added(day, hourly(crowd("lift", 8))),
        "SIDE": lambda day: added(day, {at: -count for at, count in hourly(crowd(f"R-SIDE{size}-west", 15)).items()}),
        "RATIO": lambda day: {at: round(count * 1.08) for at, count in day.items()},
        "BOTH": lambda day: {at: round((count - staff[at]) * 0.9) for at, count in day.items()},
        "CLOCK": lambda day: shifted(day, 3),
        "HOLE": lambda day: without(day, 14, 15),
        "PATCH": lambda day: day,
        "NOISE": lambda day: {at: count + round(count * chance.uniform(-0.4, 0.1)) for at, count in day.items()},
        "GONE": lambda day: added(day, hourly(crowd("old", 8))),
    }
    for name, said in cases.items():
        code = f"R-{name}{size}"
        sides = [f"{code}-east", f"{code}-west"]
        home.shop(code, *sides, source="footfallcam")
        for side, scale in zip(sides, (40, 15), strict=True):
            day = hourly(crowd(side, scale)) | hourly(dict.fromkeys(night(side), 0))
            told = staff if side.endswith("east") and name in ("STAFF", "BOTH") else None
            if name == "PATCH" and side.endswith("west"):
                day = without(day, 11, 13)
            home.count("counters", side, day, told)
        home.report(code, said(doors(code)))
    inner, gone, day = f"R-INNER{size}", f"R-GONE{size}", f"R-DAY{size}"
    home.shop(inner, f"{inner}-lift", f"{inner}-till", source="footfallcam", placement="inner")
    home.count("counters", f"{inner}-lift", hourly(crowd("lift", 8)))
    home.count("counters", f"{inner}-till", hourly(crowd("till", 8)))
    home.counter("footfallcam", f"{gone}-old", gone, valid_to="2026-01-01")
    home.count("counters", f"{gone}-old", hourly(crowd("old", 8)))
    home.shop(day, f"{day}-east", source="footfallcam")
    home.count("counters", f"{day}-east", hourly(crowd("east")))
    home.report(day, {at(MONDAY): sum(crowd("east").values())}, minutes=1440)


def sales(home: Chain) -> None:
    """Two tills' files of one shop; and one shop whose tills ring where nobody was counted."""
    for code in ("S-SAME", "S-TAX", "S-CLOCK", "S-MORE"):
        home.shop(code, f"{code}-door")
        home.count("nightly", f"{code}-door", hourly(people(code, 60)))
        home.take("erp", code, hourly(people(code, 5)))
    home.take("tills", "S-SAME", hourly(people("S-SAME", 5)))
    home.take("tills", "S-TAX", hourly(people("S-TAX", 5)), "12.40")
    home.take("tills", "S-CLOCK", shifted(hourly(people("S-CLOCK", 5)), -2))
    home.take("tills", "S-MORE", added(hourly(people("S-MORE", 5)), {at(MONDAY, "12:00"): 7}))
    home.shop("S-DEAD", "S-DEAD-door")
    home.count("nightly", "S-DEAD-door", without(hourly(people("S-DEAD", 60)), 13, 19))
    home.take("erp", "S-DEAD", hourly(people("S-DEAD", 5)) | {at(MONDAY, "22:00"): 3})


def build(home: Chain, *, full_refresh: bool = False) -> None:
    models = ["--select", "+fct_reconciliation", "+fct_branch_traffic_daily", "--exclude", "resource_type:unit_test"]
    invoke(home.path, ["build", *models, "--indirect-selection", "buildable"], full_refresh=full_refresh)


def chain(path: Path) -> Chain:
    """Lay the chain out and build what its comparison needs."""
    home = Chain(path)
    home.feed(Feed("nightly", "files", grain_minutes=60, precedence=10))
    home.feed(Feed("live", "files", grain_minutes=15, precedence=20))
    home.feed(Feed("daily", "files", grain_minutes=1440, precedence=30))
    home.feed(Feed("counters", "footfallcam", grain_minutes=60))
    home.feed(Feed("erp", "tills", kind="sales"))
    home.feed(Feed("tills", "tills", kind="sales"))
    for size in SIZES:
        overlaps(home, size)
        reports(home, size)
    sales(home)
    home.write()
    build(home)
    return home
