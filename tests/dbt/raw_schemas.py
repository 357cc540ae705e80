"""The schemas that dbt is promised: raw Parquet, transform inputs, reference files."""

import pyarrow as pa

_AT = pa.timestamp("us", tz="UTC")
_LOCAL = pa.timestamp("us")
_BOOKKEEPING = [
    ("_source", pa.string()),
    ("_feed", pa.string()),
    ("_business_date", pa.date32()),
    ("_delivery_id", pa.string()),
]
COUNTS = pa.schema(
    [
        ("device_id", pa.string()),
        ("line_id", pa.string()),
        ("interval_start_local", _LOCAL),
        ("interval_minutes", pa.int32()),
        ("entry_count", pa.int64()),
        ("exit_count", pa.int64()),
        ("staff_count", pa.int64()),
        ("timezone", pa.string()),
        ("nonexistent_local_time", pa.string()),
        ("overlap", pa.string()),
        ("is_dense", pa.bool_()),
        *_BOOKKEEPING,
        ("_row_number", pa.int32()),
        ("_received_at", _AT),
        ("_delivered_at", _AT),
        ("_effective_at", _AT),
    ]
)
SALES = pa.schema(
    [
        ("store_code", pa.string()),
        ("transaction_at_local", _LOCAL),
        ("transaction_count", pa.int64()),
        ("sales_amount", pa.decimal128(18, 2)),
        ("timezone", pa.string()),
        *_BOOKKEEPING,
        ("_row_number", pa.int32()),
        ("_received_at", _AT),
        ("_delivered_at", _AT),
        ("_effective_at", _AT),
    ]
)
REJECTED = pa.schema(
    [
        ("line_number", pa.int32()),
        ("column_name", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        ("line", pa.string()),
        ("device_id", pa.string()),
        ("interval_start_local", _LOCAL),
        *_BOOKKEEPING,
        ("_received_at", _AT),
    ]
)
RAW = {"counts": COUNTS, "sales": SALES, "rejected": REJECTED}
TRANSFORM = {
    "affected_days": pa.schema([("business_date", pa.date32()), ("is_touched", pa.bool_())]),
    "known_days": pa.schema([("business_date", pa.date32())]),
    "feed_days": pa.schema(
        [("feed", pa.string()), ("source", pa.string()), ("business_date", pa.date32()), ("asked_at", _AT)]
    ),
    "feeds": pa.schema(
        [
            ("feed", pa.string()),
            ("source", pa.string()),
            ("kind", pa.string()),
            ("grain_minutes", pa.int32()),
            ("is_dense", pa.bool_()),
            ("is_per_device_day", pa.bool_()),
            ("is_sum_of_doors", pa.bool_()),
            ("due_time", pa.time64("us")),
            ("due_days_after", pa.int32()),
            ("precedence", pa.int32()),
        ]
    ),
    "deliveries": pa.schema(
        [
            ("delivery_id", pa.string()),
            ("feed", pa.string()),
            ("source", pa.string()),
            ("channel", pa.string()),
            ("business_date", pa.date32()),
            ("device_id", pa.string()),
            ("line_id", pa.string()),
            ("file_name", pa.string()),
            ("sha256", pa.string()),
            ("byte_count", pa.int64()),
            ("received_at", _AT),
            ("delivered_at", _AT),
            ("state", pa.string()),
            ("reason", pa.string()),
            ("row_count", pa.int64()),
            ("rejected_row_count", pa.int64()),
            ("is_superseded", pa.bool_()),
            ("revision", pa.int32()),
        ]
    ),
}
REFERENCE = {
    "branches": (
        "branch_code,branch_name,country,region,city,timezone,currency_code,floor_area_m2,visitor_basis,opened_on,closed_on"
    ),
    "counters": "source,device_id,line_id,branch_code,placement,direction,label,address,timezone,valid_from,valid_to",
    "opening_hours": "branch_code,weekday,opens,closes,valid_from,valid_to",
    "special_days": "branch_code,date,opens,closes",
}
