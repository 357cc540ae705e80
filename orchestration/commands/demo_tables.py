"""How the demo is told: the shops, every fault and what the system said of it, equality, times, where to look next."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import duckdb
from rich.text import Text

from emulators.faults import Fault
from orchestration.commands.demo_compare import Verdict
from orchestration.commands.demo_story import Story
from orchestration.commands.homes import read_ledger
from orchestration.commands.ledger_view import ignored_names
from orchestration.commands.published_view import rows
from orchestration.commands.screen import marked, out, print_table, shown
from orchestration.settings import Settings

_DAYS = 3
_BRANCHES = """
    select t.business_date, t.branch_code, t.status, t.coverage_ratio, t.entry_count,
        c.transaction_count, c.conversion_ratio, c.flag
    from marts.fct_branch_traffic_daily as t
    left join marts.fct_branch_conversion_daily as c
        on t.branch_code = c.branch_code and t.business_date = c.business_date
    where t.business_date > (select max(business_date) from marts.fct_branch_traffic_daily) - ?
    order by t.business_date desc, t.branch_code
"""
_SAID_OF_FILE = """
    select status, count(*) as count from marts.fct_delivery
    where feed = ? and (file_name = ? or (? <> '' and status = 'missing' and device_id = ? and business_date = ?))
    group by status order by status
"""
_SAID_OF_ANSWER = """
    select status, count(*) as count from marts.fct_delivery
    where feed = ? and device_id = ? and business_date = ?
    group by status order by status
"""
_REJECTED = """
    select reason, count(*) as count from marts.fct_rejected_row
    where feed = ? and file_name = ? group by reason order by reason
"""
_STATES = """
    select state, sum(greatest(expected_minutes - received_minutes, 0))::integer as missing, count(*) as hours
    from marts.fct_counter_traffic_hourly
    where device_id = ? and business_date = ? and state not in ('received', 'closed', 'zero_sparse')
    group by state order by state
"""
_FLAG = """
    select flag from marts.fct_branch_conversion_daily
    where branch_code = ? and business_date = ? and flag <> ''
"""
_DELIVERED = "select count(*) as count from marts.fct_delivery where list_contains(?::varchar[], file_name)"
_HARMLESS = (
    "token_used_up",
    "frames_stand_still",
    "count_drift",
    "token_revoked",
    "continue_wait",
)  # no minute is lost
_JUNK = ("hostile_name", "temporary_upload")


def tell(settings: Settings, story: Story, connection: duckdb.DuckDBPyConnection) -> None:
    """Print the whole summary."""
    world = story.world
    console = out()
    shops = len(world.chain.branches)
    told = f"An emulated chain of {shops} shops, {world.first_day} to {world.last_day}, seed {world.seed}"
    console.print(told, style="bold", markup=False)
    _tell_branches(connection)
    _tell_faults(settings, story, connection)
    _tell_equality(story.verdicts)
    _tell_steps(story)
    _tell_where(settings, story)


def _tell_branches(connection: duckdb.DuckDBPyConnection) -> None:
    columns = ("day", "branch", "status", "coverage", "visitors", "trans.", "conversion", "flag")
    styles = {"complete": "green", "partial": "yellow", "unknown": "red"}
    cells = [
        (
            row["business_date"],
            row["branch_code"],
            Text(row["status"], style=styles.get(row["status"], "dim")),
            _share(row["coverage_ratio"]),
            row["entry_count"],
            row["transaction_count"],
            _share(row["conversion_ratio"]),
            row["flag"],
        )
        for row in rows(connection, _BRANCHES, [_DAYS])
    ]
    print_table(f"The last {_DAYS} days", columns, cells, right=columns[3:7])


def _share(ratio: float | None) -> str:
    return "" if ratio is None else f"{100 * ratio:.1f} %"


def _tell_faults(settings: Settings, story: Story, connection: duckdb.DuckDBPyConnection) -> None:
    """Say of every injected fault what the published marts say."""
    faults = story.world.faults
    cells = [
        (fault.kind, fault.branch_code, fault.business_date, Text(shown(_said(story, connection, fault), 500)))
        for fault in faults
        if fault.kind not in _JUNK
    ]
    ledger = read_ledger(settings)
    ignored = ignored_names(ledger) if ledger else set[str]()
    for kind in _JUNK:
        names = [fault.file_name for fault in faults if fault.kind == kind]
        delivered = rows(connection, _DELIVERED, [names])[0]["count"] if names else 0
        told = f"{delivered or 'no'} deliveries, {len(ignored.intersection(names))} names noted as ignored"
        cells += [(f"{kind} ({len(names)})", "", None, told)] if names else []
    columns = ("fault", "branch", "day", "what the system said")
    print_table(f"{len(faults)} faults were worked in", columns, cells)


def _said(story: Story, connection: duckdb.DuckDBPyConnection, fault: Fault) -> str:
    day, name, device = fault.business_date, fault.file_name, fault.device_id
    if not name:
        return _said_of_answer(story, connection, fault)
    found = rows(connection, _SAID_OF_FILE, [fault.feed, name, device, device, day])
    parts = [_delivered(found)]
    rejected = rows(connection, _REJECTED, [fault.feed, name])
    if rejected:
        parts.append("rejected " + ", ".join(f"{item['count']} {item['reason']}" for item in rejected))
    if device:
        parts += [_state(item) for item in rows(connection, _STATES, [device, day])]
    elif fault.branch_code and not rejected:
        parts += [item["flag"] for item in rows(connection, _FLAG, [fault.branch_code, day])]
    return "; ".join(part for part in parts if part)


def _said_of_answer(story: Story, connection: duckdb.DuckDBPyConnection, fault: Fault) -> str:
    """Say of an interface's fault how often asking failed, what came at last, and of lost minutes their states."""
    day, device = fault.business_date, fault.device_id
    reasons = Counter(f.reason for f in story.failures if (f.feed, f.device_id) == (fault.feed, device))
    parts = [f"{reason}, {count} times" if count > 1 else reason for reason, count in reasons.items()]
    parts.append(_delivered(rows(connection, _SAID_OF_ANSWER, [fault.feed, device, day])))
    if fault.kind not in _HARMLESS:
        parts += [_state(item) for item in rows(connection, _STATES, [device, day])]
    return "; ".join(parts)


def _delivered(found: list[dict[str, Any]]) -> str:
    if not found:
        return "no delivery"
    return "delivery " + " + ".join(
        item["status"] + (f" {item['count']} times" if item["count"] > 1 else "") for item in found
    )


def _state(item: dict[str, Any]) -> str:
    if item["state"] == "not_installed":
        return f"{item['hours']} hours not_installed"
    return f"{item['missing']} min {item['state']}" if item["missing"] else f"{item['hours']} hours {item['state']}"


def _tell_equality(verdicts: Sequence[Verdict]) -> None:
    console, verdict = out(), verdicts[-1]
    cells = [
        (mart.mart, mart.row_count, mart.truth_count, marked("fail" if mart.differences else "ok"))
        for mart in verdict.marts
    ]
    print_table("Published marts and the truth", ("mart", "rows", "true rows", "equal"), cells, ("rows", "true rows"))
    feeds = [
        (name, feed.row_count, feed.truth_count, marked("ok" if feed.is_equal else "fail"))
        for name, feed in verdict.feeds.items()
    ]
    print_table("", ("feed", "rows read", "rows sent", "equal"), feeds, ("rows read", "rows sent"))
    for wave, each in enumerate(verdicts, 1):
        for mart in each.marts:
            if mart.differences:
                told = f"after wave {wave} {mart.mart} differs in {len(mart.differences)} places:"
                console.print(told, style="bold red", markup=False)
                for line in mart.shown():
                    console.print(f"  {line}", markup=False, soft_wrap=True)
    if all(each.is_equal for each in verdicts):
        console.print("Everything equals the truth, after each wave of uploads.", style="bold green")


def _tell_steps(story: Story) -> None:
    cells = [(step.name, f"{step.seconds:.1f}") for step in story.steps]
    total = sum(step.seconds for step in story.steps)
    print_table("Time", ("step", "seconds"), [*cells, ("in all", f"{total:.1f}")], ("seconds",))


def _tell_where(settings: Settings, story: Story) -> None:
    console = out()
    lines = ["Where to look next"]
    if len(story.publications) > 1:
        changed = {mart: count for mart, count in story.publications[-1].revised.items() if count}
        told = ", ".join(f"{count} of {mart}" for mart, count in sorted(changed.items()))
        lines.append(f"  revised by the second wave: {told or 'nothing'}")
    home = shown(settings.home, 1000)
    query = "select * from marts.fct_branch_traffic_daily where status = 'partial'"
    lines += [
        f"  published file   {home}/published/footfall.duckdb",
        f'  query it         duckdb -readonly {home}/published/footfall.duckdb "{query}"',
        f"  daily view       footfall --home {home} status",
        f"  what came        {home}/vendors/served",
        f"  user interface   FOOTFALL_HOME={home} make ui",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
