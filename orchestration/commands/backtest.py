"""`backtest`: how good the published estimates are, on counters that did count. Reads the published file only.

Each measured span of an entrance counter is treated as if it were lost. The estimate never looks at the counter's own
day, so what `fct_counter_traffic_hourly` publishes as expected is, digit for digit, what would have stood there had
the span been missing. Compared with two habits of the trade: the same hour a week ago, and the median of three weeks.
"""

from typing import Any

import duckdb
import typer

from orchestration.commands import published_view
from orchestration.commands.screen import err, out, print_json, print_table
from orchestration.settings import Settings
from orchestration.sources.contract import Window

SPANS = {"hour": "1 hour", "three_hours": "3 hours", "day": "whole day"}

_HOURS = """
    create or replace temp table hours as
    with measured as (
        select source, device_id, line_id, branch_code, business_date, hour_local, hour_start_at,
            open_entry_count as people, entry_count_expected as expected, expected_dispersion as dispersion,
            expected_day_deviation as day_deviation
        from marts.fct_counter_traffic_hourly
        where placement = 'entrance' and expected_minutes > 0 and usable_minutes = expected_minutes
            and open_entry_count is not null
    ),
    remembered as (
        select *, min(people) over one_week as week_ago, min(people) over two_weeks as two_weeks_ago,
            min(people) over three_weeks as three_weeks_ago
        from measured
        window
            one_week as (partition by source, device_id, line_id, branch_code order by hour_local
                range between interval 7 days preceding and interval 7 days preceding),
            two_weeks as (partition by source, device_id, line_id, branch_code order by hour_local
                range between interval 14 days preceding and interval 14 days preceding),
            three_weeks as (partition by source, device_id, line_id, branch_code order by hour_local
                range between interval 21 days preceding and interval 21 days preceding)
    )
    select *, list_median([week_ago, two_weeks_ago, three_weeks_ago]) as median, {
        'hour': hour_start_at,
        'three_hours': date_trunc('day', hour_local) + to_hours(hour(hour_local)::integer // 3 * 3),
        'day': date_trunc('day', hour_local)
    } as span
    from remembered
    where week_ago + two_weeks_ago + three_weeks_ago + expected is not null
        and ($first is null or business_date between $first and $last)
"""

_SCORES = """
    with spans as (
        select source, device_id, line_id, branch_code, span['{name}'] as span, sum(people) as people,
            sum(expected) as expected, sum(week_ago) as week_ago, sum(median) as median,
            1.645 * sqrt(sum(expected * dispersion) + sum(expected * day_deviation) ** 2) as margin
        from hours group by all
    )
    select count(*) as masks, sum(people)::bigint as people,
        round(sum(abs(people - expected)) / sum(people), 4) as error_ratio,
        round(sum(abs(people - week_ago)) / sum(people), 4) as error_ratio_week_ago,
        round(sum(abs(people - median)) / sum(people), 4) as error_ratio_median_of_three,
        round(1 - sum(abs(people - expected)) / sum(abs(people - week_ago)), 4) as better_than_week_ago,
        round(1 - sum(abs(people - expected)) / sum(abs(people - median)), 4) as better_than_median_of_three,
        round(avg((people between round(greatest(expected - margin, 0)) and round(expected + margin))::integer), 4)
            as interval_coverage,
        round(sum(expected - people) / sum(people), 4) as bias_ratio
    from spans
"""


def scores(connection: duckdb.DuckDBPyConnection, window: Window | None = None) -> dict[str, dict[str, Any]]:
    """Score masks of an hour, three hours and a day; each value as its column says, `masks` 0 where none is possible.

    `connection` has the published marts in schema `marts`. A ratio is of people; `error_ratio` is the sum of absolute
    errors over the sum of people.
    """
    bounds = {"first": window.first if window else None, "last": window.last if window else None}
    connection.execute(_HOURS, bounds)
    return {name: published_view.rows(connection, _SCORES.format(name=name))[0] for name in SPANS}


def show(settings: Settings, window: Window | None, *, as_json: bool) -> None:
    """Print the scores. Raises Exit(1) when nothing is published, or no counter has four weeks of one hour."""
    if not settings.published.exists():
        _end(f"nothing is published yet in {settings.home}: run `footfall publish`")
    with duckdb.connect(str(settings.published.resolve()), read_only=True) as connection:
        found = scores(connection, window)
    if not found["hour"]["masks"]:
        _end("no hour can be masked: a back-test needs counters with three earlier weeks of the same hour")
    if as_json:
        print_json({"masks": found})
        return
    columns = ("masked", "masks", "error", "a week ago", "median of 3", "better than week", "in 90 % interval", "bias")
    rows = [
        (
            SPANS[name],
            one["masks"],
            _percent(one["error_ratio"]),
            _percent(one["error_ratio_week_ago"]),
            _percent(one["error_ratio_median_of_three"]),
            _percent(one["better_than_week_ago"]),
            _percent(one["interval_coverage"]),
            _percent(one["bias_ratio"]),
        )
        for name, one in found.items()
    ]
    print_table("Masked entrances: estimate against what was counted", columns, rows, right=columns[1:])
    out().print(
        "error: absolute errors over people counted; rivals: the same hour a week ago, the median of three weeks",
        markup=False,
    )


def _percent(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1%}"


def _end(told: str) -> None:
    err().print(f"footfall: {told}", markup=False, soft_wrap=True)
    raise typer.Exit(1)
