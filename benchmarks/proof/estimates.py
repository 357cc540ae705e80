"""Estimates against what really happened, beside last week's same hour and the median of three weeks.

Every sound counter-hour is a test: the expectation never uses the counter's own counts of the day. Branch-days that
really miss data are compared with the people of the year.
"""

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.proof.figures import Figure, percent, ratio
from emulators.year.counting import MISTAKEN
from emulators.year.year import Year

MIN_GAIN, COVERAGE = 0.30, (0.88, 0.92)
ENOUGH = 400  # of fewer, a true 90 % is too often seen outside 88-92 % to be judged


def estimate_figures(year: Year, connection: duckdb.DuckDBPyConnection, days: pa.Table) -> list[Figure]:
    """Return error and interval coverage of masked counters, by hour and day, and of branch-days with lost data."""
    connection.register("counter_days", days)
    connection.execute(
        """
        create or replace temp table tested as
        with hours as (
            select device_id, hour_local, business_date, open_entry_count as counted, entry_count_expected as expected,
                entry_count_expected_low as low, entry_count_expected_high as high
            from marts.fct_counter_traffic_hourly
            where placement = 'entrance' and expected_minutes = 60 and state in ('received', 'received_late')
        ),
        remembered as (
            select *, min(counted) over one_week as last_week, min(counted) over two_weeks as before,
                min(counted) over three_weeks as earliest
            from hours
            window
                one_week as (partition by device_id order by hour_local
                    range between interval 7 days preceding and interval 7 days preceding),
                two_weeks as (partition by device_id order by hour_local
                    range between interval 14 days preceding and interval 14 days preceding),
                three_weeks as (partition by device_id order by hour_local
                    range between interval 21 days preceding and interval 21 days preceding)
        )
        select remembered.*, list_median([last_week, before, earliest]) as median_of_weeks
        from remembered
        inner join counter_days
            on remembered.device_id = counter_days.device_id and business_date = counter_days.date and fault = ''
        where expected is not null and last_week + before + earliest is not null
        """
    )
    by_day = """(select device_id, business_date, sum(counted) as counted, sum(expected) as expected,
        sum(last_week) as last_week, sum(median_of_weeks) as median_of_weeks from tested group by all)"""
    return [
        *_errors(connection, "tested", "counter-hours"),
        *_errors(connection, by_day, "counter-days"),
        _hour_coverage(connection),
        *_lost(year, connection),
    ]


def _errors(connection: duckdb.DuckDBPyConnection, rows: str, grain: str) -> list[Figure]:
    ((count, counted, ours, last_week, median, bias),) = connection.execute(
        f"""
        select count(*), sum(counted), sum(abs(expected - counted)), sum(abs(last_week - counted)),
            sum(abs(median_of_weeks - counted)), sum(expected - counted) from {rows}
        """
    ).fetchall()
    if not count:
        return [Figure(f"estimate error by {grain}", None, "nothing to compare", "30 % below last week's", False)]
    gain = 1 - ours / last_week
    shown = (
        f"{percent(gain, 1, 1)} below last week's, {percent(1 - ours / median, 1, 1)} below the median of three weeks"
    )
    note = f"{count:,} {grain}; error as a share of visitors: estimate {percent(ours, counted, 1)}, "
    note += f"last week {percent(last_week, counted, 1)}, median {percent(median, counted, 1)}; "
    note += f"bias {percent(bias, counted, 2)}"
    return [Figure(f"estimate error by {grain}", gain, shown, ">= 30 % below", gain >= MIN_GAIN, [note])]


def _hour_coverage(connection: duckdb.DuckDBPyConnection) -> Figure:
    ((count, within, below, above),) = connection.execute(
        """
        select count(*), count_if(counted between low and high), count_if(counted < low), count_if(counted > high)
        from tested where low is not null and high is not null
        """
    ).fetchall()
    return _covered("90 % interval covers counter-hours", count, within, below, above)


def _covered(name: str, count: int, within: int, below: int, above: int) -> Figure:
    share = ratio(within, count)
    holds = COVERAGE[0] <= share <= COVERAGE[1] if share is not None and count >= ENOUGH else None
    notes = [f"{percent(below, count, 1)} below, {percent(above, count, 1)} above"]
    notes += [] if count >= ENOUGH else [f"not judged: fewer than {ENOUGH}"]
    return Figure(name, share, f"{percent(within, count, 1)} of {count:,}", "88-92 %", holds, notes)


def _lost(year: Year, connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    """Compare branch-days with lost data to the people who really came in."""
    connection.register("came", people_of_branch_days(year))
    ((days, estimated, within, below, above, error, lost, bias),) = connection.execute(
        """
        with compared as (
            select came.people, entry_count_low as low, entry_count_high as high, entry_count_estimated as estimated,
                greatest(came.people - coalesce(entry_count, 0), 0) as lost
            from marts.fct_branch_traffic_daily as mart
            inner join came on mart.branch_code = came.branch and mart.business_date = came.date
            where status in ('partial', 'unknown') and not is_mistaken
        )
        select count(*), count(estimated), count_if(people between low and high), count_if(people < low),
            count_if(people > high), sum(abs(estimated - lost)), sum(lost) filter (where estimated is not null),
            sum(estimated - lost)
        from compared
        """
    ).fetchall()
    notes = [f"{percent(estimated, days, 1)} of {days:,} branch-days with lost data have an estimate"]
    if lost:
        notes.append(f"error of what was lost: {percent(error, lost, 1)}, bias {percent(bias, lost, 1)}")
    covered = _covered("90 % interval covers branch-days with lost data", within + below + above, within, below, above)
    return [Figure(covered.name, covered.value, covered.shown, covered.bound, covered.holds, [*covered.notes, *notes])]


def people_of_branch_days(year: Year) -> pa.Table:
    """Return (branch, date, people, is_mistaken): who came in during open hours, and whether a door counted wrongly."""
    columns: dict[str, list] = {"branch": [], "date": [], "people": [], "is_mistaken": []}
    for branch in year.chain.branches:
        grid, doors = year.chain.grid(branch.number), year.chain.doors(branch.number)
        came = sum(year.people.entry[door.number] for door in doors) * year.is_open[branch.number]
        mistaken = np.any([year.counted.wrong[door.number] & MISTAKEN for door in doors], axis=0)
        columns["branch"] += [branch.code] * year.chain.days
        columns["date"] += [year.chain.day(index) for index in range(year.chain.days)]
        columns["people"] += np.add.reduceat(came, grid.starts[:-1]).tolist()
        columns["is_mistaken"] += (np.add.reduceat(mistaken.astype(np.int64), grid.starts[:-1]) > 0).tolist()
    return pa.table(columns)
