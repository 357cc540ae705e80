"""What verbs print: tables that fit a terminal, one JSON object, and vendors' texts made harmless.

Standard output carries the answer; progress and everything that libraries say goes to standard error.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_FOLDED_WIDTH = 16
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_DANGEROUS = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}  # control and direction characters, line ends, halves of pairs


def out() -> Console:
    """Return a console on standard output (as it is now: tests and pipes replace it)."""
    return Console(highlight=False)


def err() -> Console:
    """Return a console on standard error."""
    return Console(stderr=True, highlight=False)


def shown(text: object, longest: int = 200) -> str:
    """Make a text from outside fit for a terminal: one line, dangerous characters as escapes, length bounded."""
    said = "".join(_escaped(character) for character in str(text))
    return said if len(said) <= longest else said[: longest - 1] + "…"


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _DANGEROUS:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Iterable[object]],
    right: Iterable[str] = (),
    whole: Iterable[str] = (),
) -> None:
    """Print rows; cells are plain text (never markup), None is blank, columns named in `right` align there.

    Numbers, times and the columns in `whole` are never cut, however narrow the terminal; other texts fold.
    """
    cells = [list(row) for row in rows]
    lines = [[cell if isinstance(cell, Text) else Text(_plain(cell)) for cell in row] for row in cells]
    numbers, kept = set(right), {*right, *whole}
    heading = Text(f"\n{title}", style="bold") if title else None
    made = Table(title=heading, title_justify="left", box=None, header_style="dim", pad_edge=False)
    made.collapse_padding = True
    needed = 0
    for place, column in enumerate(columns):
        is_whole = column in kept or any(isinstance(row[place], date) for row in cells)
        width = max(cell_len(column), *(cell_len(line[place].plain) for line in lines)) if lines else cell_len(column)
        needed += 1 + (width if is_whole else min(width, _FOLDED_WIDTH))
        justify = "right" if column in numbers else "left"
        made.add_column(column, justify=justify, overflow="fold", min_width=width if is_whole else None)
    for line in lines:
        made.add_row(*line)
    console = out()
    if console.width < needed:  # a terminal wraps a long line; a number that was cut says something else
        console = Console(highlight=False, width=needed)
    console.print(made)


def _plain(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else shown(cell)


def marked(state: str) -> Text:
    """Return ok, warn or fail in its colour."""
    return Text(state, style=STYLES.get(state, ""))


def print_json(value: object) -> None:
    """Print one JSON object, ASCII alone, so that no terminal or pipe can stumble over a vendor's name."""
    sys.stdout.write(json.dumps(value, indent=2, default=_jsonable) + "\n")
    sys.stdout.flush()


def _jsonable(value: Any) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    msg = f"{type(value).__name__} has no JSON form"
    raise TypeError(msg)


@contextmanager
def only_the_answer() -> Iterator[None]:
    """Send whatever libraries print during the work to standard error."""
    with redirect_stdout(sys.stderr):
        yield


def days_text(days: Iterable[date]) -> str:
    """Spell business days out as few ranges: `2026-03-01 to 2026-03-14 (14 days)`."""
    ordered = sorted(days)
    if not ordered:
        return "none"
    if len(ordered) == 1:
        return ordered[0].isoformat()
    gaps = "" if (ordered[-1] - ordered[0]).days + 1 == len(ordered) else ", with gaps"
    return f"{ordered[0]} to {ordered[-1]} ({len(ordered)} days{gaps})"
