"""What status, doctor and the summaries ask of the ledger. Reads only, and never through the warehouse."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from orchestration.landing.ledger import Ledger
from orchestration.landing.ledger_queries import touched_days
from orchestration.landing.ledger_tables import attempts, deliveries, delivery_days, feed_days


@dataclass(frozen=True, slots=True)
class Unread:
    """A delivery that could not be read. `is_replaced`: a readable one for the same counter and day came later."""

    feed: str
    name: str
    business_date: date
    reason: str
    message: str
    received_at: datetime
    is_replaced: bool

    def as_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def unread_deliveries(ledger: Ledger, only_feed: str | None = None, limit: int = 20) -> list[Unread]:
    """List deliveries that could not be read, the latest received first."""
    d = deliveries.c
    later = deliveries.alias()
    is_replaced = sa.exists().where(
        later.c.feed == d.feed,
        later.c.named_date == d.named_date,
        later.c.device_id == d.device_id,
        later.c.line_id == d.line_id,
        later.c.state == "parsed",
        later.c.effective_at > d.effective_at,
    )
    told = (d.feed, d.name, d.named_date, d.received_at, d.reason, d.message, is_replaced.label("is_replaced"))
    query = sa.select(*told)
    query = query.where(d.state == "unreadable", *([d.feed == only_feed] if only_feed else []))
    with ledger.engine.connect() as connection:
        rows = connection.execute(query.order_by(d.received_at.desc(), d.delivery_id).limit(limit))
        return [
            Unread(feed, name, day or at.date(), reason, message, at, bool(replaced))
            for feed, name, day, at, reason, message, replaced in rows
        ]


def failed_attempts(ledger: Ledger, since: datetime) -> list[dict[str, Any]]:
    """Group what failed since then by feed and reason: how often, when last, and the last message and name."""
    a = attempts.c
    last = (
        sa.select(a.feed, a.reason, sa.func.count().label("count"), sa.func.max(a.attempt_id).label("last_id"))
        .where(a.outcome == "failed", a.at >= since)
        .group_by(a.feed, a.reason)
        .subquery()
    )
    query = sa.select(last.c.feed, last.c.reason, last.c.count, a.at.label("last_at"), a.name, a.message)
    with ledger.engine.connect() as connection:
        query = query.join(attempts, a.attempt_id == last.c.last_id).order_by(last.c.feed, last.c.reason)
        rows = connection.execute(query)
        return [dict(row._mapping) for row in rows]


def freshness(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Tell by feed when a delivery last came, and which is the last business day with rows."""
    d, n = deliveries.c, delivery_days.c
    last_received_at = sa.func.max(d.received_at, type_=d.received_at.type)
    came = sa.select(d.feed, sa.func.count().label("count"), last_received_at.label("at"))
    days = sa.select(n.feed, sa.func.max(n.business_date, type_=sa.Date).label("day")).where(n.row_count > 0)
    found: dict[str, dict[str, Any]] = {}
    with ledger.engine.connect() as connection:
        for row in connection.execute(came.group_by(d.feed)):
            found[row.feed] = {"deliveries": row.count, "last_received_at": row.at, "last_business_date": None}
        for row in connection.execute(days.group_by(n.feed)):
            found[row.feed]["last_business_date"] = row.day
    return found


def backlog(ledger: Ledger) -> dict[str, Any]:
    """Count what is landed but not parsed by feed, and list the business days touched but not transformed."""
    d = deliveries.c
    query = sa.select(d.feed, sa.func.count().label("count")).where(d.state == "landed").group_by(d.feed)
    with ledger.engine.connect() as connection:
        landed = {row.feed: row.count for row in connection.execute(query)}
    touched = touched_days(ledger)
    return {
        "landed_not_parsed": landed,
        "touched_not_transformed": sorted({item.business_date for item in touched}),
        "feeds_touched": sorted({item.feed for item in touched}),
    }


def last_known_days(ledger: Ledger, count: int) -> list[date]:
    """List the last business days that the ledger knows, ascending."""
    day = feed_days.c.business_date
    with ledger.engine.connect() as connection:
        found = connection.execute(sa.select(day).distinct().order_by(day.desc()).limit(count)).scalars()
        return sorted(found)


def landed_paths(ledger: Ledger, feed: str | None = None) -> set[str]:
    """Return where every delivery and repeat stands in landing, as the ledger has it."""
    query = sa.select(attempts.c.landing_path).distinct().where(attempts.c.landing_path != "")
    with ledger.engine.connect() as connection:
        return set(connection.execute(query.where(attempts.c.feed == feed) if feed else query).scalars())


@dataclass(frozen=True, slots=True)
class Standing:
    """A delivery as the ledger has it, with the business days that it has rows on."""

    delivery_id: str
    name: str
    device_id: str
    line_id: str
    named_date: date | None
    delivered_at: datetime
    effective_at: datetime
    state: str
    reason: str
    message: str
    row_count: int
    rejected_row_count: int


_STANDING = (
    "delivery_id", "name", "device_id", "line_id", "named_date", "delivered_at", "effective_at", "state", "reason",
    "message", "row_count", "rejected_row_count",
)  # fmt: skip


def standing(ledger: Ledger, ids: Sequence[str]) -> dict[str, Standing]:
    """Return those of these deliveries that the ledger has, by id."""
    found: dict[str, Standing] = {}
    with ledger.engine.connect() as connection:
        for start in range(0, len(ids), 400):
            query = sa.select(*(deliveries.c[name] for name in _STANDING))
            for row in connection.execute(query.where(deliveries.c.delivery_id.in_(ids[start : start + 400]))):
                found[row.delivery_id] = Standing(*row)
    return found


def ignored_names(ledger: Ledger) -> set[str]:
    """Return the names that were seen in a remote folder and are never fetched."""
    with ledger.engine.connect() as connection:
        return set(connection.execute(sa.select(attempts.c.name).where(attempts.c.outcome == "ignored")).scalars())
