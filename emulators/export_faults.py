"""What goes wrong with Xovis web exports: overlap and correction, a torn row, rows left out.

The torn row repeats what a recording shows: one row loses its counts, one more follows, then the clock steps back
two minutes and both minutes come again.
"""

from dataclasses import replace
from datetime import timedelta

from emulators.chain import XOVIS, Placement
from emulators.faults import FaultPlan, overcount
from emulators.shipments import EXPORT, export_name, ship


def inject_export_faults(plan: FaultPlan) -> None:
    """Work the faults of exports into a world that has Xovis lines."""
    doors = [door for branch in plan.doors(XOVIS) for door in branch]
    if doors:
        _overlap(plan, doors[0])
    if len(doors) > 1:
        _wear(plan, doors[1])


def _overlap(plan: FaultPlan, door: Placement) -> None:
    """Export some days twice: the weekly files hold wrong minutes, a later file over whole days corrects them."""
    clock = plan.chain.clock_of(door.key)
    first, last = clock.days * 5 // 14, clock.days * 8 // 14
    for index in {first, last}:
        wrong = plan.at(door.key, index)
        noon = int(clock.starts[index] - clock.starts[wrong.first]) + 720
        plan.change(wrong, replace(wrong, entry=overcount(wrong.entry, noon - 60, noon + 25)))
    number = sum(shipment.key == door.key for shipment in plan.shipments)
    newer = ship(
        door, plan.traffic[door.key], clock, first, last,
        feed=EXPORT, name=export_name(door.key, number), wave=2,
        modified_at=clock.utc(clock.size) + timedelta(days=2, hours=9),
    )  # fmt: skip
    plan.shipments.append(newer)
    leads_to = f"{clock.day(first)} to {clock.day(last)}: the newer export's minutes stand"
    plan.note("overlapping_exports", door, newer, first, leads_to)


def _wear(plan: FaultPlan, door: Placement) -> None:
    """Tear a row as the clock steps back, and leave twenty minutes out on the next day."""
    clock = plan.chain.clock_of(door.key)
    torn_day, gap_day = clock.days * 2 // 14, clock.days * 3 // 14
    export = plan.at(door.key, torn_day)
    minute = int(clock.starts[torn_day] - clock.starts[export.first]) + 1114
    worn = replace(export, steps_back_at=minute, is_first_copy_torn=True)
    plan.note(
        "torn_row_repeated", door, export, torn_day, "one row rejected, no minute lost: 18:32 and 18:33 come again"
    )
    if plan.at(door.key, gap_day) is export and gap_day != torn_day:
        start = int(clock.starts[gap_day] - clock.starts[export.first]) + 665
        worn = worn.without(start, start + 20)
        plan.note("device_offline", door, export, gap_day, "11:05-11:25 device_offline, branch partial")
    plan.change(export, worn)
