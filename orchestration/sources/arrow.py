"""Arrow arrays straight from Python and numpy values. `pa.array` on a list imports pandas first, which costs 0.9 s."""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def fixed(kind: pa.DataType, values: npt.NDArray[Any]) -> Any:
    """Make an array without nulls over values that are already laid out as this type wants them."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def empty(schema: pa.Schema) -> pa.Table:
    """Make a table without rows (Schema.empty_table imports pandas)."""
    return pa.Table.from_batches([], schema=schema)


def booleans(value: bool, count: int) -> Any:
    """Make an array of `count` times this value."""
    bits = np.full((count + 7) // 8, 255 if value else 0, dtype=np.uint8)
    return pa.Array.from_buffers(pa.bool_(), count, [None, pa.py_buffer(bits)])


def ints(values: Sequence[int] | npt.NDArray[np.int32]) -> Any:
    """Make an int32 array without nulls."""
    return fixed(pa.int32(), np.asarray(values, dtype=np.int32))


def dates(values: Sequence[date]) -> Any:
    """Make a date32 array without nulls."""
    return fixed(pa.date32(), np.asarray([day.toordinal() - _EPOCH_DAY for day in values], dtype=np.int32))


def instants(values: Sequence[datetime]) -> Any:
    """Make a UTC timestamp array (microseconds) without nulls."""
    return fixed(UTC_TIMESTAMP, np.asarray([round(value.timestamp() * 1_000_000) for value in values], dtype=np.int64))


def numbers(array: Any, kind: Any) -> npt.NDArray[Any]:
    """View the values of a fixed-width array without nulls as numpy (Array.to_numpy imports pandas)."""
    width = np.dtype(kind).itemsize
    return (
        np.frombuffer(array.buffers()[1], dtype=kind, count=len(array), offset=array.offset * width)
        if len(array)
        else np.empty(0, kind)
    )


def strings(values: Sequence[str]) -> Any:
    """Make a string array without nulls."""
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    return joined(b"".join(encoded), np.cumsum([0, *(len(value) for value in encoded)]))


def joined(data: bytes, offsets: npt.NDArray[np.int64]) -> Any:
    """Make a string array over one buffer, cut at these offsets (one more than there are strings)."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, dtype=np.int64)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)


def tally(texts: Any, days: Any) -> dict[tuple[str, date], int]:
    """Count rows by text (a dictionary column) and day (a date32 column of the same table)."""
    found: dict[tuple[str, date], int] = {}
    table = pa.Table.from_arrays([texts, days], names=["text", "day"])
    for batch in table.to_batches():
        column = batch.column(0)
        keys = numbers(column.indices, np.int32).astype(np.int64) << 32 | numbers(batch.column(1), np.int32)
        names = column.dictionary.to_pylist()
        for key, count in zip(*np.unique(keys, return_counts=True), strict=True):
            pair = (names[int(key) >> 32], date.fromordinal(_EPOCH_DAY + (int(key) & 0xFFFFFFFF)))
            found[pair] = found.get(pair, 0) + int(count)
    return found


def repeated(values: Sequence[str] | Sequence[datetime], index: Any) -> Any:
    """Make a dictionary array: `values[index[i]]` for every i of an int32 array."""
    is_text = not values or isinstance(values[0], str)
    kind = pa.string() if is_text else UTC_TIMESTAMP
    dictionary = strings(values) if is_text else instants(values)  # type: ignore[arg-type]
    return pa.DictionaryArray.from_arrays(index, dictionary.cast(kind))
