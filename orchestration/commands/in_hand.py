"""Files in hand, judged: what each is as a delivery, what parsing makes of it, and whether a newer one stands.

Shared by `import` and its dry run. Reads files, the ledger and raw/; writes nothing.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from orchestration.batches import batches
from orchestration.commands.ledger_view import standing
from orchestration.landing.ledger import Ledger
from orchestration.landing.store import identity
from orchestration.progress import report
from orchestration.settings import Settings
from orchestration.sources.contract import Channel, Connector, Kind, Parsed
from orchestration.steps import dry_run

REJECTED_SHOWN = 10
_TRIED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class FileInHand:
    """One file and what came of it. `newer`: which delivery stands in its stead, or empty."""

    path: Path
    delivery_id: str
    delivered_at: datetime
    device_id: str
    line_id: str
    named_date: date | None
    is_duplicate: bool = False
    state: str = ""
    reason: str = ""
    message: str = ""
    row_count: int = 0
    rejected_row_count: int = 0
    days: tuple[date, ...] = ()
    newer: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True, slots=True)
class Imported:
    """All files of one import, the first rejected rows, and the business days that changed."""

    files: list[FileInHand]
    rejected: list[dict[str, Any]]
    days: set[date] = field(default_factory=set)


def examined(connector: Connector, paths: Iterable[Path]) -> list[FileInHand]:
    """Name the deliveries that these files are, one by one, without parsing them."""
    found: list[FileInHand] = []
    for path in dict.fromkeys(paths):
        content = path.read_bytes()
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        payload = connector.payload(path.name, content, datetime.now(UTC), Channel.MANUAL, modified)
        found.append(
            FileInHand(
                path,
                identity(payload, hashlib.sha256(content).hexdigest()),
                payload.delivered_at,
                payload.device_id,
                payload.line_id,
                payload.business_date,
            )
        )
    return found


def known_before(connector: Connector, paths: Iterable[Path], ledger: Ledger | None) -> set[str]:
    """Return the ids of those of these files whose bytes came before."""
    if ledger is None:
        return set()
    return set(standing(ledger, [file.delivery_id for file in examined(connector, paths)]))


def tried(connector: Connector, paths: Sequence[Path], ledger: Ledger | None) -> Imported:
    """Parse the files as an import would, and write nothing."""
    files = examined(connector, paths)
    known = set(standing(ledger, [file.delivery_id for file in files])) if ledger else set()
    judged: list[FileInHand] = []
    rejected: list[dict[str, Any]] = []
    for group in batches(files, _TRIED_AT_ONCE):
        parsed = dry_run(connector, [file.path for file in group])
        days = _days_by_delivery(parsed)
        outcomes = {item.delivery_id: item for item in parsed.outcomes}
        for file in group:
            outcome = outcomes[str(file.path)]
            judged.append(
                replace(
                    file,
                    is_duplicate=file.delivery_id in known,
                    state=outcome.state,
                    reason=outcome.reason,
                    message=outcome.message,
                    row_count=outcome.row_count,
                    rejected_row_count=outcome.rejected_row_count,
                    days=tuple(sorted(days.get(str(file.path), ()))),
                )
            )
        names = {str(file.path): file.path.name for file in group}
        rejected += _rejections(parsed.rejections, names, REJECTED_SHOWN - len(rejected))
        report(f"try {connector.feed.name}", len(judged), len(files))
    if ledger is not None:
        judged = _overtaken(connector, judged, ledger, {file.delivery_id: file.delivered_at for file in judged})
    return Imported(judged, rejected, {day for file in judged for day in file.days})


def imported(
    settings: Settings,
    connector: Connector,
    paths: Sequence[Path],
    ledger: Ledger,
    before: set[str],
    days: set[date],
) -> Imported:
    """Tell from the ledger and raw/ what became of files that were just imported; `days` are those they changed."""
    files = examined(connector, paths)
    ids = [file.delivery_id for file in files]
    entered, with_rows = standing(ledger, ids), ledger.days_of(ids)
    judged: list[FileInHand] = []
    seen = set(before)
    for file in files:
        held = entered.get(file.delivery_id)
        if held is None:  # the run broke before it came to this file
            judged.append(replace(file, state="unreadable", reason="not_kept", message="not taken: import it again"))
            continue
        judged.append(
            replace(
                file,
                is_duplicate=file.delivery_id in seen,
                state=held.state,
                reason=held.reason,
                message=held.message,
                row_count=held.row_count,
                rejected_row_count=held.rejected_row_count,
                days=tuple(sorted(with_rows.get(file.delivery_id, ()))),
            )
        )
        seen.add(file.delivery_id)
    names = {file.delivery_id: file.path.name for file in judged}
    judged = _overtaken(connector, judged, ledger, {key: held.effective_at for key, held in entered.items()})
    folder = settings.home / "raw" / connector.feed.source / connector.feed.name
    rejected: list[dict[str, Any]] = []
    for day in sorted({day for file in judged if file.rejected_row_count for day in file.days}):
        table = folder / f"business_date={day.isoformat()}" / "rejected.parquet"
        if table.exists() and len(rejected) < REJECTED_SHOWN:
            rejected += _rejections(pq.ParquetFile(table).read(), names, REJECTED_SHOWN - len(rejected))
    return Imported(judged, rejected, days)


def _days_by_delivery(parsed: Parsed) -> dict[str, set[date]]:
    found: dict[str, set[date]] = {}
    for table in (parsed.rows, parsed.rejections):
        for row in table.group_by(["_delivery_id", "_business_date"]).aggregate([]).to_pylist():
            found.setdefault(row["_delivery_id"], set()).add(row["_business_date"])
    return found


def _rejections(table: Any, names: dict[str, str], limit: int) -> list[dict[str, Any]]:
    """Return the first rejected rows of these deliveries, with their file's name."""
    if limit <= 0 or not table.num_rows:
        return []
    found = [
        {"file_name": names[row.pop("_delivery_id")], **row}
        for row in table.select(["_delivery_id", "line_number", "column_name", "value", "reason"]).to_pylist()
        if row["_delivery_id"] in names
    ]
    return sorted(found, key=lambda row: (row["file_name"], row["line_number"]))[:limit]


def _overtaken(
    connector: Connector, files: list[FileInHand], ledger: Ledger, effective: dict[str, datetime]
) -> list[FileInHand]:
    """Note on each file which newer delivery stands in its stead: the newest wins, whenever it came to us."""
    ours = {file.delivery_id for file in files}
    feed = connector.feed.name
    named = ledger.of_named_days(feed, sorted({file.named_date for file in files if file.named_date}))
    unnamed = ledger.of_days(feed, sorted({day for file in files if not file.named_date for day in file.days}))
    others = {item.delivery_id: item for item in [*named, *unnamed]}
    details = standing(ledger, list(others))
    on_days = ledger.days_of(list(others)) if unnamed else {}
    judged: list[FileInHand] = []
    for file in files:
        at = effective.get(file.delivery_id, file.delivered_at)
        newer = [
            details[key]
            for key, other in others.items()
            if key != file.delivery_id and other.effective_at > at and details[key].state == "parsed"
            and (
                other.slot == (file.device_id, file.line_id, file.named_date)
                if file.named_date
                else key not in ours
                and (other.device_id, other.line_id) == (file.device_id, file.line_id)
                and not on_days.get(key, set()).isdisjoint(file.days)
            )
        ]  # fmt: skip
        if newer and file.state != "unreadable":
            best = max(newer, key=lambda item: item.effective_at)
            what = "this counter and day" if file.named_date else f"the same {_shared(connector)}"
            told = f"{best.name} of {best.effective_at:%Y-%m-%d %H:%M} UTC is newer and stands for {what}"
            file = replace(file, newer=told)  # noqa: PLW2901 - the same file, with a note on it
        judged.append(file)
    return judged


def _shared(connector: Connector) -> str:
    return "shop and day" if connector.feed.kind is Kind.SALES else "counter and time"
