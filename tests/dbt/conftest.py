"""One story, told once per session: a home that grows day by day, is corrected, and is then rebuilt from nothing.

All tests of behaviour look at the marts it ends with; the snapshots along the way are in `Story`.
"""

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

import pytest

from tests.dbt.small_home import Delivery, Feed, SmallHome, at, utc

MONDAY = date(2026, 3, 23)
"""The week in which London's clock goes forward: Sunday 29 March has 23 hours."""

SPRING = MONDAY + timedelta(days=6)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


@dataclass
class Story:
    """What the tests look at: the finished home, and what its tables held along the way."""

    home: SmallHome
    grown: dict[str, Any] = field(default_factory=dict)
    rebuilt: dict[str, Any] = field(default_factory=dict)
    day_three_before: list[Any] = field(default_factory=list)
    others_before: list[Any] = field(default_factory=list)
    others_after: list[Any] = field(default_factory=list)
    retracted_before: list[Any] = field(default_factory=list)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.home.rows(query)

    def one(self, query: str) -> tuple[Any, ...]:
        (row,) = self.home.rows(query)
        return row


def reference(home: SmallHome) -> None:
    """SHOP is open 9 to 18 with two doors and a passage; KIOSK never closes; FLAT has a sparse and a daily counter."""
    home.feed(
        Feed(
            "minutes",
            "files",
            grain_minutes=1,
            is_per_device_day=True,
            due_time=time(6),
            due_days_after=1,
            overlap="device_day",
        )
    )
    home.feed(Feed("quarters", "other", grain_minutes=15, is_dense=False))
    home.feed(Feed("days", "slow", grain_minutes=1440))
    home.feed(Feed("hours", "keeper", grain_minutes=60, nonexistent_local_time="keep"))
    home.feed(Feed("sales", "tills", kind="sales"))
    for code, zone, basis in (
        ("SHOP", "Europe/London", ""),
        ("KIOSK", "Europe/Athens", "average"),
        ("FLAT", "Europe/London", ""),
    ):
        home.branch(code, zone, visitor_basis=basis)
    home.opens("SHOP", "09:00", "18:00")
    home.opens("FLAT", "10:00", "12:00")
    home.special("*", day(4))
    for device in ("east", "west"):
        home.counter("files", device, "SHOP")
    home.counter("files", "passage", "SHOP", "outside")
    home.counter("files", "kiosk", "KIOSK")
    home.counter("other", "sparse", "FLAT")
    home.counter("slow", "daily", "FLAT")
    home.counter("keeper", "keeper", "FLAT", "inner")


def minutes(start: date, gaps: tuple[tuple[str, str], ...] = ()) -> list[tuple[Any, int, int]]:
    """Return a day's minutes with one person in from 9 to 18, without those in `gaps` (ends included)."""
    rows = []
    for minute in range(1440):
        clock = f"{minute // 60:02}:{minute % 60:02}"
        if not any(first <= clock <= last for first, last in gaps):
            rows.append((at(start, clock), int(540 <= minute < 1080), 0))
    return rows


def first_days(home: SmallHome) -> None:
    """Days 0 to 3, from Monday to Thursday."""
    for number in range(4):
        for device in ("east", "west", "passage", "kiosk"):
            gaps: tuple[tuple[str, str], ...] = ()
            if (number, device) == (0, "east"):
                gaps = (("17:30", "23:59"),)
            elif (number, device) == (1, "east"):
                gaps = (("00:00", "09:59"),)
            elif (number, device) == (2, "east"):
                gaps = (("17:00", "23:59"),)
            elif (number, device) == (3, "east"):
                gaps = (("00:00", "03:29"), ("03:31", "09:19"))
            elif (number, device) == (1, "kiosk"):
                gaps = (("22:17", "23:59"),)
            elif (number, device) == (2, "kiosk"):
                gaps = (("00:00", "05:02"),)
            if (number, device) in ((1, "west"), (2, "west")):
                continue  # never delivered on Tuesday; Wednesday's comes late
            home.deliver(Delivery("minutes", day(number), device, minutes(day(number), gaps)))
        home.asked["minutes", day(number)] = utc(day(number), "08:00", days=1)
        home.deliver(Delivery("days", day(number), "daily", [(at(day(number)), 500 + number, 400)]))
        quarters = [(at(day(number), "10:15"), 3, 0), (at(day(number), "20:00"), 1, 0)]
        home.deliver(Delivery("quarters", day(number), "sparse", quarters))
    home.sell(
        Delivery("sales", day(0), name="sales-0"),
        [
            ("SHOP", at(day(0), "10:05"), 6, "60.00"),
            ("SHOP", at(day(0), "17:45"), 4, "40.50"),
            ("NOWHERE", at(day(0), "10:05"), 1, "1.00"),
        ],
    )
    home.sell(Delivery("sales", day(1), name="sales-1"), [("SHOP", at(day(1), "10:05"), 9, "90.00")])


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    path = tmp_path_factory.mktemp("dbt") / "the shop's home"
    path.mkdir()
    home = SmallHome(path)
    told = Story(home)
    reference(home)
    first_days(home)
    wrong = home.deliver(Delivery("hours", day(1), "keeper", [(at(day(1), "10:00"), 99, 0)], name="retracted"))
    home.write()
    home.run()
    per_day = "select * from marts.fct_branch_traffic_daily where business_date {} order by all"
    told.day_three_before = home.rows(per_day.format(f"= '{day(2)}'"))
    told.others_before = home.rows(per_day.format(f"<> '{day(2)}'"))
    told.retracted_before = home.rows(
        "select entry_count from marts.fct_counter_traffic_hourly where device_id = 'keeper' and entry_count > 0"
    )

    # A file a day and a half late, while an old day's file is garbage that must not be opened.
    late = Delivery("minutes", day(2), "west", minutes(day(2)), delivered_at=utc(day(2), "18:00", days=2))
    home.deliver(late)
    home.write(touched=[day(2)])
    spoilt = path / "raw" / "files" / "minutes" / f"business_date={day(0)}" / "counts.parquet"
    spoilt.write_bytes(b"not a Parquet file")
    home.run()
    told.others_after = home.rows(per_day.format(f"<> '{day(2)}'"))

    # The holiday with everything that can go wrong in a delivery, a retraction, and a revision of sales.
    home.deliveries.remove(wrong)
    torn = [row for row in minutes(day(4)) if row[0] != at(day(4), "10:02")]
    home.deliver(Delivery("minutes", day(4), "east", torn, rejected=[(604, at(day(4), "10:02"))]))
    home.deliver(Delivery("minutes", day(4), "west", state="unreadable", reason="html"))
    home.deliver(Delivery("minutes", day(4), "stranger", [(at(day(4), "10:00"), 5, 5)]))
    home.sell(
        Delivery("sales", day(0), name="sales-0b", delivered_at=utc(day(3))),
        [("SHOP", at(day(0), "10:20"), 7, "70.00")],
    )
    home.sell(Delivery("sales", day(4), name="sales-4"), [("SHOP", at(day(4), "11:00"), 2, "20.00")])
    home.write(touched=[day(0), day(1), day(4)])
    home.run()

    # An ordinary Saturday with a torn row and an unreadable file, and the Sunday of the clock change.
    torn = [row for row in minutes(day(5)) if row[0] != at(day(5), "10:02")]
    torn += torn[-2:]  # the sensor's clock steps back two minutes
    home.deliver(Delivery("minutes", day(5), "east", torn, rejected=[(604, at(day(5), "10:02"))]))
    home.deliver(Delivery("minutes", day(5), "west", state="unreadable", reason="html"))
    home.asked["minutes", day(5)] = utc(day(5), "08:00", days=1)
    for device in ("east", "west", "kiosk"):
        home.deliver(Delivery("minutes", SPRING, device, minutes(SPRING)))
    home.deliver(Delivery("hours", SPRING, "keeper", [(at(SPRING, f"{hour:02}:00"), 1, 0) for hour in range(24)]))
    home.write(touched=[day(5), SPRING])
    home.build()
    told.grown = home.contents()

    home.write()
    home.build(full_refresh=True)
    told.rebuilt = home.contents()
    return told
