# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""The raw columns of the FootfallCam feeds: the vendor's words, what was asked, then the bookkeeping."""

from typing import Any

import pyarrow as pa

from orchestration.sources.tabular import SALES

_BOOKKEEPING = list(SALES)[SALES.get_field_index("_source") :]
_TEXT = pa.dictionary(pa.int32(), pa.string())  # never null
_WHOLE = pa.int64()
_LOCAL = pa.timestamp("us")  # a clock on the wall
_COMMON: dict[str, Any] = {"interval_start_local": _LOCAL, "timezone": _TEXT, "is_dense": pa.bool_()}

KEYS = (  # of the export, in the order of the one public recording
    "AvgVisitDuration", "NewCustomer", "ReturningCustomer", "LessThanFifteen", "LessThanThirty", "OverThirty",
    "ReturnInWeek", "AggregationStatus", "ZoneID", "Week", "WeekString", "Month", "SiteTags", "SiteTagsCount", "Day",
    "TransactionCount", "SalesAmount", "AvgTransactionValue", "Company", "Site", "Counter", "DateTime", "ValueDateTime",
    "DateTimeFormat", "ValueIn", "ValueOut", "OutsideTraffic", "TurnInRate", "SalesConversion", "VerificationStatus",
    "BranchId", "branchCode", "Longitude", "Latitude", "CameraSerial", "CameraId", "CoverageDays", "StartOfDate",
    "ReturningRate",
)  # fmt: skip
COUNTED = ("ValueIn", "ValueOut")


def _layout(columns: dict[str, Any]) -> Any:
    return pa.schema([*(pa.field(name, kind) for name, kind in columns.items()), *_BOOKKEEPING])


DEVICE = _layout(
    {
        "device_id": _TEXT,
        "Timestamp": pa.string(),
        "ValueIn": _WHOLE,
        "ValueOut": _WHOLE,
        "data_format": _TEXT,
        "interval_seconds": pa.int32(),
        **_COMMON,
    }
)
EXPORT = _layout(
    {
        "device_id": _TEXT,
        **{name: _WHOLE if name in COUNTED else _TEXT for name in KEYS},
        "unknown_keys": _TEXT,
        "data_aggregation": _TEXT,
        "interval_minutes": pa.int32(),
        "is_final": pa.bool_(),
        **_COMMON,
    }
)
CUBE = _layout(
    {
        "device_id": _TEXT,
        "cube": _TEXT,
        "SiteId": _TEXT,
        "SiteCode": _TEXT,
        "SiteName": _TEXT,
        "Time": pa.string(),
        "value_in": _WHOLE,
        "value_out": _WHOLE,
        "members": pa.string(),
        "interval_minutes": pa.int32(),
        **_COMMON,
    }
)
SITES = _layout({"device_id": _TEXT, "BranchId": _TEXT, "site": pa.string()})
