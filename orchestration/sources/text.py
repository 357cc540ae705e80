"""From bytes to lines and fields: encodings, line ends, headers, quotes. What the fields mean lives in tabular.py.

Physical lines keep their numbers throughout: a rejected row is named by the line that an editor shows, and the order
of rows tells the two passes of a repeated local hour apart.
"""

import codecs
import csv
import re
from dataclasses import dataclass, field
from functools import lru_cache

from orchestration.sources.contract import Unreadable
from orchestration.sources.profile import FileProfile

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DELIMITERS = (",", ";", "\t", "|")
REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class Lines:
    r"""The data lines of one file and how to read them.

    `text` holds them with `\\n` between; `position` maps a canonical column to its field index; `width` is the header's
    number of fields; `first_line` the physical number of the first. `fields` is filled only where quotes ask for a
    real CSV reader (None: an unterminated quote).
    """

    text: str = field(repr=False)
    line_count: int
    first_line: int
    delimiter: str
    position: dict[str, int]
    width: int
    ends_with_newline: bool
    fields: list[list[str] | None] | None = field(default=None, repr=False)


@lru_cache(4096)  # every file of a family asks for the same names
def normalised(name: str) -> str:
    """Reduce a header to letters and digits, lower case, so that `Store Code` is `StoreCode`."""
    return re.sub(r"[\W_]+", "", name.casefold())


def decode(content: bytes, encoding: str) -> str:
    """Decode a file; undecodable bytes become U+FFFD so that only their rows are lost.

    Raises Unreadable for no bytes, binary content and web pages.
    """
    if not content.strip():
        reason, message = "empty_file", "the file has no bytes"
        raise Unreadable(reason, message)
    for bom, name in _BOMS:
        if content.startswith(bom):
            content, encoding = content[len(bom) :], name
            break
    if not encoding.lower().startswith("utf-16") and content.count(b"\0") > len(content) // 100:
        reason, message = "binary_content", "the file is not text (NUL bytes)"
        raise Unreadable(reason, message)
    text = content.decode(encoding, errors="replace")
    head = text[:2000].lstrip().lower()
    if head.startswith("<"):
        reason, message = "not_a_table", f"the file is a web page or XML, not a table: {head[:60]!r}"
        raise Unreadable(reason, message)
    return text


def read_lines(content: bytes, profile: FileProfile) -> Lines:
    """Split a file into data lines under its header. Raises Unreadable when no header of the profile is there."""
    text = decode(content, profile.encoding)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\xa0", " ")
    ends = text.endswith("\n")
    text = text.removesuffix("\n")
    if not profile.has_header:
        names = list(profile.columns)
        delimiter = profile.delimiter if profile.delimiter != "auto" else ","
        return _lines(text or None, 1, delimiter, {name: place for place, name in enumerate(names)}, len(names), ends)
    blank = len(text) - len(text.lstrip())
    if blank == len(text):
        reason, message = "empty_file", "the file has only blank lines"
        raise Unreadable(reason, message)
    start = text.count("\n", 0, blank)
    header, newline, rest = text[text.rfind("\n", 0, blank) + 1 :].partition("\n")
    candidates = _DELIMITERS if profile.delimiter == "auto" else (profile.delimiter,)
    best: tuple[dict[str, int], str, int] = ({}, candidates[0], 0)
    for delimiter in candidates:
        names = [normalised(name) for name in next(csv.reader([header], delimiter=delimiter))]
        position = _positions(profile, names)
        if len(position) > len(best[0]):
            best = (position, delimiter, len(names))
    position, delimiter, width = best
    missing = [column for column in profile.columns if column not in position and column not in _optional(profile)]
    if missing:
        wanted = "; ".join(f"{column} ({' or '.join(profile.columns[column])})" for column in missing)
        reason = "header_not_recognised"
        message = f"line {start + 1}: no column for {wanted} in {header[:200]!r}; name it under columns in feeds.toml"
        raise Unreadable(reason, message)
    if delimiter != "\t":
        rest = rest.replace("\t", " ")  # trailing TABs in names are seen in practice; fields are trimmed of blanks
    return _lines(rest if newline else None, start + 2, delimiter, position, width, ends)


def _optional(profile: FileProfile) -> set[str]:
    """Columns whose absence a file survives: the name may hold the device, and not every counter counts out."""
    named_device = "{serial}" in profile.name or "{device_id}" in profile.name
    return {"exit_count", "staff_count", "line_id", "interval_end"} | ({"device_id"} if named_device else set())


def _positions(profile: FileProfile, names: list[str]) -> dict[str, int]:
    position: dict[str, int] = {}
    for column, accepted in profile.columns.items():
        for name in accepted:
            if normalised(name) in names:
                position[column] = names.index(normalised(name))
                break
    return position


def _lines(text: str | None, first: int, delimiter: str, position: dict[str, int], width: int, ends: bool) -> Lines:
    """Count the lines, and read them with the csv module one by one where a quote stands anywhere.

    A quoted field never spans lines here: an unterminated quote costs its own line, not all that follow.
    """
    if text is None:
        return Lines("", 0, first, delimiter, position, width, ends)
    fields: list[list[str] | None] | None = None
    if '"' in text:
        fields = []
        for line in text.split("\n"):
            try:
                fields.append(next(csv.reader([line], delimiter=delimiter, strict=True), list[str]()))
            except csv.Error:
                fields.append(None)
    return Lines(text, text.count("\n") + 1, first, delimiter, position, width, ends, fields)
