"""Withdrawn deliveries: a wrong file that was imported. The bytes stay; the note beside them in landing is the truth.

`<source>/<feed>/retracted.jsonl` has a line per withdrawal or its undoing. The ledger follows it: a delivery whose
standing changed is parsed again, and its days without it. Which rows that takes away is in parsing.py.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from orchestration.batches import batches
from orchestration.landing.ledger import Ledger
from orchestration.landing.ledger_tables import deliveries, feed_days

RETRACTED = "retracted"  # the ledger's state of a delivery that was parsed as withdrawn
_FILE = "retracted.jsonl"
_BATCH = 400


@dataclass(frozen=True, slots=True)
class Retraction:
    """A delivery withdrawn, with the words of who did it; or let stand again."""

    delivery_id: str
    reason: str
    at: datetime
    is_undone: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A delivery as a person may name it."""

    delivery_id: str
    feed: str
    source: str
    name: str
    device_id: str
    named_date: date | None
    sha256: str


def note_retraction(root: Path, source: str, feed: str, retraction: Retraction) -> None:
    """Keep a withdrawal durably, before anything acts on it."""
    folder = root / source / feed
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({**asdict(retraction), "at": retraction.at.isoformat()}) + "\n"
    with (folder / _FILE).open("a+b") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            line = line if stream.read(1) == b"\n" else f"\n{line}"  # after one that a power cut tore
        stream.write(line.encode())
        stream.flush()
        os.fsync(stream.fileno())
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def retracted(root: Path, feed: str = "*") -> dict[str, Retraction]:
    """Return what is withdrawn now, by delivery; a torn line is left out."""
    found: dict[str, Retraction] = {}
    for file in sorted(root.glob(f"*/{feed}/{_FILE}")):
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                told = json.loads(line)
            except ValueError:
                continue
            item = Retraction(
                told["delivery_id"], told["reason"], datetime.fromisoformat(told["at"]), told["is_undone"]
            )
            found.pop(item.delivery_id, None)
            if not item.is_undone:
                found[item.delivery_id] = item
    return found


def named_deliveries(ledger: Ledger, name: str) -> list[Named]:
    """Find deliveries by id, or by the SHA-256 of their bytes (its first twelve digits or more)."""
    d = deliveries.c
    columns = (d.delivery_id, d.feed, d.source, d.name, d.device_id, d.named_date, d.sha256)
    is_hash = len(name) >= 12 and all(digit in "0123456789abcdef" for digit in name)
    where = (d.delivery_id == name) | d.sha256.startswith(name) if is_hash else d.delivery_id == name
    with ledger.engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).where(where).order_by(d.feed, d.delivery_id))
        return [Named(*row) for row in rows]


def reopen(ledger: Ledger, ids: Iterable[str]) -> None:
    """Let these deliveries be parsed again."""
    with ledger.begin() as connection:
        for batch in batches(list(ids), _BATCH):
            query = sa.update(deliveries).where(deliveries.c.delivery_id.in_(batch))
            connection.execute(query.values(state="landed"))


def follow_landing(ledger: Ledger, root: Path) -> None:
    """Reopen deliveries whose standing in the ledger is not what landing says: after a crash, or in a new ledger."""
    wanted = set(retracted(root))
    d = deliveries.c
    with ledger.engine.connect() as connection:
        held = set(connection.execute(sa.select(d.delivery_id).where(d.state == RETRACTED)).scalars())
        there: set[str] = set()
        for batch in batches(sorted(wanted - held), _BATCH):
            query = sa.select(d.delivery_id).where(d.delivery_id.in_(batch), d.state != "landed")
            there |= set(connection.execute(query).scalars())
    if different := there | (held - wanted):
        reopen(ledger, sorted(different))


def forget_days(ledger: Ledger, feed: str, days: Iterable[date]) -> None:
    """Let days that only withdrawn deliveries told of be unknown again, unless they were asked for."""
    with ledger.begin() as connection:
        for batch in batches(sorted(days), _BATCH):
            key = (feed_days.c.feed == feed) & feed_days.c.business_date.in_(batch)
            unasked = feed_days.c.asked_at.is_(None)
            connection.execute(sa.update(feed_days).where(key, unasked).values(is_known=False))
