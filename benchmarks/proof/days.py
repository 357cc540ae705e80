"""Counter-days by what was true of them: which fault falsified counts, and whether one did within the weeks before."""

from datetime import timedelta

import pyarrow as pa

from emulators.year.faults import KINDS
from emulators.year.year import Year

FALSIFIES = {kind.name for kind in KINDS if kind.falsifies}
ECHO_DAYS = 28  # so long a fault that is over stands in its counter's own history


def counter_days(year: Year) -> pa.Table:
    """Return (device_id, branch, date, fault, is_echo) of every open day of every entrance counter; '' is no fault."""
    faulty: dict[tuple[int, int], str] = {}
    echo: set[tuple[int, int]] = set()
    for fault in year.faults:
        if fault.kind not in FALSIFIES:
            continue
        for counter in (fault.counter, *([fault.other] if fault.other is not None else [])):
            day_of = year.chain.grid(year.chain.counters[counter].branch).day_of
            first, last = int(day_of[fault.first]), int(day_of[fault.stop - 1])
            faulty |= {(counter, day): fault.kind for day in range(first, last + 1)}
            echo |= {(counter, day) for day in range(last + 1, last + 1 + ECHO_DAYS)}
    columns: dict[str, list] = {"device_id": [], "branch": [], "date": [], "fault": [], "is_echo": []}
    for counter in year.chain.counters:
        if counter.placement != "entrance":
            continue
        branch = year.chain.branches[counter.branch]
        for day in range(year.chain.days):
            date = year.chain.first + timedelta(days=day)
            if not year.chain.hours_on(branch, date):
                continue
            key = (counter.number, day)
            columns["device_id"].append(counter.device_id)
            columns["branch"].append(branch.code)
            columns["date"].append(date)
            columns["fault"].append(faulty.get(key, ""))
            columns["is_echo"].append(key in echo and key not in faulty)
    return pa.table(columns)
