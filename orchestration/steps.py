"""The cycle as plain functions: fetch and keep, parse a day, replay. Dagster, the CLI and the tests all call these.

Bytes are durable before anything reads them, and a business day is replaced, never appended. The transform and the
publication are in transform.py and publish/.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.batches import batches
from orchestration.catalogue import Catalogue, load_catalogue
from orchestration.inventory import Inventory, load_inventory
from orchestration.landing.ledger import Delivery, Ledger
from orchestration.landing.store import Landing
from orchestration.progress import report
from orchestration.raw.store import Raw
from orchestration.settings import Settings
from orchestration.sources.arrow import dates, strings, tally
from orchestration.sources.contract import (
    Asked,
    Channel,
    Connector,
    Failure,
    Feed,
    FileOutcome,
    Landed,
    Parsed,
    Payload,
    SourceError,
    Watchable,
    Window,
)
from orchestration.sources.remote import temporary

KEEP_BATCH = 100  # payloads made durable together: their syncs overlap, and a crash loses no more than these fetches
PARSE_FILES = 600
PARSE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Home:
    """One FOOTFALL_HOME, opened."""

    settings: Settings
    catalogue: Catalogue
    inventory: Inventory
    landing: Landing
    ledger: Ledger
    raw: Raw


@dataclass(slots=True)
class Ingested:
    """What an ingest of one feed brought. `days`: the business days whose raw rows were replaced."""

    feed: str
    kept: int = 0
    duplicates: int = 0
    failures: list[Failure] = field(default_factory=list)
    unreadable: int = 0
    rows: int = 0
    rejected_rows: int = 0
    days: set[date] = field(default_factory=set)


def utc_now() -> datetime:
    """Tell the time; the only clock of the steps."""
    return datetime.now(UTC)


def open_home(settings: Settings) -> Home:
    """Open a home: reference files checked, directories made, landed payloads that the ledger lacks entered."""
    home = Home(
        settings=settings,
        catalogue=load_catalogue(settings.reference),
        inventory=load_inventory(settings.reference),
        landing=Landing(settings.home / "landing"),
        ledger=Ledger.at(settings.home, settings.ledger_url.get_secret_value() if settings.ledger_url else None),
        raw=Raw(settings.home / "raw"),
    )
    home.raw.prepare(home.catalogue.connectors.values())
    home.ledger.adopt(home.landing, utc_now())
    return home


def due_days(home: Home, feed: Feed, first: date, last: date, now: datetime) -> list[date]:
    """List the business days in [first, last] whose delivery is due in every zone the feed's counters stand in."""
    if feed.due is None:
        return []
    zones = {branch.timezone for branch in home.inventory.branches} or {"UTC"}
    found: list[date] = []
    for step in range(max(0, (last - first).days + 1)):
        day = first + timedelta(days=step)
        moment = datetime.combine(day + timedelta(days=feed.due.days_after), feed.due.at)
        if all(moment.replace(tzinfo=ZoneInfo(zone)) <= now for zone in zones):
            found.append(day)
    return found


def ingest(home: Home, connector: Connector, window: Window | None = None) -> Ingested:
    """Fetch, keep and parse one feed: its remote place and its inbox. None as window asks for whatever is new."""
    feed = connector.feed
    result = Ingested(feed.name)
    started = utc_now()
    reached = _fetch(home, connector, window, result)
    _take_inbox(home, connector, result)
    parse_pending(home, connector, result)
    if reached:
        _note_asked(home, connector, window, started, result)
    return result


def _note_asked(home: Home, connector: Connector, window: Window | None, now: datetime, result: Ingested) -> None:
    """Note which due days were asked for: from now on, what they lack is missing.

    A feed that comes only by hand is not missed beyond its last delivered day, unless that day is asked for by name.
    """
    feed = connector.feed
    first, last = now.date() - timedelta(days=feed.restates_days), now.date()
    if window is not None:
        first, last = window.first, min(window.last, last)
    elif not connector.is_remote:
        last = min(last, home.ledger.last_day(feed.name) or date.min)
    fresh = home.ledger.asked(feed.name, feed.source, due_days(home, feed, first, last, now), now)
    if fresh:
        home.landing.note_asked(feed.source, feed.name, fresh, now)
        result.days |= set(fresh)


def _fetch(home: Home, connector: Connector, window: Window | None, result: Ingested) -> bool:
    """Fetch what is new from the vendor; tell whether the vendor could be reached."""
    feed = connector.feed
    reached = True
    batch: list[Payload] = []
    ignored: list[str] = []
    try:
        for found in connector.fetch(_asked(home, feed, window)):
            if isinstance(found, Failure):
                result.failures.append(found)
                if found.reason.startswith("ignored_"):
                    ignored.append(found.name)
                continue
            batch.append(found)
            report(f"fetch {feed.name}", result.kept + result.duplicates + len(batch))
            if len(batch) >= KEEP_BATCH:
                keep(home, batch, result)
                batch.clear()
    except SourceError as error:
        reached = False
        result.failures.append(Failure(feed.name, error.reason, str(error)))
    keep(home, batch, result)
    home.ledger.fail(result.failures, utc_now())
    home.ledger.remember(feed.name, [(name, -1, None, True) for name in ignored])
    return reached


def _asked(home: Home, feed: Feed, window: Window | None) -> Asked:
    listed = home.ledger.listed(feed.name)
    return Asked(
        home=home.settings.home,
        window=window,
        devices=home.inventory.devices(feed.source),
        secret=home.settings.secret,
        is_known=lambda name, size, at: listed.get(name) == (size, at, True),
        now=utc_now,
    )


def waiting_files(home: Home, connector: Connector) -> list[str]:
    """Name what a fetch would read now, where the vendor's place can be looked at cheaply. Raises SourceError."""
    return connector.waiting(_asked(home, connector.feed, None)) if isinstance(connector, Watchable) else []


def keep(home: Home, payloads: Sequence[Payload], result: Ingested) -> None:
    """Make payloads durable, then enter them: the only way in."""
    if not payloads:
        return
    kept = home.landing.keep(payloads)
    fresh = home.ledger.record(kept, utc_now())
    result.kept += len(fresh)
    result.duplicates += len(kept) - len(fresh)
    remote = [(p.name, len(p.content), p.modified_at, True) for p in payloads if p.channel is Channel.REMOTE]
    if remote:
        home.ledger.remember(payloads[0].feed, remote)


def inbox(home: Home, feed: str) -> Path:
    """Return the folder that people drop files of a feed into."""
    return home.settings.home / "inbox" / feed


def inbox_files(home: Home, feed: str) -> list[Path]:
    """List the files that wait in a feed's inbox, oldest first."""
    folder = inbox(home, feed)
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if path.is_file() and not temporary(path.name)]
    return sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _take_inbox(home: Home, connector: Connector, result: Ingested) -> None:
    """Land what was dropped into the inbox; a file goes to imported/ once its bytes are durable and entered."""
    for paths in batches(inbox_files(home, connector.feed.name), KEEP_BATCH):
        stable = [path for path in paths if _is_quiet(path)]
        keep(home, [_in_hand(connector, path, Channel.INBOX) for path in stable], result)
        for path in stable:
            done = path.parent / "imported"
            done.mkdir(exist_ok=True)
            path.replace(done / path.name)


def _is_quiet(path: Path) -> bool:
    """Tell whether a dropped file has stopped growing: untouched for a second, or since longer."""
    return utc_now().timestamp() - path.stat().st_mtime >= 1.0


def _in_hand(connector: Connector, path: Path, channel: Channel) -> Payload:
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return connector.payload(path.name, path.read_bytes(), utc_now(), channel, modified)


def import_files(home: Home, connector: Connector, paths: Iterable[Path]) -> Ingested:
    """Take files in hand: land, enter, parse."""
    result = Ingested(connector.feed.name)
    for chunk in batches(paths, KEEP_BATCH):
        keep(home, [_in_hand(connector, path, Channel.MANUAL) for path in chunk], result)
    parse_pending(home, connector, result)
    return result


def dry_run(connector: Connector, paths: Iterable[Path]) -> Parsed:
    """Parse files in hand and write nothing."""
    payloads = [(str(path), _in_hand(connector, path, Channel.MANUAL)) for path in paths]
    return connector.parse([Landed(name, payload, payload.delivered_at) for name, payload in payloads])


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
    parsed = _parse(home, connector, group)
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
    current = _current(item for key, item in known.items() if key not in unread)
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
    home.ledger.parsed(feed.name, feed.source, parsed.outcomes, by_day, days, days - told)
    result.days |= days
    result.unreadable += sum(item.state == "unreadable" for item in parsed.outcomes)
    result.rows += sum(item.row_count for item in parsed.outcomes)
    result.rejected_rows += sum(item.rejected_row_count for item in parsed.outcomes)


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


def replay(home: Home, connector: Connector, first: date, last: date) -> Ingested:
    """Parse again from landing what stands on these business days."""
    result = Ingested(connector.feed.name)
    home.ledger.set_pending(connector.feed.name, first, last)
    parse_pending(home, connector, result)
    return result


def rebuild_raw(home: Home) -> list[Ingested]:
    """Throw raw/ and the warehouse away and make raw/ again from landing; the transform does the rest."""
    for path in (home.settings.warehouse, home.settings.warehouse.with_suffix(".duckdb.wal")):
        path.unlink(missing_ok=True)
    shutil.rmtree(home.settings.home / "transform", ignore_errors=True)
    home.raw.clear()
    home.raw.prepare(home.catalogue.connectors.values())
    return [replay(home, connector, date.min, date.max) for connector in home.catalogue.connectors.values()]
