"""False `complete`: branch hours and days that claim to be complete although an entrance was not sound meanwhile.

Not sound is an open slot without an accepted row, or one whose count is frozen or belongs to another time and differs
from what people did.
"""

from collections import Counter
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.proof.figures import Figure
from emulators.year.counting import FROZEN, SHIFTED
from emulators.year.grid import SLOTS_PER_HOUR, Step
from emulators.year.year import Year

LOST, IS_FROZEN, IS_SHIFTED = "lost", "frozen", "shifted in time"
EXAMPLES = 5


@dataclass
class Completeness:
    """Claims counted over all publications, and the false ones by what was wrong."""

    year: Year
    claimed: Counter[str] = field(default_factory=Counter)
    sound: Counter[str] = field(default_factory=Counter)
    false: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def look(self, step: Step, connection: duckdb.DuckDBPyConnection) -> None:
        """Compare one publication with what was true of it."""
        connection.register("unsound", unsound_hours(self.year, step))
        for grain, mart, key, counted in (
            ("hours", "fct_branch_traffic_hourly", "epoch(hour_start_at)::bigint = unsound.second", "hour_start_at"),
            ("days", "fct_branch_traffic_daily", "business_date = unsound.date", "business_date"),
        ):
            ((claimed,),) = connection.execute(
                f"select count(*) from marts.{mart} where status = 'complete'"
            ).fetchall()
            self.claimed[grain] += claimed
            false = connection.execute(
                f"""
                select branch_code, business_date, what, count(distinct {counted}), min(device_id)
                from marts.{mart} as mart inner join unsound on branch_code = unsound.branch and {key}
                where status = 'complete' group by all order by all
                """
            ).fetchall()
            for branch, day, what, count, device in false:
                self.false[grain, what] += count
                if len(self.examples) < EXAMPLES:
                    self.examples.append(f"{branch} {day} {what} ({grain}; {device}; said after {step.name})")
        connection.unregister("unsound")

    def figures(self) -> list[Figure]:
        """Return the two figures that must be zero."""
        found = []
        for grain, title in (("days", "false complete branch-days"), ("hours", "false complete branch-hours")):
            by_cause = {what: count for (of, what), count in sorted(self.false.items()) if of == grain}
            total = sum(by_cause.values())
            notes = [", ".join(f"{what} {count}" for what, count in by_cause.items())] if by_cause else []
            notes += [example for example in self.examples if f"({grain};" in example]
            shown = f"{total} of {self.claimed[grain]:,} claims"
            found.append(Figure(title, total, shown, "0", total == 0, notes))
        return found


def unsound_hours(year: Year, step: Step) -> pa.Table:
    """Return (branch, date, second, what, device_id): every hour of known days in which an entrance was not sound."""
    columns: dict[str, list] = {"branch": [], "date": [], "second": [], "what": [], "device_id": []}
    for counter in year.chain.counters:
        if counter.placement != "entrance":
            continue
        branch = year.chain.branches[counter.branch]
        grid = year.chain.grid(branch.number)
        known = np.arange(grid.size) < grid.span(0, year.known_days(step)).stop
        is_open = year.is_open[branch.number] & known
        received = year.received(counter.number, step)
        wrong = year.counted.wrong[counter.number]
        differs = (year.counted.entry[counter.number] != year.people.entry[counter.number]) | (
            year.counted.exit[counter.number] != year.people.exit[counter.number]
        )
        for what, slots in (
            (LOST, is_open & ~received),
            (IS_FROZEN, is_open & received & differs & (wrong & FROZEN > 0)),
            (IS_SHIFTED, is_open & received & differs & (wrong & SHIFTED > 0)),
        ):
            hours = np.unique(np.flatnonzero(slots) // SLOTS_PER_HOUR)
            columns["branch"] += [branch.code] * len(hours)
            columns["date"] += [year.chain.day(int(grid.day_of[hour * SLOTS_PER_HOUR])) for hour in hours]
            columns["second"] += (int(grid.clock.origin.timestamp()) + hours * 3600).tolist()
            columns["what"] += [what] * len(hours)
            columns["device_id"] += [counter.device_id] * len(hours)
    return pa.table(columns)
