"""Parse what is landed and replace the business days it touches: which deliveries make a day, which are revised.

A day's rows are a function of all current deliveries that have rows on it, whatever order they came in.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.home import Home, Ingested
from orchestration.landing.ledger import Delivery
from orchestration.landing.retractions import RETRACTED, Retraction, forget_days, retracted
from orchestration.progress import report
from orchestration.sources.arrow import dates, strings, tally
from orchestration.sources.contract import Connector, FileOutcome, Landed, Parsed

PARSE_FILES = 600
PARSE_BYTES = 64 << 20


def parse_pending(home: Home, connector: Connector, result: Ingested) -> None:
    """Parse what is landed but not parsed, replacing every business day it touches."""
    pending = home.ledger.pending(connector.feed.name)
    for done, group in _groups(home, pending):
        report(f"parse {connector.feed.name}", done, len(pending))
        _replace_days(home, connector, group, result)


def _groups(home: Home, pending: Sequence[Delivery]) -> Iterable[tuple[int, list[Delivery]]]:
    """Cut the work so that memory stays bounded and a business day named by its files is written once."""
    ordered = sorted(pending, key=lambda item: (item.named_date or date.min, item.delivery_id))
    group: list[Delivery] = []
    size = done = 0
    for item in ordered:
        weight = (home.landing.root / item.path).stat().st_size * 8  # daily count files shrink to about an eighth
        full = len(group) >= PARSE_FILES or size + weight > PARSE_BYTES
        if (
            group
            and full
            and (item.named_date is None or item.named_date != group[-1].named_date or size > 4 * PARSE_BYTES)
        ):
            done += len(group)
            yield done, group
            group, size = [], 0
        group.append(item)
        size += weight
    if group:
        yield done + len(group), group


def _replace_days(home: Home, connector: Connector, group: Sequence[Delivery], result: Ingested) -> None:
    """Rebuild the days of these deliveries from all current deliveries that have rows on them."""
    feed = connector.feed
    ids = {item.delivery_id for item in group}
    withdrawn = retracted(home.landing.root, feed.name)
    parsed = _mark(_parse(home, connector, group), withdrawn)
    by_day = _days(parsed)
    before = home.ledger.days_of(list(ids))
    days = {day for item in group for day in (by_day.get(item.delivery_id) or {item.fallback_day: None})}
    days |= {item.named_date for item in group if item.named_date} | {day for found in before.values() for day in found}
    slots = {item.slot for item in group}
    siblings = _named_alike(home, feed.name, group)
    replaced = [item.delivery_id for item in siblings.values() if item.slot in slots]
    days |= {day for found in home.ledger.days_of(replaced).values() for day in found}
    others = {item.delivery_id: item for item in home.ledger.of_days(feed.name, sorted(days))}
    known = siblings | others | _named_alike(home, feed.name, others.values()) | {i.delivery_id: i for i in group}
    unread = {item.delivery_id for item in parsed.outcomes if item.state == "unreadable"}
    unread |= home.ledger.unreadable([key for key in known if key not in ids])
    current = _current(item for key, item in known.items() if key not in unread and key not in withdrawn)
    neighbours = [item for key, item in others.items() if key not in ids and key in current]
    parts = [(parsed, ids <= current | unread)]
    if neighbours:
        parts.append((_parse(home, connector, neighbours), False))
    counted = [part.rows if is_whole else _share(part.rows, current, days) for part, is_whole in parts]
    refused = [
        part.rejections if is_whole else _share(part.rejections, current | unread, days) for part, is_whole in parts
    ]
    rows, rejections = pa.concat_tables(counted), pa.concat_tables(refused)
    home.raw.replace_days(feed, days, rows, rejections)
    told = {item.fallback_day for item in group if item.named_date is None and item.delivery_id not in by_day}
    untold = _told_by(withdrawn.keys() & ids, known, by_day, before)
    if untold:
        others_days = home.ledger.days_of([key for key in known if key not in ids])
        untold -= _told_by(known.keys() - withdrawn.keys(), known, by_day, others_days)
    home.ledger.parsed(feed.name, feed.source, parsed.outcomes, by_day, days, days - told - untold)
    forget_days(home.ledger, feed.name, untold)
    result.days |= days
    result.unreadable += sum(item.state == "unreadable" for item in parsed.outcomes)
    result.rows += sum(item.row_count for item in parsed.outcomes if item.state != RETRACTED)
    result.rejected_rows += sum(item.rejected_row_count for item in parsed.outcomes if item.state != RETRACTED)


def _named_alike(home: Home, feed: str, items: Iterable[Delivery]) -> dict[str, Delivery]:
    """Return the parsed deliveries whose names give the same business days as these: among them are their revisions."""
    named = sorted({item.named_date for item in items if item.named_date})
    return {item.delivery_id: item for item in home.ledger.of_named_days(feed, named)}


def _parse(home: Home, connector: Connector, items: Sequence[Delivery]) -> Parsed:
    landed: list[Landed] = []
    broken: list[FileOutcome] = []
    for item in items:
        try:
            landed.append(Landed(item.delivery_id, home.landing.read(item.path), item.effective_at, item.delivered_at))
        except (OSError, ValueError) as error:
            broken.append(
                FileOutcome(item.delivery_id, 0, 0, state="unreadable", reason="landing_damaged", message=str(error))
            )
    parsed = connector.parse(landed)
    return Parsed(parsed.rows, parsed.rejections, (*parsed.outcomes, *broken))


def _mark(parsed: Parsed, withdrawn: Mapping[str, Retraction]) -> Parsed:
    """Say of withdrawn deliveries that they are, and in whose words why."""
    outcomes = (
        replace(item, state=RETRACTED, reason=withdrawn[item.delivery_id].reason)
        if item.delivery_id in withdrawn
        else item
        for item in parsed.outcomes
    )
    return replace(parsed, outcomes=tuple(outcomes))


def _told_by(
    ids: Iterable[str],
    known: Mapping[str, Delivery],
    by_day: Mapping[str, Mapping[date, tuple[int, int]]],
    before: Mapping[str, set[date]],
) -> set[date]:
    """Return the business days that deliveries tell of, by name or by their rows, now or when last parsed."""
    found: set[date] = set()
    for key in ids:
        named = known[key].named_date
        found |= {*({named} if named else ()), *by_day.get(key, ()), *before.get(key, ())}
    return found


def _days(parsed: Parsed) -> dict[str, dict[date, tuple[int, int]]]:
    """Count accepted and rejected rows by delivery and business day."""
    found: dict[str, dict[date, tuple[int, int]]] = {}
    for place, table in enumerate((parsed.rows, parsed.rejections)):
        for (delivery, day), count in tally(table["_delivery_id"], table["_business_date"]).items():
            good, bad = found.setdefault(delivery, {}).get(day, (0, 0))
            found[delivery][day] = (good + count, bad) if place == 0 else (good, bad + count)
    return found


def _current(items: Iterable[Delivery]) -> set[str]:
    """Of several deliveries for one counter and day the last counts; those whose name gives no day all do."""
    newest: dict[object, Delivery] = {}
    for item in items:
        key = item.slot or item.delivery_id
        held = newest.get(key)
        if held is None or (held.effective_at, held.delivery_id) < (item.effective_at, item.delivery_id):
            newest[key] = item
    return {item.delivery_id for item in newest.values()}


def _share(table: pa.Table, deliveries: set[str], days: set[date]) -> pa.Table:
    """Take the rows of these deliveries on these days."""
    wanted = pc.is_in(table["_delivery_id"], strings(sorted(deliveries)).cast(pa.string()))
    return table.filter(pc.and_(wanted, pc.is_in(table["_business_date"], dates(sorted(days)))))
