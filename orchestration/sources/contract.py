"""What every source speaks: feeds, payloads, rejections, and errors named by what the caller does next.

Values only. No network, no clock, no settings, no storage: those live in the rooms that use these words.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

import pyarrow as pa
from pydantic import SecretStr


class Kind(StrEnum):
    """What the rows of a feed are about."""

    COUNTS = "counts"
    OCCUPANCY = "occupancy"
    EVENTS = "events"
    SALES = "sales"
    REFERENCE = "reference"
    STATUS = "status"


class Channel(StrEnum):
    """How a payload reached us."""

    REMOTE = "remote"  # polled from a file server
    INBOX = "inbox"  # dropped into FOOTFALL_HOME/inbox/<feed>/
    MANUAL = "manual"  # `footfall import`
    API = "api"  # pulled from a vendor's interface


class SourceError(Exception):
    """A fetch that failed. `reason` is a stable snake_case code for the ledger; the message never holds a secret."""

    reason = "source_error"


class NotPublished(SourceError):
    """The vendor does not have it yet. Ask again at the next schedule."""

    reason = "not_published"


class Throttled(SourceError):
    """The vendor asked us to slow down and kept asking. Ask again later."""

    reason = "throttled"


class Unreachable(SourceError):
    """No connection, or it broke and did not come back. Retried already; ask again at the next schedule."""

    reason = "unreachable"


class Refused(SourceError):
    """Credentials, host key or certificate were refused. A person must act; do not retry."""

    reason = "refused"


class Unreadable(SourceError):
    """Bytes arrived and are kept, but cannot be read as this feed. Mend the profile and replay."""

    reason = "unreadable"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Window:
    """Business days asked for, both ends included."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Device:
    """A counter as a source addresses it (one row of reference/counters.csv, reduced)."""

    source: str
    device_id: str
    line_id: str = ""
    address: str = ""
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """Bytes of one feed exactly as the vendor sent them, with what was known when they arrived.

    `name` is the vendor's own name (file name, or request without secrets). `device_id`, `line_id` and
    `business_date` are set only where the name or the request says so; rows may say more. `modified_at`
    is the vendor's clock (UTC) for when it wrote the bytes; None where the interface does not tell.
    """

    feed: str
    source: str
    name: str
    content: bytes = field(repr=False)
    received_at: datetime
    channel: Channel
    modified_at: datetime | None = None
    device_id: str = ""
    line_id: str = ""
    business_date: date | None = None

    @property
    def delivered_at(self) -> datetime:
        """When the vendor had delivered: its own time where known and not in our future, else ours (UTC)."""
        return min(self.modified_at, self.received_at) if self.modified_at else self.received_at


@dataclass(frozen=True, slots=True)
class Failure:
    """One device or file that could not be fetched; the others go on."""

    feed: str
    reason: str
    message: str
    name: str = ""
    device_id: str = ""
    business_date: date | None = None


@dataclass(frozen=True, slots=True)
class Landed:
    """A payload that is durable in landing: what `parse` is given.

    `effective_at` (UTC): the last time the vendor had these bytes ready; the newest of several deliveries wins by it.
    `first_delivered_at` (UTC): the first time, where the ledger knows of an earlier one than the payload.
    """

    delivery_id: str
    payload: Payload
    effective_at: datetime
    first_delivered_at: datetime | None = None

    @property
    def delivered_at(self) -> datetime:
        """When the vendor first had these bytes ready (UTC): what lateness is judged by."""
        return self.first_delivered_at or self.payload.delivered_at


@dataclass(frozen=True, slots=True)
class Due:
    """When a business day is due: this local time, so many days after it ends at local midnight."""

    at: time
    days_after: int = 1


@dataclass(frozen=True, slots=True)
class Feed:
    """One stream of one vendor, as the rest of the house needs to know it.

    `dense`: absent intervals are missing (True) or zero (False, sparse). `per_device_day`: one delivery per
    placed counter and business day is expected. `restates_days`: how far back the vendor corrects itself.
    `table`: the raw layout its rows have (the Parquet file's name). `timezone`: the zone all its rows are written in,
    empty where each branch's own applies. `sums_doors`: its rows are sums over all doors of a place, so that a dead
    door does not show.
    """

    name: str
    source: str
    kind: Kind
    table: str
    grain_minutes: int = 60
    dense: bool = True
    per_device_day: bool = False
    due: Due | None = None
    restates_days: int = 8
    precedence: int = 100
    schedule: str = ""
    timezone: str = ""
    sums_doors: bool = False


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What parsing made of one delivery. `reason` is empty unless the whole file was unreadable or empty."""

    delivery_id: str
    row_count: int
    rejected_row_count: int
    blank_row_count: int = 0
    state: str = "parsed"  # parsed | empty | unreadable
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Rows and rejections of some deliveries, as Arrow, each row with `_business_date` and `_delivery_id`."""

    rows: pa.Table
    rejections: pa.Table
    outcomes: tuple[FileOutcome, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a connector is asked for, and what it may use to answer.

    `window`: business days wanted, None for whatever is new. `secret(env, file)` resolves a secret by its name.
    `is_known(name, size, modified_at)` tells whether exactly this remote file was landed before. `now()` is UTC.
    `home`: where relative paths in feed tables start.
    """

    home: Path
    window: Window | None
    devices: Sequence[Device]
    secret: Callable[[str, str], SecretStr | None]
    is_known: Callable[[str, int, datetime | None], bool]
    now: Callable[[], datetime]


class Connector(Protocol):
    """One configured feed of one vendor. A module of this package offers them through `open_feed(name, table)`."""

    @property
    def feed(self) -> Feed:
        """Describe the feed."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """The layout of the rows that `parse` gives: vendor columns, then the bookkeeping ones."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash that changes when the same bytes would be read differently."""
        ...

    @property
    def is_remote(self) -> bool:
        """Tell whether there is a place to fetch from; without one, files come by inbox or import."""
        ...

    def fetch(self, asked: Asked) -> Iterator[Payload | Failure]:
        """Yield payloads as they arrive. One bad device or file is a Failure; SourceError ends the feed's fetch."""
        ...

    def payload(
        self, name: str, content: bytes, received_at: datetime, channel: Channel, modified_at: datetime | None
    ) -> Payload:
        """Wrap bytes that somebody handed us as a file."""
        ...

    def parse(self, landed: Iterable[Landed]) -> Parsed:
        """Turn payloads into rows and rejections. Pure."""
        ...


@runtime_checkable
class Watchable(Protocol):
    """A connector whose place can be looked at cheaply."""

    def waiting(self, asked: Asked) -> list[str]:
        """List the names that a fetch would read now: one listing, nothing read. Raises SourceError."""
        ...
