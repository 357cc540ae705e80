"""Compare what was published with the emulated world's truth: table by table, row by row, feed by feed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from emulators.pulls import SITES
from emulators.truth.tables import COLUMNS
from emulators.truth.trust import LATER_REASONS
from emulators.world import World
from orchestration.commands.screen import shown
from orchestration.sources.contract import Feed, Kind

TOLERANCE = 1.01e-6  # ratios are rounded to six places, and halves may go either way
SHOWN = 5
_KEY_LENGTHS = {
    "branch_traffic_daily": 2,
    "branch_traffic_hourly": 2,
    "counter_traffic_hourly": 5,
    "counter_outage": 5,
    "branch_conversion_daily": 2,
    "delivery": 3,
    "rejected_row": 3,
}
_BY_FEED = ("delivery", "rejected_row")
_BY_SOURCE = ("counter_traffic_hourly", "counter_outage")
_OF_SALES = ("branch_conversion_daily",)
_STAGED = {
    "xovis_status": "select device_id, checked_at, failing_layer from staging.stg_xovis__status where feed = ?",
    "bespot_occupancy": """
        select device_id, measured_at, occupancy_count from staging.stg_bespot__occupancy where feed = ?
    """,
    **dict.fromkeys(
        ("footfallcam_export_api", "footfallcam_cube"),
        """
        select site_id, interval_start_local, entry_count, exit_count
        from staging.stg_footfallcam__branch_reports where feed = ?
        """,
    ),
}
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One key on which mart and truth differ, and how."""

    key: Key
    said: str


@dataclass(frozen=True, slots=True)
class MartVerdict:
    """One mart beside its truth."""

    table: str
    row_count: int
    truth_count: int
    differences: tuple[Difference, ...]

    @property
    def mart(self) -> str:
        """The mart's name."""
        return f"fct_{self.table}"

    def shown(self) -> list[str]:
        """Return the first differences as lines."""
        return [f"{' '.join(_text(part) for part in item.key)}: {item.said}" for item in self.differences[:SHOWN]]


@dataclass(frozen=True, slots=True)
class FeedVerdict:
    """One feed: rows that were read, rows that were sent readable, and whether all that came of them is true."""

    row_count: int
    truth_count: int
    is_equal: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole comparison."""

    marts: tuple[MartVerdict, ...]
    feeds: Mapping[str, FeedVerdict]

    @property
    def is_equal(self) -> bool:
        """Tell whether everything is as the truth says."""
        return not any(mart.differences for mart in self.marts) and all(feed.is_equal for feed in self.feeds.values())


def compare_with_truth(
    connection: duckdb.DuckDBPyConnection, warehouse: Path, world: World, wave: int, in_use: Sequence[Feed]
) -> Verdict:
    """Compare every mart that the truth has with the published one, as both stand after this wave of uploads.

    What reaches staging and no mart (reports of whole sites, samples, health) is compared in the warehouse.
    """
    connection.execute("set TimeZone = 'UTC'")
    truth = world.truth_after_wave(wave)
    marts = tuple(_compare(connection, table, rows) for table, rows in truth.tables.items())
    sent = rows_sent(world, wave)
    read = dict(
        connection.execute(
            "select feed, sum(row_count)::bigint from marts.fct_delivery where status <> 'duplicate' group by feed"
        ).fetchall()
    )
    wrong = _wrongly_staged(warehouse, world)
    feeds: dict[str, FeedVerdict] = {}
    for feed in in_use:
        ours, true = int(read.get(feed.name, 0)), sent.get(feed.name, 0)
        feeds[feed.name] = FeedVerdict(ours, true, ours == true and feed.name not in wrong and _is_clean(feed, marts))
    return Verdict(marts, feeds)


def _wrongly_staged(warehouse: Path, world: World) -> set[str]:
    """Name the feeds whose rows in staging are not those that the world knows of."""
    with closing(duckdb.connect(str(warehouse), read_only=True)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return {
            feed
            for feed, rows in world.pulls.rows.items()
            if _plain(connection.execute(_STAGED[feed], [feed]).fetchall()) != _plain(rows)
        }


def _plain(rows: Iterable[Sequence[object]]) -> list[list[str]]:
    return sorted([_text(_value(value, "")) for value in row] for row in rows)


def rows_sent(world: World, wave: int) -> dict[str, int]:
    """Count by feed the rows that were sent up to this wave and can be read: the sender marked which it spoilt."""
    marks = {(item.feed, item.name, item.modified_at): item for item in world.shipments if not item.is_copy}
    reports = {("sales", item.name, item.modified_at): item for item in world.reports if not item.is_copy}
    counts: dict[str, int] = dict.fromkeys(sorted({upload.feed for upload in world.uploads}), 0)
    for upload in world.uploads:
        key = upload.feed, upload.name, upload.modified_at
        item = marks.get(key) or reports.get(key)
        if item is None or upload.wave > wave or getattr(item, "content", "") == "html":  # junk and copies are none
            continue
        lines = [line for line in upload.content.decode("utf-8-sig").splitlines() if line.strip(" ,")]
        spoilt = [reason for _, reason in world.spoilt.get(id(item), ()) if reason not in LATER_REASONS]
        counts[upload.feed] += len(lines) - 1 - len(spoilt)
    for answer in world.pulls.answers_until(wave):
        counts[answer.feed] = counts.get(answer.feed, 0) + (0 if answer.is_copy else answer.row_count)
    return counts


def _is_clean(feed: Feed, marts: Iterable[MartVerdict]) -> bool:
    """Tell whether no difference concerns what this feed delivers."""
    for mart in marts:
        concerned = {
            **dict.fromkeys(_BY_FEED, feed.name),
            **dict.fromkeys(_BY_SOURCE, feed.source),
        }.get(mart.table)
        if concerned is not None and any(item.key[0] == concerned for item in mart.differences):
            return False
        if feed.kind is Kind.SALES and mart.table in _OF_SALES and mart.differences:
            return False
    return True


def _compare(connection: duckdb.DuckDBPyConnection, table: str, truth: Sequence[tuple[object, ...]]) -> MartVerdict:
    columns, length = COLUMNS[table], _KEY_LENGTHS[table]
    try:
        answer = connection.execute(f"select {', '.join(columns)} from marts.fct_{table}").fetchall()
    except duckdb.CatalogException as error:
        return MartVerdict(table, 0, len(truth), (Difference((table,), str(error).splitlines()[0]),))
    ours, theirs = _by_key(answer, columns, length), _by_key(truth, columns, length)
    differences: list[Difference] = []
    for key in sorted(ours.keys() | theirs.keys(), key=lambda key: [_text(part) for part in key]):
        said = _said(columns[length:], ours.get(key, []), theirs.get(key, []))
        if said:
            differences.append(Difference(key, said))
    return MartVerdict(table, len(answer), len(truth), tuple(differences))


def _by_key(rows: Iterable[Sequence[object]], columns: Sequence[str], length: int) -> dict[Key, list[Key]]:
    found: dict[Key, list[Key]] = defaultdict(list)
    for row in rows:
        values = tuple(_value(value, column) for value, column in zip(row, columns, strict=True))
        found[values[:length]].append(values[length:])
    for group in found.values():
        group.sort(key=lambda values: [_text(value) for value in values])
    return found


def _value(value: object, column: str) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value
    if column == "device_id" and str(value).startswith("export "):
        return SITES  # an export of sites is named after what it exports
    if column.endswith("_amount") and value is not None:
        return Decimal(str(value))
    return value


def _said(columns: Sequence[str], ours: Sequence[Key], theirs: Sequence[Key]) -> str:
    """Say how the rows of one key differ; empty where they do not."""
    if len(ours) != len(theirs) or not columns:
        if len(ours) == len(theirs):
            return ""
        published, true = (" and ".join(" ".join(map(_text, row)) for row in rows) or "none" for rows in (ours, theirs))
        return f"published {len(ours)} rows ({published}), true are {len(theirs)} ({true})"
    wrong: list[str] = []
    for mine, true in zip(ours, theirs, strict=True):
        wrong += [
            f"{column} is {_text(ours_)}, true is {_text(theirs_)}"
            for column, ours_, theirs_ in zip(columns, mine, true, strict=True)
            if not _same(ours_, theirs_)
        ]
    return ", ".join(wrong)


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) or isinstance(theirs, float):
        return ours is not None and theirs is not None and abs(ours - theirs) <= TOLERANCE
    return ours == theirs


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M%z}"
    return "~" if value is None else shown(value, 80)
