"""The usual case of tabular.py: files in which nothing is odd, read by Arrow's CSV reader at once.

It answers only when every line is beyond doubt; at the first oddity it declines and the judging statement reads the
same lines with patience. Both must agree on what they both accept (a property test says so).
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from orchestration.sources.arrow import ints
from orchestration.sources.contract import Kind
from orchestration.sources.profile import FileProfile
from orchestration.sources.tabular_sql import quoted
from orchestration.sources.text import REPLACEMENT, Lines

_MOST = 10**15  # the judging statement takes whole numbers of up to fifteen digits
_TEXT = pa.dictionary(pa.int32(), pa.string())
_TYPES = {
    "timestamp": ("stamp", _TEXT),
    "interval_end": ("stamp_end", _TEXT),
    "device_id": ("device_id", _TEXT),
    "line_id": ("line_id", _TEXT),
    "entry_count": ("entry_count", pa.int64()),
    "exit_count": ("exit_count", pa.int64()),
    "staff_count": ("staff_count", pa.int64()),
}


def read_plain(
    connection: duckdb.DuckDBPyConnection,
    profile: FileProfile,
    files: Sequence[Lines],
    index: Any,
    row_number: Any,
    data: bytes,
) -> pa.Table | None:
    """Read lines (`data`: all files' lines, newline after each) of one shape; None where anything is odd.

    The table has what the judging statement gives for good lines: file, row_number, problem (null), typed values.
    """
    head = files[0]
    if profile.kind is not Kind.COUNTS or head.fields is not None or "timestamp" not in head.position:
        return None
    if profile.final_newline and not all(file.ends_with_newline for file in files):
        return None
    if not data or _is_odd(data, head.delimiter.encode()):
        return None
    names = [f"f{place}" for place in range(head.width)]
    wanted = {names[place]: _TYPES[column] for column, place in head.position.items() if column in _TYPES}
    try:
        found = pacsv.read_csv(
            pa.py_buffer(data),
            read_options=pacsv.ReadOptions(column_names=names),
            parse_options=pacsv.ParseOptions(delimiter=head.delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(
                column_types={name: kind for name, (_, kind) in wanted.items()},
                include_columns=list(wanted),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    found = found.rename_columns([name for name, _ in wanted.values()]).combine_chunks()
    if found.num_rows != len(row_number) or not all(_is_plain(found[name]) for name in found.column_names):
        return None
    for name in ("stamp", "stamp_end"):
        if name in found.column_names:
            stamps = _stamps(connection, profile, found[name])
            if stamps is None:
                return None
            found = found.set_column(found.column_names.index(name), name, stamps)
    empty = pa.nulls(found.num_rows, pa.string())
    return found.add_column(0, "problem", empty).add_column(0, "row_number", row_number).add_column(0, "file", index)


def _is_odd(data: bytes, mark: bytes) -> bool:
    """Tell whether lines, each with its newline, hold what Arrow reads otherwise: signs, hexadecimals, outer blanks.

    Bytes are searched for one at a time: two of which the first is in every line take six times as long.
    """
    if b"+" in data or REPLACEMENT.encode() in data:
        return True
    if any(letter in data and b"0" + letter in data for letter in (b"x", b"X")):
        return True
    texts = np.frombuffer(data, dtype=np.uint8)
    blanks = np.flatnonzero(texts == ord(" "))
    is_end = np.zeros(256, dtype=bool)
    is_end[[*mark, ord("\n")]] = True
    return bool(is_end[texts[blanks - 1]].any() or is_end[texts[blanks + 1]].any())


def _stamps(connection: duckdb.DuckDBPyConnection, profile: FileProfile, column: Any) -> Any:
    """Parse each different text once, the way the judging statement does; Arrow's own parser takes 30 February."""
    whole = column.combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    formats = "[" + ", ".join(quoted(item) for item in profile.time_formats) + "]"
    connection.register("texts", pa.Table.from_arrays([whole.dictionary], names=["text"]))
    parsed = connection.sql(f"select try_strptime(text, {formats}) as stamp from texts").to_arrow_table()["stamp"]
    connection.unregister("texts")
    if parsed.null_count:
        return None
    return parsed.combine_chunks().take(whole.indices)


def _is_plain(column: Any) -> bool:
    """Tell whether every value of a column is one that needs no second look."""
    if column.null_count:
        return False
    if pa.types.is_integer(column.type):
        bounds = pc.min_max(column).as_py()
        return bounds["min"] >= 0 and bounds["max"] < _MOST
    if pa.types.is_dictionary(column.type):
        return all("" not in chunk.dictionary.to_pylist() for chunk in column.chunks)
    return True


def number_lines(files: Sequence[Lines]) -> tuple[Any, Any]:
    """Return which file each line is of, and its physical number there."""
    counts = [file.line_count for file in files]
    numbers = [np.arange(file.first_line, file.first_line + file.line_count, dtype=np.int32) for file in files]
    return ints(np.repeat(np.arange(len(files), dtype=np.int32), counts)), ints(np.concatenate(numbers))
