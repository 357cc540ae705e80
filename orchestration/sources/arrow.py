"""Arrow arrays straight from Python and numpy values. `pa.array` on a list imports pandas first, which costs 0.9 s."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def _fixed(kind: pa.DataType, values: npt.NDArray[Any]) -> Any:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def ints(values: Sequence[int] | npt.NDArray[np.int32]) -> Any:
    """Make an int32 array without nulls."""
    return _fixed(pa.int32(), np.asarray(values, dtype=np.int32))


def dates(values: Sequence[date]) -> Any:
    """Make a date32 array without nulls."""
    return _fixed(pa.date32(), np.asarray([day.toordinal() - _EPOCH_DAY for day in values], dtype=np.int32))


def instants(values: Sequence[datetime]) -> Any:
    """Make a UTC timestamp array (microseconds) without nulls."""
    return _fixed(UTC_TIMESTAMP, np.asarray([round(value.timestamp() * 1_000_000) for value in values], dtype=np.int64))


def strings(values: Sequence[str]) -> Any:
    """Make a string array without nulls."""
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    return joined(encoded, np.asarray([len(value) for value in encoded], dtype=np.int64))


def joined(pieces: Sequence[bytes], lengths: npt.NDArray[np.int64]) -> Any:
    """Make a string array over concatenated pieces; `lengths` cuts their bytes and need not follow the pieces."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    data = pa.py_buffer(b"".join(pieces))
    return pa.Array.from_buffers(pa.large_string(), len(lengths), [None, pa.py_buffer(offsets), data])


def repeated(values: Sequence[str] | Sequence[datetime], index: Any) -> Any:
    """Make a dictionary array: `values[index[i]]` for every i of an int32 array."""
    is_text = not values or isinstance(values[0], str)
    kind = pa.string() if is_text else UTC_TIMESTAMP
    dictionary = strings(values) if is_text else instants(values)  # type: ignore[arg-type]
    return pa.DictionaryArray.from_arrays(index, dictionary.cast(kind))
