"""How `status` looks on a terminal: what needs a person first, in 80 to 100 columns. Asks nothing, changes nothing."""

from datetime import datetime
from typing import Any

from rich.text import Text

from orchestration.commands.screen import days_text, out, print_table, shown

_ALARMING = {"late": "yellow", "missing": "red", "rejected": "red", "revised": "yellow", "partial": "yellow"}
_SHOWN = 10


def print_status(found: dict[str, Any]) -> None:
    """Print all sections that have something to say."""
    console = out()
    console.print(f"Home {shown(found['home'], 1000)}", markup=False, soft_wrap=True)
    _print_publication(found)
    _print_deliveries(found)
    if found["published_at"] is not None:
        _print_outages(found["outages"])
    _print_unreadable(found["unreadable"])
    _print_failed(found["failed_last_day"])
    _print_unplaced(found["unplaced_devices"])
    _print_freshness(found)
    _print_runs(found["runs"])


def _line(text: str, style: str = "") -> None:
    out().print(Text(text, style=style), soft_wrap=True)


def _print_publication(found: dict[str, Any]) -> None:
    published_at: datetime | None = found["published_at"]
    if published_at is None:
        _line("Nothing is published yet: run `footfall run`, or `transform` and `publish`", "yellow")
    else:
        _line(f"Published {published_at:%Y-%m-%d %H:%M} UTC, {_ago(published_at, found['at'])} ago")
    backlog = found["backlog"]
    waiting = [f"{count} in inbox/{feed}" for feed, count in backlog["inbox"].items()]
    waiting += [f"{count} of {feed} landed, not parsed" for feed, count in backlog["landed_not_parsed"].items()]
    if backlog["touched_not_transformed"]:
        waiting.append(f"changed, not transformed: {days_text(backlog['touched_not_transformed'])}")
    _line("Backlog: " + ("; ".join(waiting) or "none"), "yellow" if waiting else "")


def _print_deliveries(found: dict[str, Any]) -> None:
    short = {"expected": "due", "arrived": "came", "missing": "miss.", "revised": "rev.", "partial": "part."}
    short |= {"rejected": "unread", "duplicate": "twice", "row_count": "rows", "rejected_row_count": "bad"}
    names = ("expected", "arrived", "late", *list(short)[2:])
    changed = set(found["backlog"]["touched_not_transformed"])
    counted = [name for name in names if any(item.get(name) for item in found["deliveries"])]
    rows: list[list[object]] = []
    for item in found["deliveries"]:
        day = f"{item['business_date']}{'*' if item['business_date'] in changed else ''}"
        cells: list[object] = [day, item["feed"]]
        for name in counted:
            count = item.get(name)
            cells.append(Text(f"{count:,}", _ALARMING.get(name, "")) if count else None)
        rows.append(cells)
    if not rows:
        return _line("No deliveries yet")
    columns = ("day", "feed", *(short.get(name, name) for name in counted))
    print_table("Deliveries", columns, rows, right=columns[2:], whole=columns[:2])
    if changed:
        _line("  * changed since: the next transform shows it", "dim")
    return None


def _print_outages(outages: list[dict[str, Any]]) -> None:
    if not outages:
        return _line("No outages in the last days")
    rows = [
        (
            Text("open", style="bold red") if item["is_open"] else "",
            item["branch_code"],
            shown(item["label"], 24) or shown(f"{item['device_id']} {item['line_id']}".strip(), 24),
            f"{item['started_at']:%m-%d %H:%M}",
            f"{item['ended_at']:%m-%d %H:%M}",
            item["outage_minutes"],
            item["reason"],
        )
        for item in outages[:_SHOWN]
    ]
    columns = ("", "branch", "counter", "from (UTC)", "to (UTC)", "minutes", "reason")
    print_table("Outages", columns, rows, right=("minutes",), whole=("from (UTC)", "to (UTC)", "reason"))
    _more(len(outages))
    return None


def _print_unreadable(unreadable: list[dict[str, Any]]) -> None:
    if not unreadable:
        return
    rows = [(i["feed"], shown(i["name"], 40), i["business_date"], i["reason"]) for i in unreadable[:_SHOWN]]
    print_table("Unreadable deliveries", ("feed", "file", "day", "reason"), rows, whole=("feed", "reason"))
    _line(f"  why: {shown(unreadable[0]['message'])}", "dim")
    feed = unreadable[0]["feed"]
    days = [item["business_date"] for item in unreadable if item["feed"] == feed]
    _line(f"  after mending reference/feeds.toml: footfall replay {feed} --from {min(days)} --to {max(days)}", "dim")
    _more(len(unreadable))


def _print_failed(failed: list[dict[str, Any]]) -> None:
    if not failed:
        return
    columns = ("feed", "reason", "count", "last (UTC)", "last message")
    rows = [(i["feed"], i["reason"], i["count"], i["last_at"], shown(i["message"], 120)) for i in failed]
    print_table("Failed in the last 24 hours", columns, rows, right=("count",), whole=columns[:2])


def _print_unplaced(unplaced: list[dict[str, Any]]) -> None:
    if not unplaced:
        return
    columns = ("source", "device", "line", "first day", "last day", "entries")
    names = ("source", "device_id", "line_id", "first_day", "last_day", "entry_count")
    rows = [[item[name] for name in names] for item in unplaced[:_SHOWN]]
    print_table("Counted, but placed nowhere: add to reference/counters.csv", columns, rows, right=("entries",))
    _more(len(unplaced))


def _print_freshness(found: dict[str, Any]) -> None:
    columns = ("feed", "deliveries", "last received (UTC)", "ago", "last day with rows")
    rows = []
    for item in found["freshness"]:
        at: datetime | None = item["last_received_at"]
        feed = item["feed"] if item["in_use"] else f"{item['feed']} (not in feeds.toml)"
        rows.append((feed, item["deliveries"], at, _ago(at, found["at"]) if at else "", item["last_business_date"]))
    if rows:
        print_table("Feeds", columns, rows, right=("deliveries", "ago"))


def _print_runs(runs: list[dict[str, Any]]) -> None:
    if not runs:
        return
    rows = [
        (
            item["started_at"],
            item["job"],
            Text(item["status"].lower(), style="" if item["status"] == "SUCCESS" else "yellow"),
            None if item["seconds"] is None else f"{item['seconds']:.1f}",
            item["run_id"][:8],
        )
        for item in runs
    ]
    print_table("Last runs", ("started (UTC)", "job", "status", "seconds", "run"), rows, right=("seconds",))


def _more(count: int) -> None:
    if count > _SHOWN:
        _line(f"  … {count - _SHOWN} more: --json has all", "dim")


def _ago(then: datetime, now: datetime) -> str:
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
