"""What the ledger writes down of a payload that was kept."""

from datetime import datetime
from typing import Any

from orchestration.landing.store import Kept


def delivery_row(item: Kept) -> dict[str, Any]:
    """A delivery as it is entered first."""
    payload = item.payload
    return {
        "delivery_id": item.delivery_id,
        "feed": payload.feed,
        "source": payload.source,
        "name": payload.name,
        "channel": str(payload.channel),
        "device_id": payload.device_id,
        "line_id": payload.line_id,
        "named_date": payload.business_date,
        "sha256": item.sha256,
        "byte_count": len(payload.content),
        "received_at": payload.received_at,
        "modified_at": payload.modified_at,
        "delivered_at": payload.delivered_at,
        "effective_at": payload.delivered_at,
        "landing_path": item.path,
        "state": "landed",
        "reason": "",
        "message": "",
        "row_count": 0,
        "rejected_row_count": 0,
    }


def attempt_row(item: Kept, outcome: str, at: datetime) -> dict[str, Any]:
    """An attempt that brought a payload: `kept`, or `duplicate` when these bytes had come before."""
    payload = item.payload
    return {
        "at": at,
        "feed": payload.feed,
        "name": payload.name,
        "device_id": payload.device_id,
        "business_date": payload.business_date,
        "outcome": outcome,
        "reason": "",
        "message": "",
        "delivery_id": item.delivery_id,
        "landing_path": item.path,
        "received_at": payload.received_at,
        "delivered_at": payload.delivered_at,
    }
