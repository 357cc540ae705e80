"""The ledger's tables. Times are UTC; SQLite stores them without a zone, so the type puts it back."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A timestamp that is always aware and always UTC on the Python side."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "the ledger takes no naive times"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("delivery_id", sa.String, primary_key=True),
    sa.Column("feed", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("device_id", sa.String, nullable=False),
    sa.Column("line_id", sa.String, nullable=False),
    sa.Column("named_date", sa.Date),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("byte_count", sa.Integer, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("modified_at", UtcDateTime),
    sa.Column("delivered_at", UtcDateTime, nullable=False),  # first time the vendor had these bytes ready
    sa.Column("effective_at", UtcDateTime, nullable=False),  # last time: decides which revision is current
    sa.Column("landing_path", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # landed | parsed | empty | unreadable | retracted
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("message", sa.String, nullable=False),
    sa.Column("row_count", sa.Integer, nullable=False),
    sa.Column("rejected_row_count", sa.Integer, nullable=False),
    sa.Index("deliveries_state", "feed", "state"),
    sa.Index("deliveries_slot", "feed", "named_date", "device_id", "line_id"),
)

delivery_days = sa.Table(
    "delivery_days",
    metadata,
    sa.Column("delivery_id", sa.String, primary_key=True),
    sa.Column("business_date", sa.Date, primary_key=True),
    sa.Column("feed", sa.String, nullable=False),
    sa.Column("row_count", sa.Integer, nullable=False),
    sa.Column("rejected_row_count", sa.Integer, nullable=False),
    sa.Index("delivery_days_feed", "feed", "business_date"),
)

feed_days = sa.Table(
    "feed_days",
    metadata,
    sa.Column("feed", sa.String, primary_key=True),
    sa.Column("business_date", sa.Date, primary_key=True),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("asked_at", UtcDateTime),
    sa.Column("is_known", sa.Boolean, nullable=False),  # False: only the day an undated unreadable file came
    sa.Column("touch_count", sa.Integer, nullable=False),  # how often something changed
    sa.Column("transformed_count", sa.Integer, nullable=False),  # the touch_count that the warehouse has seen
    sa.Index("feed_days_day", "business_date"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("attempt_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("feed", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("device_id", sa.String, nullable=False),
    sa.Column("business_date", sa.Date),
    sa.Column("outcome", sa.String, nullable=False),  # kept | duplicate | ignored | failed
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("message", sa.String, nullable=False),
    sa.Column("delivery_id", sa.String, nullable=False),
    sa.Column("landing_path", sa.String, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("delivered_at", UtcDateTime, nullable=False),
    sa.Index("attempts_delivery", "delivery_id"),
    sa.Index("attempts_path", "landing_path"),
    sa.Index("attempts_at", "at"),
)

remote_files = sa.Table(
    "remote_files",
    metadata,
    sa.Column("feed", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("modified_at", UtcDateTime),
    sa.Column("is_fetched", sa.Boolean, nullable=False),
)

state = sa.Table(
    "state",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
