"""The cycle as plain functions: fetch and keep, parse a day, replay. Dagster, the CLI and the tests all call these.

Bytes are durable before anything reads them, and a business day is replaced, never appended. The transform and the
publication are in transform.py and publish/.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from orchestration.batches import batches
from orchestration.home import Home, Ingested, utc_now
from orchestration.landing.retractions import Retraction, note_retraction, reopen, retracted
from orchestration.parsing import parse_pending
from orchestration.progress import report
from orchestration.sources.contract import (
    Asked,
    Channel,
    Connector,
    Failure,
    Feed,
    Landed,
    Parsed,
    Payload,
    SourceError,
    Watchable,
    Window,
)
from orchestration.sources.remote import temporary

KEEP_BATCH = 100  # payloads made durable together: their syncs overlap, and a crash loses no more than these fetches


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
    fresh = home.ledger.not_asked(feed.name, due_days(home, feed, first, last, now))
    if fresh:
        home.landing.note_asked(feed.source, feed.name, fresh, now)
        home.ledger.asked(feed.name, feed.source, fresh, now)
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


def replay(home: Home, connector: Connector, first: date, last: date) -> Ingested:
    """Parse again from landing what stands on these business days."""
    result = Ingested(connector.feed.name)
    home.ledger.set_pending(connector.feed.name, first, last)
    parse_pending(home, connector, result)
    return result


def retract(home: Home, connector: Connector, delivery_id: str, reason: str, *, undo: bool = False) -> Ingested:
    """Withdraw a delivery (or let it stand again): noted in landing first, then its days are parsed without it.

    What it had replaced stands again. Its bytes stay, and the same bytes coming again stay withdrawn. Twice is once.
    """
    feed = connector.feed
    result = Ingested(feed.name)
    if (delivery_id in retracted(home.landing.root, feed.name)) is undo:
        note = Retraction(delivery_id, reason, utc_now(), is_undone=undo)
        note_retraction(home.landing.root, feed.source, feed.name, note)
        reopen(home.ledger, [delivery_id])
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
