"""What came of some runs: tables or JSON, the failures grouped by reason, and the exit code."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from orchestration.commands.homes import read_ledger
from orchestration.commands.ledger_view import Unread, unread_deliveries
from orchestration.commands.screen import days_text, out, print_json, print_table, shown
from orchestration.home import Ingested
from orchestration.settings import Settings
from orchestration.sources.contract import Failure

if TYPE_CHECKING:
    from orchestration.runs import RunReport  # loading Dagster is for those who start runs

PASSING = frozenset({"still_uploading", "vanished"})
"""Not yet whole, or gone again: the next fetch sees to them."""


def is_failure(failure: Failure) -> bool:
    """Tell whether a person should hear of it by the exit code; the others are notes."""
    return failure.reason not in PASSING and not failure.reason.startswith("ignored_")


def finish(settings: Settings, reports: Sequence["RunReport"], seconds: float, *, as_json: bool) -> None:
    """Print what came of the runs. Raises Exit(1) where something failed."""
    ingested = [item for report in reports for item in report.ingested]
    unread = _unread(settings, ingested)
    failed = [report for report in reports if not report.success]
    is_done = not failed and not unread and not any(is_failure(f) for item in ingested for f in item.failures)
    if as_json:
        print_json({"is_done": is_done, "seconds": round(seconds, 3), **_as_json(reports, unread)})
    else:
        _print(reports, ingested, unread, seconds)
    if not is_done:
        raise typer.Exit(1)


def _unread(settings: Settings, ingested: Sequence[Ingested]) -> list[Unread]:
    """Look up why deliveries of this run could not be read: the newest of each feed, as many as the run had."""
    counts = {item.feed: item.unreadable for item in ingested if item.unreadable}
    ledger = read_ledger(settings) if counts else None
    if ledger is None:
        return []
    return [found for feed, count in counts.items() for found in unread_deliveries(ledger, feed, count)]


def grouped(failures: Sequence[Failure]) -> list[dict[str, Any]]:
    """Group failures by feed and reason: how many, and the first names and message as examples."""
    groups: Mapping[tuple[str, str], list[Failure]] = defaultdict(list)
    for failure in failures:
        groups[failure.feed, failure.reason].append(failure)
    return [
        {
            "feed": feed,
            "reason": reason,
            "count": len(group),
            "is_failure": is_failure(group[0]),
            "message": group[0].message,
            "names": [item.name or item.device_id for item in group[:3] if item.name or item.device_id],
        }
        for (feed, reason), group in sorted(groups.items())
    ]


def _as_json(reports: Sequence["RunReport"], unread: Sequence[Unread]) -> dict[str, Any]:
    feeds = {
        item.feed: {
            "kept": item.kept,
            "duplicates": item.duplicates,
            "rows": item.rows,
            "rejected_rows": item.rejected_rows,
            "unreadable": [found.as_json() for found in unread if found.feed == item.feed],
            "failures": grouped(item.failures),
            "days": sorted(item.days),
        }
        for report in reports
        for item in report.ingested
    }
    transformed = [report.transformed for report in reports if report.transformed is not None]
    published = [report.publication for report in reports if report.publication is not None]
    return {
        "feeds": feeds,
        "transformed": [{"days": done.days, "is_full": done.is_full} for done in transformed],
        "published": [
            {"version": p.version, "database": p.database, "row_counts": p.row_counts, "revised": p.revised}
            for p in published
        ],
        "runs": [
            {"job": r.job, "run_id": r.run_id, "success": r.success, "error": r.error, "seconds": round(r.seconds, 3)}
            for r in reports
        ],
    }


def _print(
    reports: Sequence["RunReport"], ingested: Sequence[Ingested], unread: Sequence[Unread], seconds: float
) -> None:
    console = out()
    if ingested:
        columns = ("feed", "kept", "duplicate", "rows", "rejected", "unreadable", "failed", "business days")
        rows = [
            (
                item.feed, item.kept, item.duplicates, item.rows, item.rejected_rows, item.unreadable,
                sum(is_failure(failure) for failure in item.failures), days_text(item.days),
            )
            for item in ingested
        ]  # fmt: skip
        print_table("Received", columns, rows, right=columns[1:7], whole=("feed",))
    for report in reports:
        if report.transformed is not None:
            _print_transformed(report)
        if report.publication is not None:
            _print_publication(report)
    print_failures([failure for item in ingested for failure in item.failures], unread)
    for report in reports:
        if not report.success:
            told = f"{report.job} failed (run {report.run_id}): {shown(report.error, 2000)}"
            console.print(told, style="red", markup=False, soft_wrap=True)
    console.print(f"{seconds:.1f} s", style="dim", markup=False)


def _print_transformed(report: "RunReport") -> None:
    done = report.transformed
    if done is None:
        return
    kind = "full rebuild" if done.is_full else "touched days"
    told = f"Transformed {days_text(done.days)}, {kind}" if done.days else "Transformed nothing: nothing had changed"
    console = out()
    console.print(f"{told}  ({report.seconds:.1f} s)", markup=False)
    for node in done.nodes:
        if node.status == "warn":
            console.print(f"  warning {node.unique_id}: {shown(node.message)}", style="yellow", markup=False)


def _print_publication(report: "RunReport") -> None:
    made = report.publication
    if made is None:
        return
    revised = ", ".join(f"{count} of {mart}" for mart, count in sorted(made.revised.items()) if count) or "none"
    console = out()
    console.print(f"Published {made.version}  ({report.seconds:.1f} s)", markup=False)
    console.print(f"  branch-days that say something new: {revised}", markup=False, soft_wrap=True)
    stable = made.database.parents[2] / made.database.name  # the name that never changes, over versions/<version>/
    console.print(f"  {shown(stable, 1000)}", markup=False, soft_wrap=True)


def print_failures(failures: Sequence[Failure], unread: Sequence[Unread]) -> None:
    """Print what could not be fetched, by reason, and what could not be read, one by one."""
    groups = grouped(failures)
    for title, wanted in (("Failed", True), ("Not fetched", False)):
        rows = [
            (g["feed"], g["reason"], g["count"], ", ".join(shown(name, 60) for name in g["names"]), shown(g["message"]))
            for g in groups
            if g["is_failure"] is wanted
        ]
        if rows:
            print_table(title, ("feed", "reason", "count", "for instance", "message"), rows, right=("count",))
    if unread:
        print_unread(unread)


def print_unread(unread: Sequence[Unread]) -> None:
    """Print deliveries that could not be read, and how to try again."""
    rows = [(item.feed, shown(item.name, 80), item.business_date, item.reason, item.message) for item in unread[:20]]
    console = out()
    print_table("Unreadable (kept in landing)", ("feed", "file", "day", "reason", "message"), rows)
    if len(unread) > len(rows):
        console.print(f"  … and {len(unread) - len(rows)} more", markup=False)
    first, last = min(item.business_date for item in unread), max(item.business_date for item in unread)
    feeds = " ".join(sorted({item.feed for item in unread}))
    told = f"  mend reference/feeds.toml, then: footfall replay {feeds} --from {first} --to {last}"
    console.print(told, style="dim", markup=False, soft_wrap=True)
