"""Doctor's checks of one feed: reach its place with its credentials, list it, and try to parse its newest file.

One file is read and nothing is fetched, landed or entered. Patience is short: doctor is for a person who waits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import stamina

from orchestration.commands.findings import Finding
from orchestration.commands.screen import shown
from orchestration.inventory import Inventory
from orchestration.settings import Settings
from orchestration.sources.contract import (
    Asked,
    Channel,
    Connector,
    Failure,
    Kind,
    Landed,
    Payload,
    SourceError,
    Window,
)
from orchestration.sources.files import FileConnector
from orchestration.sources.remote import RemoteFile, Retry, is_hostile, open_remote, temporary

TIMEOUT_SECONDS = 10.0
_ONCE = Retry(attempts=1)
_MEND = "mend its table in reference/feeds.toml"


def check_feed(settings: Settings, connector: Connector, inventory: Inventory | None) -> Iterator[Finding]:
    """Check one feed."""
    name = connector.feed.name
    for warning in getattr(connector, "warnings", ()):
        yield Finding(name, "warn", warning, f"docs/{connector.feed.source}.md says more")
    try:
        if isinstance(connector, FileConnector):
            yield from _check_files(settings, connector, inventory)
        elif connector.is_remote:
            yield from _check_answer(settings, connector, inventory)
        else:
            yield Finding(name, "ok", "comes by inbox or import")
    except SourceError as error:
        yield Finding(name, "fail", f"{error.reason}: {error}", _remedy(error))


def _remedy(error: SourceError) -> str:
    if error.reason == "refused":
        return "check user, secret and host key or certificate of its [feeds.….remote] table"
    return "check host, port and network; nothing was changed"


def _check_files(settings: Settings, connector: FileConnector, inventory: Inventory | None) -> Iterator[Finding]:
    name, remote = connector.name, connector.profile.remote
    inbox = settings.home / "inbox" / name
    waiting = [path for path in inbox.iterdir() if path.is_file()] if inbox.is_dir() else []
    if waiting:
        files = [RemoteFile(path.name, path.stat().st_size, _modified(path)) for path in waiting]
        newest, findings = _listed(connector, f"inbox/{name}", files, is_remote=False)
        yield from findings
        if newest is not None:
            path = inbox / newest.name
            yield _tried(connector, _wrapped(connector, newest, path.read_bytes(), Channel.INBOX), inventory)
    if remote is None:
        if not waiting:
            yield Finding(name, "ok", f"comes by `footfall import {name} FILE` or inbox/{name}; nothing waits there")
        return
    password = settings.secret(remote.password_env or "", str(remote.password_file or ""))
    soon = {} if remote.protocol == "folder" else {"timeout_seconds": min(remote.timeout_seconds, TIMEOUT_SECONDS)}
    place = remote.resolved(settings.home).model_copy(update=soon)
    with open_remote(place, password, _ONCE) as folder:
        newest, findings = _listed(connector, place.label, folder.list(), is_remote=True)
        yield from findings
        if newest is not None:
            content = folder.read(newest.name)
            yield _tried(connector, _wrapped(connector, newest, content, Channel.REMOTE), inventory)


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _wrapped(connector: FileConnector, file: RemoteFile, content: bytes, channel: Channel) -> Payload:
    return connector.payload(file.name, content, datetime.now(UTC), channel, file.modified_at)


def _listed(
    connector: FileConnector, label: str, files: Sequence[RemoteFile], *, is_remote: bool
) -> tuple[RemoteFile | None, list[Finding]]:
    """Judge a listing by its names; return the newest file of the family and what there is to say."""
    name, pattern = connector.name, connector.profile.name
    so = ": never fetched" if is_remote else ": imported all the same, so the device must stand in a column"
    hostile = [file.name for file in files if is_hostile(file.name)]
    others = [file for file in files if not is_hostile(file.name) and not temporary(file.name)]
    ours = [file for file in others if connector.profile.named(file.name)]
    strange = [file.name for file in others if not connector.profile.named(file.name)]
    newest = max(ours, key=lambda file: (file.modified_at or datetime.min.replace(tzinfo=UTC), file.name), default=None)
    findings = [Finding(name, "ok", f"{label}: {len(files)} files, {len(ours)} named like {pattern!r}")]
    if newest is None and others:
        said = f"{label}: no name matches {pattern!r}, for instance {_some(strange)}"
        findings = [Finding(name, "fail", said, "mend `name` in its table in reference/feeds.toml")]
    elif newest is None:
        findings = [Finding(name, "warn", f"{label}: reached, but empty", "nothing to try; look at `folder`")]
    elif strange:
        said = f"{len(strange)} names do not match {pattern!r}, for instance {_some(strange)}{so}"
        findings.append(Finding(name, "warn", said, "mend `name` if they are deliveries, or ask the sender"))
    if hostile and is_remote:
        said = f"{len(hostile)} names that no counter gives, for instance {_some(hostile)}: never fetched"
        findings.append(Finding(name, "warn", said, "look who may write into that folder"))
    return newest, findings


def _some(names: Sequence[str]) -> str:
    return ", ".join(f"'{shown(name, 60)}'" for name in sorted(names)[:3])


def _tried(connector: Connector, payload: Payload, inventory: Inventory | None) -> Finding:
    """Parse one payload, and say what would come of it."""
    name, file = connector.feed.name, shown(payload.name, 80)
    parsed = connector.parse([Landed("doctor", payload, payload.delivered_at)])
    outcome = parsed.outcomes[0]
    if outcome.state == "unreadable":
        return Finding(name, "fail", f"{file} cannot be read: {outcome.reason}: {shown(outcome.message)}", _MEND)
    if outcome.state == "empty":
        return Finding(name, "warn", f"{file} has no rows", "look whether newer files have some")
    said = f"{file}: {outcome.row_count} rows can be read"
    if outcome.rejected_row_count:
        first = parsed.rejections.slice(0, 1).to_pylist()[0]
        where = f"line {first['line_number']} {first['column_name']}".strip()
        said += (
            f", {outcome.rejected_row_count} rejected (first: {where}: {first['reason']} {shown(first['value'], 40)!r})"
        )
        return Finding(name, "warn", said, "ask the sender, or mend formats in reference/feeds.toml")
    unknown = _unknown(connector, parsed.rows, inventory)
    if unknown:
        table = "branches.csv" if connector.feed.kind is Kind.SALES else "counters.csv"
        return Finding(name, "warn", f"{said}, but {table} does not have {_some(unknown)}", f"add to reference/{table}")
    return Finding(name, "ok", said)


def _unknown(connector: Connector, rows: object, inventory: Inventory | None) -> list[str]:
    """List the devices or shops of these rows that the reference files do not have."""
    if inventory is None:
        return []
    is_sales = connector.feed.kind is Kind.SALES
    names = rows.schema.names  # type: ignore[attr-defined]
    column = next((name for name in ("device_id", "store_code") if name in names), "")
    if not column or connector.feed.kind is Kind.REFERENCE:
        return []  # reports of whole sites name no counter
    found = set(rows.select([column]).group_by([column]).aggregate([]).column(column).to_pylist())  # type: ignore[attr-defined]
    if is_sales:
        return sorted(found - {branch.branch_code for branch in inventory.branches})
    placed = {counter.device_id for counter in inventory.counters if counter.source == connector.feed.source}
    return sorted(found - placed)


@contextmanager
def _asking_once() -> Iterator[None]:
    """Let no question be repeated."""
    was_active = stamina.is_active()
    stamina.set_active(False)
    try:
        yield
    finally:
        stamina.set_active(was_active)


def _check_answer(settings: Settings, connector: Connector, inventory: Inventory | None) -> Iterator[Finding]:
    """Ask an interface for yesterday of the first device that it knows how to ask, and try the first answer."""
    now = datetime.now(UTC)
    yesterday = now.date() - timedelta(days=1)
    devices = inventory.devices(connector.feed.source) if inventory else []
    with_address_first = sorted(devices, key=lambda device: not device.address)
    answers: list[Payload | Failure] = []
    for device in with_address_first or [None]:
        asked = Asked(
            home=settings.home,
            window=Window(yesterday, yesterday),
            devices=[device] if device else [],
            secret=settings.secret,
            is_known=lambda _name, _size, _at: False,
            now=lambda: now,
        )
        with _asking_once():
            answers += connector.fetch(asked)
        if answers:
            break
    name = connector.feed.name
    payloads = [answer for answer in answers if isinstance(answer, Payload)]
    failed = [answer for answer in answers if isinstance(answer, Failure) and not answer.reason.startswith("ignored_")]
    for failure in failed[:1]:
        yield Finding(name, "fail", f"{failure.reason}: {failure.message}", "check address and credentials")
    for payload in payloads[: 0 if failed else 1]:
        yield _tried(connector, payload, inventory)
    if not answers:
        yield Finding(name, "warn", "reached, but it gave nothing for yesterday", "ask again after the feed is due")
