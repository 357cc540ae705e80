"""How an explanation looks on a terminal: the number, then what it is made of, then its history. Asks nothing."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

from orchestration.commands.screen import out, print_table, shown

_COLOURS = {"complete": "green", "partial": "yellow", "unknown": "bold red", "closed": "dim"}
_GOOD = frozenset({"received", "zero_sparse"})
_READ = frozenset({"on_time", "late", "partial"})  # what could be read, and yet does not stand
_HASH = 12  # digits of a SHA-256 that tell files apart; `retract` takes as many


def print_explanation(found: dict[str, Any]) -> None:
    """Print every section that has something to say."""
    zone = ZoneInfo(found["branch"]["timezone"])
    _print_figure(found)
    _print_counters(found)
    _print_states(found, zone)
    _print_files(found)
    _print_other_deliveries(found, zone)
    _print_rejected(found)
    _print_anomalies(found)
    _print_comparisons(found)
    _print_sales(found)
    _print_history(found)


def _line(text: str, style: str = "") -> None:
    out().print(Text(text, style=style), soft_wrap=True)


def _print_figure(found: dict[str, Any]) -> None:
    branch, figure = found["branch"], found["figure"]
    name = f" {shown(branch['branch_name'])}" if branch["branch_name"] else ""
    _line(f"{shown(branch['branch_code'])}{name}, {found['business_date']:%A} {found['business_date']}", "bold")
    covered = figure.get("coverage_ratio")
    minutes = f"{figure['received_minutes']:,} of {figure['expected_minutes']:,} minutes"
    floored = 1.0 if covered == 1 else math.floor((covered or 0.0) * 1000) / 1000  # a lost minute is never 100 %
    share = "nothing was expected" if covered is None else f"{floored:.1%} covered ({minutes})"
    verified = {True: ", verified", False: ", not verified"}.get(figure.get("is_verified"), "")
    out().print(
        Text.assemble(
            f"{_count(figure['entry_count'])} in, {_count(figure['exit_count'])} out: ",
            (f"{figure['status']}{verified}", _COLOURS.get(figure["status"], "")),
            f", {share}",
        ),
        soft_wrap=True,
    )
    estimated = figure.get("entry_count_estimated")
    if estimated is not None:
        method = figure.get("estimate_method")
        _line(f"missed, estimated: {estimated:,.1f}" + (f" by {shown(method)}" if method else ""))
    low, high = figure.get("entry_count_low"), figure.get("entry_count_high")
    if figure["status"] not in ("complete", "closed") and low is not None:
        _line(f"the true number lies between {low:,} and {'no known limit' if high is None else f'{high:,}'}")
    _line(f"revision {figure.get('revision')}, published {found['published_at']:%Y-%m-%d %H:%M} UTC", "dim")


def _print_counters(found: dict[str, Any]) -> None:
    rows = [
        (
            _counter(item),
            shown(item["label"], 24),
            item["placement"],
            item["open_entry_count"],
            item["open_exit_count"],
            _beyond(item),
            None if item["entry_count_estimated"] is None else f"{item['entry_count_estimated']:,.1f}",
            f"{item['received_minutes']:,} / {item['expected_minutes']:,}",
        )
        for item in found["counters"]
    ]
    columns = ("counter", "label", "placement", "in", "out", "closed", "missed", "minutes")
    print_table("Counters", columns, rows, right=columns[3:])
    _line("in, out: while open; closed: in while closed; missed: estimated", "dim")


def _beyond(item: dict[str, Any]) -> int | None:
    if item["entry_count"] is None:
        return None
    return item["entry_count"] - (item["open_entry_count"] or 0) or None


def _print_states(found: dict[str, Any], zone: ZoneInfo) -> None:
    rows = [
        (
            _counter(item),
            Text(item["state"], "" if item["state"] in _GOOD else "yellow"),
            item["reason"],
            item["minutes"],
            f"{_clock(item['started_at'], zone)}-{_clock(item['ended_at'], zone)}",
            item["feed"],
        )
        for item in found["states"]
    ]
    columns = ("counter", "state", "reason", "minutes", "between", "feed")
    print_table("What became of every open minute", columns, rows, right=("minutes",), whole=("between",))


def _print_files(found: dict[str, Any]) -> None:
    rows = [
        (
            _counter(item) if item["device_id"] else item["placement"],
            _named(item["file_name"]),
            item["sha256"][:_HASH],
            _span(item),
            item["entry_count"] if item["transaction_count"] is None else item["transaction_count"],
            item["status"],
        )
        for item in found["files"]
    ]
    columns = ("counter", "file or request", "sha256", "rows", "in / tx", "status")
    print_table("Deliveries that stand in it", columns, rows, right=("rows", "in / tx"), whole=("sha256",))


def _print_other_deliveries(found: dict[str, Any], zone: ZoneInfo) -> None:
    unused = Counter(
        (item["device_id"], item["feed"], item["status"])
        for item in found["other_deliveries"]
        if item["status"] in _READ
    )
    rows: list[tuple[object, ...]] = [
        (
            shown(item["device_id"], 40) or item["feed"],
            Text(item["status"], "yellow"),
            shown(item["reason"], 60),
            _named(item["file_name"] or ""),
            (item["sha256"] or "")[:_HASH],
            _moment(item["expected_by"], zone),
            _moment(item["delivered_at"], zone),
        )
        for item in found["other_deliveries"]
        if item["status"] not in _READ
    ]
    rows += [
        (shown(device, 40) or feed, status, "another is of record", f"{count} of {feed}", "", "", "")
        for (device, feed, status), count in unused.items()
    ]
    if rows:
        columns = ("of", "status", "reason", "file or request", "sha256", "due", "delivered")
        print_table("Deliveries that do not", columns, rows, whole=("sha256", "due", "delivered"))


def _print_rejected(found: dict[str, Any]) -> None:
    rows = [
        (
            _named(item["file_name"] or ""),
            item["row_count"],
            _lines(item["first_line_number"], item["last_line_number"]),
            item["reason"],
            item["column_name"] or "",
            shown(item["example"] or "", 30),
        )
        for item in found["rejected_rows"]
    ]
    if rows:
        columns = ("file", "rows", "lines", "reason", "column", "for instance")
        print_table("Rejected rows", columns, rows, right=("rows", "lines"))


def _print_anomalies(found: dict[str, Any]) -> None:
    rows = [
        (_counter(item), item["kind"], "left out" if item["is_excluded"] else "counted", shown(item["detail"] or ""))
        for item in found["anomalies"]
    ]
    if rows:
        print_table("What looks wrong", ("counter", "kind", "its minutes", "detail"), rows)


def _print_comparisons(found: dict[str, Any]) -> None:
    rows = [
        (
            f"{item['kind']} {item['measure']}",
            f"{item['feed_a']} - {item['feed_b']}",
            item["value_a"],
            item["value_b"],
            item["difference"],
            Text(item["cause"], "" if item["is_reconciled"] else "yellow"),
        )
        for item in found["comparisons"]
    ]
    if rows:
        columns = ("compared", "feeds", "first", "second", "difference", "mostly")
        print_table("What other feeds say", columns, rows, right=("first", "second", "difference"))


def _print_sales(found: dict[str, Any]) -> None:
    sales = found["conversion"]
    if sales is None:
        return
    _line("\nSales", "bold")
    if sales["transaction_count"] is None:
        _line("none were delivered")
        return
    amount, ratio = f"{sales['sales_amount']:,} {sales.get('currency_code') or ''}".strip(), sales["conversion_ratio"]
    _line(f"{sales['transaction_count']:,} transactions, {amount}; {_count(sales['visitor_count'])} visitors")
    told = "no conversion" if ratio is None else f"conversion {ratio:.2%}"
    bounds = [sales["conversion_ratio_low"], sales["conversion_ratio_high"]]
    if bounds != [ratio, ratio] and any(bound is not None for bound in bounds):
        told += f", between {' and '.join('?' if bound is None else f'{bound:.2%}' for bound in bounds)}"
    _line(told + (f" ({sales['flag']})" if sales["flag"] else ""), "yellow" if sales["flag"] else "")


def _print_history(found: dict[str, Any]) -> None:
    first = found["revisions"][:1]
    rows: list[tuple[object, ...]] = [
        (item["published_at"], item["revision"], _count(item["entry_count"]), "", item["status"], "first said", "")
        for item in first
    ]
    rows += [
        (
            item["published_at"],
            item["revision"] if item["is_traffic_restated"] else "",
            _change(item["entry_count_old"], item["entry_count_new"]),
            _change(item["transaction_count_old"], item["transaction_count_new"]),
            "gone" if item["is_retracted"] else _change(item["status_old"], item["status_new"]),
            item["cause"],
            _several(item["file_names"]),
        )
        for item in found["restatements"]
    ]
    columns = ("published (UTC)", "rev.", "in", "transactions", "status", "cause", "files or requests")
    print_table("What was said of it", columns, rows, right=("rev.",))


def _change(old: object, new: object) -> str:
    return _count(new) if old == new else f"{_count(old)} → {_count(new)}"


def _count(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.10g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _counter(item: dict[str, Any]) -> str:
    return shown("/".join(_filled([item["device_id"], item["line_id"]])), 60)


def _named(name: str) -> str:
    """Shorten a request to the end of its path; the whole of it is in the JSON and in the marts."""
    method, is_request, address = name.partition("://")
    if not is_request or method.split()[-1] not in ("http", "https"):
        return shown(name, 80)
    path = re.split(r"[?#]", address)[0].partition("/")[2]
    return shown("…/" + "/".join(path.rstrip("/").split("/")[-2:]), 40)


def _several(names: Sequence[str]) -> str:
    told = list(dict.fromkeys(map(_named, names)))
    return ", ".join(told[:4]) + (f" and {len(told) - 4} more" if len(told) > 4 else "")


def _filled(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part]


def _span(item: dict[str, Any]) -> str:
    lines = _lines(item["first_row_number"], item["last_row_number"])
    return f"{item['row_count']:,}" + (f" ({lines})" if lines else "")


def _lines(first: int | None, last: int | None) -> str:
    if first is None:
        return ""
    return f"{first}" if first == last else f"{first}-{last}"


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}" if at else ""
