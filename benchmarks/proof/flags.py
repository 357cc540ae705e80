"""Detection of counters that count wrongly, and false flags on those that count rightly.

A flag is a row of fct_counter_anomaly, or a suspect state of a counter's hour, on a counter-day. Healthy is a
counter-day on which no fault falsified its counts; days shortly after one, when it still stands in the counter's own
history, are healthy too and are also told apart.
"""

import duckdb
import pyarrow as pa

from benchmarks.proof.figures import Figure, percent, ratio
from emulators.year.year import Year

MAX_FALSE = 0.001
NAMED = {
    "stuck_zero": ["stuck_at_zero"],
    "stuck_value": ["stuck_at_value"],
    "clock_12_hours_off": ["clock_12_hours_off"],
    "clock_is_utc": ["clock_is_utc", "clock_shifted"],
    "swapped": ["swapped"],
    "level_low": ["level_shift"],
    "level_high": ["level_shift"],
    "imbalance": ["in_out_imbalance"],
    "out_of_hours": ["out_of_hours"],
    "clock_step_back": ["clock_step_back"],
}
STATES = {"stuck_zero": "stuck_at_zero", "stuck_value": "stuck_at_value", "clock_suspect": "clock"}


def flag_figures(year: Year, connection: duckdb.DuckDBPyConnection, days: pa.Table) -> list[Figure]:
    """Return the false flags of healthy counter-days, and per kind of fault what was found."""
    connection.register("counter_days", days)
    connection.execute(
        """
        create or replace temp table flags as
        select distinct device_id, business_date, kind from marts.fct_counter_anomaly where device_id is not null
        union
        select distinct device_id, business_date, state from marts.fct_counter_traffic_hourly
        where state in ('stuck_zero', 'stuck_value', 'clock_suspect')
        """
    )
    ((healthy, flagged, echo, flagged_echo),) = connection.execute(
        """
        with flagged_days as (select distinct device_id, business_date from flags)
        select count(*), count(flagged_days.device_id), count_if(is_echo),
            count_if(is_echo and flagged_days.device_id is not null)
        from counter_days left join flagged_days
            on counter_days.device_id = flagged_days.device_id and counter_days.date = flagged_days.business_date
        where fault = ''
        """
    ).fetchall()
    kinds = connection.execute(
        """
        select kind, count(*), count_if(is_echo), min(counter_days.device_id || ' ' || counter_days.date)
        from counter_days inner join flags
            on counter_days.device_id = flags.device_id and counter_days.date = flags.business_date
        where fault = '' group by kind order by kind
        """
    ).fetchall()
    notes = [
        f"{kind}: {count}, {late} of them within 28 days of a fault; one: {one}" for kind, count, late, one in kinds
    ]
    share = ratio(flagged, healthy)
    first = Figure(
        "false flags of healthy counter-days", share, f"{percent(flagged, healthy, 3)} ({flagged} of {healthy:,})",
        "< 0.1 %", share is not None and share < MAX_FALSE, notes,
    )  # fmt: skip
    rest = flagged - flagged_echo
    apart = Figure("… without the 28 days after a fault", ratio(rest, healthy - echo), percent(rest, healthy - echo, 3))
    return [first, apart, *_detection(year, connection)]


def _detection(year: Year, connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    flags: dict[str, dict[object, set[str]]] = {}
    for device, day, kind in connection.execute("select device_id, business_date, kind from flags").fetchall():
        flags.setdefault(device, {}).setdefault(day, set()).add(kind)
    found = []
    for kind, names in NAMED.items():
        faults = [fault for fault in year.faults if fault.kind == kind]
        seen = named = flagged_days = days = 0
        missed = []
        for fault in faults:
            counter = year.chain.counters[fault.counter]
            grid = year.chain.grid(counter.branch)
            span = range(int(grid.day_of[fault.first]), int(grid.day_of[fault.stop - 1]) + 1)
            branch = year.chain.branches[counter.branch]
            dates = [year.chain.day(day) for day in span if year.chain.hours_on(branch, year.chain.day(day))]
            of_days = [flags.get(counter.device_id, {}).get(date, set()) for date in dates]
            seen += any(of_days)
            named += any(set(names) & of_day for of_day in of_days)
            days, flagged_days = days + len(dates), flagged_days + sum(bool(of_day) for of_day in of_days)
            if not any(of_days):
                missed.append(f"missed: {counter.device_id} {dates[0] if dates else ''} of {branch.code}")
        shown = f"{percent(seen, len(faults), 0)} of {len(faults)} found, {percent(named, len(faults), 0)} by name, "
        shown += f"{percent(flagged_days, days, 0)} of {days} days"
        found.append(Figure(f"found: {kind}", ratio(seen, len(faults)), shown, notes=missed[:2]))
    return found
