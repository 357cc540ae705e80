"""Landing: every payload as it was received, one immutable compressed file each, named by its content's hash.

A file is a zstd skippable frame with the envelope (JSON) followed by a zstd frame with the bytes: `zstd -dc` prints
exactly what the vendor sent, and the ledger can be rebuilt from landing alone. No ledger, no parsing here.
"""

import hashlib
import json
import os
import re
import struct
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import zstandard

from orchestration.sources.contract import Channel, Payload

_SKIPPABLE = 0x184D2A50
_WRITERS = 4  # fsync waits on the disk, not on us: in flight together they share its commits
_MAX_ENVELOPE = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A payload that is durable. `path` is relative to the landing directory."""

    delivery_id: str
    sha256: str
    path: str
    payload: Payload


class Landing:
    """The landing directory. `keep` returns only after the bytes and their names are on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, payloads: Sequence[Payload]) -> list[Kept]:
        """Write payloads durably (file and directory synced) and return where they stand; a repeat writes nothing."""
        kept = [self._name(payload) for payload in payloads]
        by_folder: dict[str, dict[str, Kept]] = {}
        for item in kept:
            by_folder.setdefault(os.path.dirname(item.path), {})[item.path] = item  # noqa: PTH120 - hot
        for folder, items in by_folder.items():
            place = self.root / folder
            place.mkdir(parents=True, exist_ok=True)
            there = set(os.listdir(place))  # noqa: PTH208 - names only
            fresh = [item for path, item in items.items() if path[len(folder) + 1 :] not in there]
            if len(fresh) > 1:
                with ThreadPoolExecutor(_WRITERS) as pool:
                    list(pool.map(self._write, fresh))
            else:
                for item in fresh:
                    self._write(item)
            for parent in (place, *place.parents):
                _sync_directory(parent)
                if parent == self.root:
                    break
        return kept

    def read(self, path: str) -> Payload:
        """Read a payload back, bytes and envelope. Raises ValueError when the file is not whole or not its hash."""
        data = (self.root / path).read_bytes()
        envelope, offset = _envelope(data, path)
        content = zstandard.ZstdDecompressor().decompress(data[offset:])
        if hashlib.sha256(content).hexdigest() != envelope["sha256"]:
            msg = f"landing/{path} does not hold the bytes that its name says: restore it from a backup"
            raise ValueError(msg)
        return _payload(envelope, content)

    def walk(self, since: date | None = None) -> Iterator[Kept]:
        """Go through all that was ever kept (received on or after `since`), without unpacking the bytes."""
        for folder in sorted(self.root.glob("*/*/*")):
            if since is not None and folder.name < since.isoformat():
                continue
            for file in sorted(folder.glob("*.zst")):
                path = str(file.relative_to(self.root))
                with file.open("rb") as stream:
                    head = stream.read(8)
                    size = struct.unpack("<II", head)[1] if len(head) == 8 else 0
                    envelope, _ = _envelope(head + stream.read(min(size, _MAX_ENVELOPE)), path)
                yield Kept(envelope["delivery_id"], envelope["sha256"], path, _payload(envelope, b""))

    def note_asked(self, source: str, feed: str, days: Sequence[date], at: datetime) -> None:
        """Keep that these due business days were asked for: that nothing came is also something received."""
        folder = self.root / source / feed
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "asked.csv").open("a", encoding="utf-8") as stream:
            stream.writelines(f"{day.isoformat()},{at.astimezone(UTC).isoformat()}\n" for day in days)
            stream.flush()
            os.fsync(stream.fileno())

    def asked(self) -> Iterator[tuple[str, str, date, datetime]]:
        """Go through (source, feed, business day, asked at), a torn last line left out."""
        for file in sorted(self.root.glob("*/*/asked.csv")):
            for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
                day, _, at = line.strip().partition(",")
                if line.endswith("\n") and at:
                    yield file.parent.parent.name, file.parent.name, date.fromisoformat(day), datetime.fromisoformat(at)

    def byte_count(self, path: str) -> int:
        """Return how many bytes the vendor sent, from the envelope."""
        data = (self.root / path).read_bytes()
        return int(_envelope(data, path)[0]["byte_count"])

    def _name(self, payload: Payload) -> Kept:
        sha256 = hashlib.sha256(payload.content).hexdigest()
        delivery_id = identity(payload, sha256)
        stamp = (payload.modified_at or payload.received_at).astimezone(UTC).strftime("%Y%m%dT%H%M%S")
        folder = f"{payload.source}/{payload.feed}/{payload.received_at.astimezone(UTC).date().isoformat()}"
        return Kept(delivery_id, sha256, f"{folder}/{sha256}-{delivery_id[:8]}-{stamp}.zst", payload)

    def _write(self, item: Kept) -> None:
        target = self.root / item.path
        payload = item.payload
        envelope = json.dumps(
            {
                "delivery_id": item.delivery_id,
                "sha256": item.sha256,
                "byte_count": len(payload.content),
                "feed": payload.feed,
                "source": payload.source,
                "name": payload.name,
                "channel": payload.channel,
                "received_at": payload.received_at.astimezone(UTC).isoformat(),
                "modified_at": payload.modified_at.astimezone(UTC).isoformat() if payload.modified_at else None,
                "device_id": payload.device_id,
                "line_id": payload.line_id,
                "business_date": payload.business_date.isoformat() if payload.business_date else None,
            }
        ).encode()
        head = struct.pack("<II", _SKIPPABLE, len(envelope)) + envelope
        temporary = f"{target.parent}/.{item.delivery_id}.{os.getpid()}.{threading.get_ident()}.tmp"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o444)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as stream:
                stream.write(head + zstandard.ZstdCompressor(level=3).compress(payload.content))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, target)  # noqa: PTH104 - hot


def identity(payload: Payload, sha256: str) -> str:
    """Name a delivery by what it is: feed, the device and day its name gives, and its bytes.

    The file's name is not part of it: the same sales file uploaded twice under two names is one delivery.
    """
    day = payload.business_date.isoformat() if payload.business_date else ""
    text = json.dumps([payload.feed, payload.device_id, payload.line_id, day, sha256])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def safe_name(name: str) -> str:
    """Make a vendor's name fit for a terminal or a log line: control characters shown, length bounded."""
    shown = re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found.group()):02x}", name)
    return shown if len(shown) <= 255 else shown[:252] + "..."


def _envelope(data: bytes, path: str) -> tuple[dict[str, str], int]:
    magic, size = struct.unpack_from("<II", data) if len(data) >= 8 else (0, 0)
    if magic != _SKIPPABLE or len(data) < 8 + size or size > _MAX_ENVELOPE:
        msg = f"landing/{path} is damaged: it does not begin with its envelope"
        raise ValueError(msg)
    return json.loads(data[8 : 8 + size]), 8 + size


def _payload(envelope: dict[str, str], content: bytes) -> Payload:
    modified, day = envelope["modified_at"], envelope["business_date"]
    return Payload(
        feed=envelope["feed"],
        source=envelope["source"],
        name=envelope["name"],
        content=content,
        received_at=datetime.fromisoformat(envelope["received_at"]),
        channel=Channel(envelope["channel"]),
        modified_at=datetime.fromisoformat(modified) if modified else None,
        device_id=envelope["device_id"],
        line_id=envelope["line_id"],
        business_date=date.fromisoformat(day) if day else None,
    )


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
