"""What goes wrong with FootfallCam's daily files: one entry per kind of fault, and the few that need more than a day.

Wishes for branch, door and day are hints: the plan moves a fault to the next place that is free.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np

from emulators.chain import FOOTFALLCAM, Placement
from emulators.clock import Clock
from emulators.faults import FaultPlan, overcount
from emulators.shipments import DAILY, Shipment, due_at, ship
from emulators.traffic import Series

STRAY_SERIAL = "1000000000c0ffee"
Change = Callable[[Shipment], list[Shipment]]


def _again(shipment: Shipment, days: int, **details: object) -> Shipment:
    """Return a shipment as it is sent once more, in the second wave, so many days after it was due."""
    return replace(
        shipment, wave=2, modified_at=due_at(shipment.clock, shipment.last) + timedelta(days=days, hours=-3), **details
    )  # type: ignore[arg-type]


def _daily_faults() -> Iterator[tuple[str, tuple[int, int, int], Change, str]]:
    """Kind, wished (branch, door, day of 14), change, consequence: the faults of one counter's one day."""
    yield "device_offline", (0, 0, 1), lambda s: [s.without(847, 1001)], "14:07-16:41 device_offline, branch partial"
    yield "missing_file", (4, 1, 3), lambda s: [], "delivery missing, open minutes delivery_missing"
    yield (
        "late_file",
        (3, 0, 5),
        lambda s: [_again(s, 7)],
        "wave 1: missing; wave 2: delivery late, hours received_late",
    )
    yield "revised_file", (2, 1, 1), lambda s: [
        replace(s, entry=overcount(s.entry, 600, 690)),
        _again(s, 2),
    ], "first delivery revised, second late; the second's counts stand"  # fmt: skip
    yield "same_bytes_again", (0, 1, 3), lambda s: [s, _again(s, 3, is_copy=True)], "a duplicate delivery, no change"
    yield "torn_last_line", (2, 2, 2), lambda s: [s.damaged(1439)], "one row rejected, 23:59 delivery_rejected"
    yield (
        "repeated_minutes",
        (4, 0, 7),
        lambda s: [replace(s, steps_back_at=810)],
        "13:28 and 13:29 twice: the last wins",
    )
    yield "mixed_line_ends", (3, 1, 8), lambda s: [replace(s, has_mixed_ends=True)], "nothing"
    yield "blank_rows", (3, 0, 9), lambda s: [replace(s, blank_after=(0, 700, 701, 1439))], "nothing"
    yield "byte_order_mark", (0, 0, 8), lambda s: [replace(s, has_bom=True)], "nothing"
    yield "half_uploaded", (4, 0, 9), lambda s: [
        s.without(932, 1440).damaged(931),
        replace(s, wave=2, modified_at=s.modified_at + timedelta(minutes=15)),
    ], "wave 1: partial, rest of the day device_offline; wave 2: revised, then on time and complete"  # fmt: skip
    yield (
        "unreadable_file",
        (3, 1, 4),
        lambda s: [replace(s, content="html")],
        "delivery rejected, minutes delivery_rejected",
    )
    yield "unreadable_then_good", (2, 3, 8), lambda s: [
        replace(s, content="html"),
        _again(s, 1),
    ], "delivery rejected, then a late one; hours received_late"  # fmt: skip
    yield (
        "empty_file",
        (3, 1, 12),
        lambda s: [s.without(0, 1440)],
        "delivery partial with no rows, minutes delivery_missing",
    )


def inject_daily_faults(plan: FaultPlan) -> None:
    """Work every kind of fault into the daily files of a world, as far as it has room."""
    days = plan.shipments[0].clock.days if plan.shipments else 0
    _stick_at_zero(plan, days)
    _outages_over_midnight(plan, days)
    _time_that_never_was(plan)
    _stray_device(plan, days)
    for kind, (branch, door, index), change, leads_to in _daily_faults():
        if found := plan.pick(FOOTFALLCAM, branch, door, index * days // 14):
            place, day = found
            shipment = plan.at(place.key, day)
            plan.note(kind, place, shipment, day, leads_to)
            plan.change(shipment, *change(shipment))


def _stick_at_zero(plan: FaultPlan, days: int) -> None:
    """Cover a lens: a whole day of zeros beside living doors, after days that tell what is usual.

    Needs three earlier days of history, so it comes late in the window and only at a branch of several doors; all
    doors of that branch keep the day free of other faults.
    """
    index = days * 10 // 14
    several = [n for n, doors in enumerate(plan.doors(FOOTFALLCAM)) if len(doors) > 1]
    if index < 5 or not several:
        return
    crowd = max(several, key=lambda n: len(plan.doors(FOOTFALLCAM)[n]))
    found = plan.pick(FOOTFALLCAM, crowd, 1, index)
    if found and found[1] >= 4:
        place, day = found
        for neighbour in plan.chain.at(place.branch_code, "entrance"):
            plan.keep_free(neighbour.key, day)
        shipment = plan.at(place.key, day)
        plan.note(
            "stuck_at_zero", place, shipment, day, "its open hours stuck_zero, branch partial, an outage stuck_zero"
        )
        plan.change(shipment, shipment.zeroed())


def _outages_over_midnight(plan: FaultPlan, days: int) -> None:
    """Dead from one evening to the next day: once in open hours past midnight, once over a closed night."""
    for branch, door, index, first, last, text in (
        (1, 0, 4, 1400, 45, "23:20-00:45 device_offline: one outage of two business days"),
        (0, 1, 8, 1050, 620, "17:30-10:20: one outage, counted in open minutes only"),
    ):
        if found := plan.pick(FOOTFALLCAM, branch, door, index * days // 14, length=2):
            place, day = found
            evening, morning = plan.at(place.key, day), plan.at(place.key, day + 1)
            plan.note("outage_over_midnight", place, evening, day, text)
            plan.change(evening, evening.without(first, 1440))
            plan.change(morning, morning.without(0, last))


def _time_that_never_was(plan: FaultPlan) -> None:
    """On the day that skips an hour: a row in the skipped hour, in a file whose last row is torn."""
    for doors in sorted(plan.doors(FOOTFALLCAM), key=len):
        clock = plan.chain.clock_of(doors[0].key)
        for index in range(clock.days):
            ghost = clock.missing_wall_minute(index)
            if ghost is not None and not plan.is_taken(doors[0].key, index):
                shipment = plan.at(doors[0].key, index)
                plan.keep_free(doors[0].key, index)
                plan.note(
                    "nonexistent_local_time", doors[0], shipment, index, "two rows rejected, 23:59 delivery_rejected"
                )
                torn = shipment.damaged(clock.length(index) - 1)
                plan.change(shipment, replace(torn, ghost_wall_minute=ghost))
                return


def _stray_device(plan: FaultPlan, days: int) -> None:
    """Let a counter that nobody has entered yet send a file all the same."""
    home = plan.shipments[0]
    clock = Clock("UTC", home.clock.first, home.clock.days)
    stray = Placement(FOOTFALLCAM, STRAY_SERIAL, "", "", "entrance")
    series = Series(*(np.resize(values, clock.size) for values in (home.entry[540:780], home.exit[540:780])))
    index = days * 6 // 14
    name, sent_at = f"{STRAY_SERIAL}_{clock.day(index):%Y%m%d}.csv", due_at(clock, index) - timedelta(minutes=95)
    plan.shipments.append(ship(stray, series, clock, index, index, feed=DAILY, name=name, modified_at=sent_at))
    plan.note("device_without_placement", stray, plan.shipments[-1], index, "kept: not_installed, no branch, UTC hours")
