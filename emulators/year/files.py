"""The year as files: one CSV a counter and day, one sales file a day, with the times at which they were uploaded.

Writes what comes in one round into a folder that stands for the vendor's; formats are those of the shipped families.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from emulators.clock import WALL_TEXT
from emulators.year.counting import Sending
from emulators.year.grid import SLOTS_PER_HOUR, Step
from emulators.year.year import Year

COUNTS, SALES = "counts", "sales"
DUE = time(2, 30)
HEADER = "serial,local_time,in,out\n"
ERROR_PAGE = "<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1><p>{}</p></body></html>\n"
ON_TIME_MINUTES = 105  # the last of the punctual ones comes so long after the first


def write_round(year: Year, step: Step, folder: Path) -> int:
    """Write all files that come in a round into folder/counts and folder/sales; return how many."""
    written = 0
    for kind in (COUNTS, SALES):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for counter, day, sent in arrivals(year, step):
        path = folder / COUNTS / counts_name(year, counter, day)
        path.write_text(counts_text(year, counter, day, sent), encoding="ascii", newline="")
        _stamp(path, sent_at(year, counter, day, sent))
        written += 1
    for day in range(step.first, step.stop):
        path = folder / SALES / f"sales_{year.chain.day(day):%Y%m%d}.csv"
        path.write_text(sales_text(year, day), encoding="ascii", newline="")
        _stamp(path, datetime.combine(year.chain.day(day) + timedelta(days=1), time(2, 10), UTC))
        written += 1
    return written


def arrivals(year: Year, step: Step) -> Iterator[tuple[int, int, Sending]]:
    """Go through the count files that come in a round: counter, day, which sending."""
    for day in range(step.first, step.stop):
        for counter in range(len(year.chain.counters)):
            yield from ((counter, day, sent) for sent in year.sendings(counter, day) if sent.step == step.number)
    for (counter, day), sendings in sorted(year.counted.sendings.items()):
        if not step.first <= day < step.stop:
            yield from ((counter, day, sent) for sent in sendings if sent.step == step.number)


def withdrawn(year: Year, step: Step) -> Iterator[tuple[int, int, Sending]]:
    """Go through the wrong files that are withdrawn in a round."""
    for (counter, day), sendings in sorted(year.counted.sendings.items()):
        yield from ((counter, day, sent) for sent in sendings if sent.until == step.number)


def counts_name(year: Year, counter: int, day: int) -> str:
    """Return the name of a counter-day's file."""
    return f"{year.chain.counters[counter].device_id}_{year.chain.day(day):%Y%m%d}.csv"


def sent_at(year: Year, counter: int, day: int, sent: Sending) -> datetime:
    """Return when a file was uploaded (UTC): punctual ones within two hours before they are due."""
    zone = ZoneInfo(year.chain.grid(year.chain.counters[counter].branch).zone)
    due = datetime.combine(year.chain.day(day + 1), DUE, zone).astimezone(UTC)
    if sent.hours_late < 0:
        return due - timedelta(minutes=15 + (counter * 7 + day * 13) % ON_TIME_MINUTES)
    return due + timedelta(hours=sent.hours_late)


def counts_text(year: Year, counter: int, day: int, sent: Sending) -> str:
    """Spell out a counter-day's file in one of its texts."""
    device = year.chain.counters[counter].device_id
    if (counter, day) in year.counted.unreadable:
        return ERROR_PAGE.format(f"{device} {day}")
    grid = year.chain.grid(year.chain.counters[counter].branch)
    span = grid.span(day)
    entry, exit_ = counts_of(year, counter, day, sent.text)
    has_row = year.counted.has_row[counter][span].tolist()
    is_torn = year.counted.is_torn[counter][span].tolist()
    texts = grid.texts[span]
    rows = [
        f"{device},{text}\n" if torn else f"{device},{text},{came},{went}\n"
        for text, came, went, there, torn in zip(texts, entry.tolist(), exit_.tolist(), has_row, is_torn, strict=True)
        if there
    ]
    back = year.counted.steps_back.get((counter, day))
    if back:  # half an hour is written twice: the clock was set back, and the second time counts
        rows[back - 2 : back - 2] = [f"{device},{texts[slot]},9,7\n" for slot in (back - 2, back - 1)]
    return HEADER + "".join(rows)


def counts_of(year: Year, counter: int, day: int, text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return entries and exits per slot of a counter-day as a text of its file says them."""
    span = year.chain.grid(year.chain.counters[counter].branch).span(day)
    if text == "foreign":  # another day of the same counter, saved under this day's name
        grid = year.chain.grid(year.chain.counters[counter].branch)
        other = grid.span(day - 1 if day else day + 1)
        size = span.stop - span.start
        return tuple(np.resize(side[counter][other], size) for side in (year.people.entry, year.people.exit))  # type: ignore[return-value]
    entry, exit_ = year.counted.entry[counter][span], year.counted.exit[counter][span]
    if text == "draft":  # the afternoon counted twice
        half = len(entry) // 2
        entry, exit_ = entry.copy(), exit_.copy()
        entry[half:], exit_[half:] = entry[half:] * 2, exit_[half:] * 2 + 1
    return entry, exit_


def sales_text(year: Year, day: int) -> str:
    """Spell out a day's sales file: one row per store and hour with transactions."""
    lines = ["StoreCode,DateTime,TotalTransactionQty,TotalTransactionValue\r\n"]
    for branch in year.chain.branches:
        grid = year.chain.grid(branch.number)
        span = grid.span(day)
        hours = range(span.start // SLOTS_PER_HOUR, span.stop // SLOTS_PER_HOUR)
        for hour in hours:
            quantity = int(year.people.transactions[branch.number][hour])
            cents = int(year.people.cents[branch.number][hour])
            if quantity:
                at = WALL_TEXT[int(grid.wall[hour * SLOTS_PER_HOUR])]
                lines.append(
                    f"{branch.code},{year.chain.day(day):%d-%m-%Y} {at},{quantity},{cents // 100}.{cents % 100:02d}\r\n"
                )
    return "".join(lines)


def _stamp(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))
