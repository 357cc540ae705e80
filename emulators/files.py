"""Shipments and till reports as bytes: the vendors' file formats, faults included.

Each writer also says which physical lines it spoilt and why; nothing here is ever read back to learn the truth.
Formats: FootfallCam "Direct Export from Counter" (inferred: no sample is public), Xovis web CSV (seen in practice),
FootfallCam sales import (documented).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise

from emulators.chain import Branch, Chain
from emulators.clock import MINUTES_PER_DAY, WALL_TEXT, Clock
from emulators.shipments import DAILY, Shipment
from emulators.till_reports import TillReport

HTML_ERROR_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n"
    b"<body><h1>502 Bad Gateway</h1><p>The upstream device %s did not answer.</p></body></html>\n"
)
Spoilt = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Written:
    """A file's bytes, and the physical lines (from 1) that must be rejected, each with its reason."""

    content: bytes
    spoilt: Spoilt = ()


@lru_cache(maxsize=256)
def _texts(clock: Clock, first: int, last: int, date_format: str) -> list[str]:
    """Spell the wall clock out for every minute of some days, and once more at the end."""
    texts: list[str] = []
    for index in range(first, last + 1):
        day = clock.day(index).strftime(date_format)
        texts += [day.replace("@", WALL_TEXT[minute]) for minute in clock.wall[clock.span(index)]]
    return [*texts, (clock.day(last) + timedelta(days=1)).strftime(date_format).replace("@", WALL_TEXT[0])]


def write_counts(shipment: Shipment) -> Written:
    """Write a shipment of counts as its feed's file."""
    if shipment.content == "html":
        return Written(HTML_ERROR_PAGE % shipment.key[1].encode())
    columns = (shipment.exit, shipment.entry) if shipment.is_reversed else (shipment.entry, shipment.exit)
    one, other = (column.tolist() for column in columns)
    if shipment.feed == DAILY:
        texts = _texts(shipment.clock, shipment.first, shipment.last, "%Y-%m-%d @:00")
        heads = [f"{shipment.key[1]},{text}" for text in texts]
        header = "serial,local_time,in,out"
    else:
        texts = _texts(shipment.clock, shipment.first, shipment.last, "%d/%m/%Y - @")
        heads = [f"{start},{end}" for start, end in pairwise(texts)]
        header = "from-time,to-time,Forward counter,Backward counter"
    lines, spoilt = [header], []
    for minute, is_sent in enumerate(shipment.is_sent.tolist()):
        if minute == shipment.steps_back_at:
            # The two minutes before came already, with other counts: those copies are the ones to forget.
            lines.insert(-2, heads[minute - 2] if shipment.is_first_copy_torn else f"{heads[minute - 2]},9,8")
            lines.insert(-2, f"{heads[minute - 1]},7,9")
            if shipment.is_first_copy_torn:
                spoilt.append((len(lines) - 3, "missing_columns"))
        if not is_sent:
            continue
        if shipment.is_damaged[minute]:
            lines.append(heads[minute])
            spoilt.append((len(lines), "missing_columns"))
        else:
            lines.append(f"{heads[minute]},{one[minute]},{other[minute]}")
        if minute in shipment.blank_after:
            lines += ["", ",,,"]
        if shipment.ghost_wall_minute is not None and _is_before_ghost(shipment, minute):
            ghost = f"{shipment.clock.day(shipment.first)} {WALL_TEXT[shipment.ghost_wall_minute]}:00"
            lines.append(f"{shipment.key[1]},{ghost},1,1")
            spoilt.append((len(lines), "nonexistent_local_time"))
    return Written(_bytes(shipment, lines), tuple(spoilt))


def _is_before_ghost(shipment: Shipment, minute: int) -> bool:
    wall = shipment.clock.wall[shipment.span]
    return minute + 1 < len(wall) and wall[minute] < (shipment.ghost_wall_minute or 0) < wall[minute + 1]


def _bytes(shipment: Shipment, lines: Sequence[str]) -> bytes:
    if shipment.has_mixed_ends:
        text = "".join(line + ("\r\n" if number % 3 else "\n") for number, line in enumerate(lines))
    else:
        has_last_newline = shipment.feed == DAILY and not shipment.is_damaged.any()  # a torn row is a file's last one
        text = "\n".join(lines) + ("\n" if has_last_newline else "")
    return text.encode("utf-8-sig" if shipment.has_bom else "utf-8")


def write_sales(chain: Chain, report: TillReport) -> Written:
    """Write a till report: every invoice of a shop, or half-hour sums where its till only has those."""
    lines, spoilt = ["StoreCode,DateTime,TotalTransactionQty,TotalTransactionValue"], []
    for number, (code, _) in enumerate(report.invoices.items()):
        lines += _store_lines(chain.branch(code), report)
        if number == 0:
            if report.has_blank_line:
                lines += ["", "   "]
            for row in report.bad_rows:
                lines.append(row.text)
                spoilt.append((len(lines), row.reason))
    return Written(("\r\n".join(lines) + "\r\n").encode(), tuple(spoilt))


def _store_lines(branch: Branch, report: TillReport) -> list[str]:
    found, clock = report.invoices[branch.code], branch.clock
    wall = clock.wall[found.minute].tolist()
    day = f"{report.day:%d-%m-%Y}"
    if not branch.template.has_bucketed_till:
        rows = zip(wall, found.cents.tolist(), strict=True)
        return [f"{branch.code},{day} {WALL_TEXT[minute]},1,{cents // 100}.{cents % 100:02d}" for minute, cents in rows]
    quantity, amount = [0] * (MINUTES_PER_DAY // 30), [0] * (MINUTES_PER_DAY // 30)
    for minute, cents in zip(wall, found.cents.tolist(), strict=True):
        quantity[minute // 30] += 1
        amount[minute // 30] += cents
    return [
        f"{branch.code},{day} {WALL_TEXT[30 * half]},{count},{cents // 100}.{cents % 100:02d}"
        for half, (count, cents) in enumerate(zip(quantity, amount, strict=True))
        if count or 480 <= 30 * half < 1200
    ]
