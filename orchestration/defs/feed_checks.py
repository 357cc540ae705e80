"""Asset checks of a feed: can its deliveries be read, are rows being rejected, is the day that is due there.

Whether counters delivered every minute is judged on the marts (warehouse.py), where expectations are known.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pyarrow.parquet as pq
import sqlalchemy as sa

from orchestration.home import Home, Ingested, utc_now
from orchestration.landing.ledger_tables import deliveries, delivery_days, feed_days
from orchestration.sources.contract import Feed
from orchestration.steps import due_days

REJECTED_SHARE = 0.01
"""More than one row in a hundred rejected is not a torn file any more but a mapping that no longer fits."""
DRIFT = frozenset({"missing_columns", "too_many_columns"})
NAMED = 20
"""So many files or days are named in a check; the ledger and fct_rejected_row have all of them."""


def feed_check_specs(feed: Feed, asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Declare the checks; a feed that is never due cannot be stale."""
    told = {
        "readable": "Every delivery could be read and has the expected columns.",
        "rejected_rows": f"At most {REJECTED_SHARE:.0%} of the rows are rejected.",
    }
    if feed.due is not None:
        told["fresh"] = "The newest day that is due was asked for and arrived."
    return [dg.AssetCheckSpec(name, asset=asset, description=text) for name, text in told.items()]


def judge(home: Home, feed: Feed, result: Ingested) -> Iterator[dg.AssetCheckResult]:
    """Evaluate the checks of a feed after an ingest."""
    reasons = _rejections(home, feed, result)
    yield _readable(home, feed, result, reasons)
    yield _rejected_rows(result, reasons)
    if feed.due is not None:
        yield _fresh(home, feed)


def _rejections(home: Home, feed: Feed, result: Ingested) -> Counter[str]:
    """Count rejected rows by reason on the newest rebuilt days."""
    found: Counter[str] = Counter()
    for day in sorted(result.days)[-NAMED:] if result.rejected_rows else ():
        file = home.raw.root / feed.source / feed.name / f"business_date={day.isoformat()}" / "rejected.parquet"
        if file.exists():
            found.update(pq.ParquetFile(file).read(columns=["reason"])["reason"].to_pylist())
    return found


def _readable(home: Home, feed: Feed, result: Ingested, reasons: Counter[str]) -> dg.AssetCheckResult:
    query = (
        sa.select(deliveries.c.name, deliveries.c.reason)
        .where(deliveries.c.feed == feed.name, deliveries.c.state == "unreadable")
        .order_by(deliveries.c.received_at.desc())
        .limit(NAMED)
    )
    with home.ledger.engine.connect() as connection:
        unreadable = [f"{row.name}: {row.reason}" for row in connection.execute(query)]
    drifted = {reason: count for reason, count in reasons.items() if reason in DRIFT}
    return dg.AssetCheckResult(
        check_name="readable",
        passed=not result.unreadable and not drifted,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "unreadable_now": result.unreadable,
            "unreadable_newest": dg.MetadataValue.json(unreadable),
            "rows_of_another_shape": dg.MetadataValue.json(drifted),
        },
    )


def _rejected_rows(result: Ingested, reasons: Counter[str]) -> dg.AssetCheckResult:
    seen = result.rows + result.rejected_rows
    share = result.rejected_rows / seen if seen else 0.0
    return dg.AssetCheckResult(
        check_name="rejected_rows",
        passed=share <= REJECTED_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows": seen, "rejected_share": share, "reasons": dg.MetadataValue.json(dict(reasons))},
    )


def _fresh(home: Home, feed: Feed) -> dg.AssetCheckResult:
    """Look at the newest day that is due in every zone: was the vendor asked for it, and has it rows?"""
    now = utc_now()
    today = now.date()
    due = due_days(home, feed, today - timedelta(days=max(feed.restates_days, 2)), today, now)
    if not due:
        return dg.AssetCheckResult(check_name="fresh", passed=True, metadata={"due_day": "none yet"})
    day = due[-1]
    arrived = sa.select(sa.func.count()).select_from(delivery_days)
    asked = sa.select(feed_days.c.asked_at).where(feed_days.c.feed == feed.name, feed_days.c.business_date == day)
    with home.ledger.engine.connect() as connection:
        count = connection.execute(
            arrived.where(delivery_days.c.feed == feed.name, delivery_days.c.business_date == day)
        ).scalar_one()
        asked_at = connection.execute(asked).scalar()
    return dg.AssetCheckResult(
        check_name="fresh",
        passed=count > 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "due_day": day.isoformat(),
            "deliveries": count,
            "asked_at": asked_at.isoformat() if asked_at else "not yet",
        },
    )
