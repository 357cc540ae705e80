"""The files that BI opens: a complete new version beside the old one, then one atomic flip.

Order, so that a publish may be killed anywhere: build the version → stage its revisions durably → flip → count the
revisions → prune. Before the flip nothing was said; after it the next publish finishes what is left to do.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.publish import causes, restatement, revisions, versions
from orchestration.publish.marts import Marts, NothingToPublish, columns_of, identifier, open_marts, text
from orchestration.publish.revisions import KEY, REMEMBERED, Remembered

STORAGE_VERSION = "v1.4.0"  # a newer engine's default storage is refused by the engines inside BI drivers
_OUT = "publication"


@dataclass(frozen=True, slots=True)
class Publication:
    """What one publish made. `published_at` (UTC) is later than the time asked for if the clock had stepped back."""

    version: str
    published_at: datetime
    database: Path
    parquet: Path
    row_counts: dict[str, int]
    revised: dict[str, int]  # per daily mart: branch-days that say something new, retractions included


def publish(warehouse: Path, home: Path, published_at: datetime) -> Publication:
    """Publish the marts of `warehouse` under `home/published` and record what changed under `home/revisions`.

    `published/footfall.duckdb` holds, in schema `marts` and as tables, every mart of the warehouse;
    `fct_branch_traffic_daily` gains `revision`; `branch_traffic_daily_revision` and
    `branch_conversion_daily_revision` hold all that was ever said, `fct_branch_restatement` what was corrected and why.
    What was said at an instant:

        select * from branch_traffic_daily_as_of('2026-11-01 09:00:00+00')

    The macros `branch_traffic_daily_as_of(ts)` and `branch_conversion_daily_as_of(ts)` stand in `marts` and in the
    file's default schema, so both spellings work. Give `ts` an offset; without one the session's zone is meant.
    Where the file is attached to another database, `use footfall` first: DuckDB looks up a macro's tables from
    where the caller stands. `published/parquet/<table>/<table>.parquet` is the same as Parquet, one file a table,
    so that a table is never half old; who reads several resolves `published/current` once.

    Readers of older versions are undisturbed; the newest five versions stay, and any that was current within the
    last hour. A mart that the warehouse does not hold is neither revised nor retracted. Waits for a publish that
    is under way elsewhere. Raises ValueError for a naive time, NothingToPublish, WarehouseBusy, AmbiguousBranchDay.
    """
    if published_at.utcoffset() is None:
        raise ValueError("published_at must have a zone")
    room, history = home / "published", home / "revisions"
    with versions.only_publisher(room):
        never_published = versions.leftovers(room)
        revisions.settle(history, never_published)
        versions.discard(room, never_published)
        with open_marts(warehouse) as marts:
            publication = _build(marts, home, published_at.astimezone(UTC))
        versions.flip(room, publication.version)
        revisions.settle(history, never_published=())
        versions.prune(room, publication.published_at)
    return publication


def _build(marts: Marts, home: Path, asked_for: datetime) -> Publication:
    room, history = home / "published", home / "revisions"
    tables = marts.tables()
    if not tables:
        raise NothingToPublish("the warehouse has no marts yet: run the transform first")
    remembered = [each for each in REMEMBERED if each.mart in tables]
    said_at = [revisions.load_history(marts, each, history) for each in remembered]
    current = versions.current_version(room)
    published_at = _after(asked_for, [*said_at, versions.version_time(current) if current else None])
    revised = {each.mart: revisions.revise(marts, each, history, published_at) for each in remembered}
    added = {each.name: each.added for each in remembered if revised[each.mart]}
    added |= causes.find(marts, history, home, published_at)

    version = versions.version_name(published_at)
    folder = room / "versions" / version
    folder.mkdir(parents=True)
    database, parquet = folder / versions.DATABASE, folder / versions.PARQUET
    with _attached(marts.connection, database):
        _write_tables(marts, tables, remembered)
        _write_macros(marts.connection, remembered)
        row_counts = _write_parquet(marts.connection, parquet)
    versions.sync_file(database)
    versions.sync_folder(folder)
    if added:
        revisions.stage(marts.connection, added, history, version)
    return Publication(version, published_at, database, parquet, row_counts, revised)


def _after(asked_for: datetime, earlier: list[datetime | None]) -> datetime:
    """Return a time later than all that was published before, even if the clock stepped back."""
    return max([asked_for, *(at + timedelta(microseconds=1) for at in earlier if at)])


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, database: Path) -> Generator[None]:
    """Attach the file to be, and detach it whatever happens: the instance may be dbt's and live on."""
    connection.execute(f"attach {text(database)} as {_OUT} (storage_version {text(STORAGE_VERSION)})")
    try:
        yield
    finally:
        connection.execute(f"detach {_OUT}")


def _write_tables(marts: Marts, tables: list[str], remembered: list[Remembered]) -> None:
    """Write all tables in one transaction: one snapshot of the warehouse."""
    connection = marts.connection
    with_revision = {each.mart: each for each in remembered if each.name == "branch_traffic_daily"}
    connection.execute("begin transaction")
    try:
        connection.execute(f"create schema {_OUT}.marts")
        for table in tables:
            each = with_revision.get(table)
            rows = _with_revision(marts, each) if each else f"from {marts.relation(table)}"
            connection.execute(f"create table {_OUT}.marts.{identifier(table)} as {rows}")
        for each in remembered:  # today's columns first, then those that only older revisions have
            connection.execute(
                f"""
                create table {_OUT}.marts.{each.revision_table} as
                from {each.fresh} union all by name select * exclude (filename) from {each.history}
                order by business_date, branch_code, revision
                """
            )
        restatement.write(connection, _OUT, remembered)
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def _with_revision(marts: Marts, remembered: Remembered) -> str:
    columns = ", ".join(f"mart.{identifier(column)}" for column in revisions.mart_columns(marts, remembered))
    key = ", ".join(KEY)
    return f"""
        select {columns}, coalesce(fresh.revision, newest.revision) as revision
        from {marts.relation(remembered.mart)} as mart
        left join {remembered.fresh} as fresh using ({key})
        left join {remembered.newest} as newest using ({key})
        """


def _write_macros(connection: duckdb.DuckDBPyConnection, remembered: list[Remembered]) -> None:
    """Write the table macros. DuckDB binds them where the caller stands, so this one stands inside the new file."""
    with connection.cursor() as inside:
        inside.execute(f"use {_OUT}")
        for each in remembered:
            table = f"marts.{each.revision_table}"
            said = [column for column in columns_of(inside, table) if column not in revisions.OWN_COLUMNS]
            for schema in ("marts", "main"):
                inside.execute(
                    f"""
                    create macro {schema}.{each.macro}(ts) as table
                    select {", ".join(map(identifier, said))}, revision, published_at
                    from (select * from {table} where published_at <= cast(ts as timestamptz)
                          qualify row_number() over (
                              partition by branch_code, business_date order by published_at desc) = 1)
                    where not is_retracted
                    """
                )


def _write_parquet(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    """Write every published table as one Parquet file, durably; return the row counts."""
    written = Marts(connection, _OUT)
    row_counts: dict[str, int] = {}
    for table in written.tables():
        file = folder / table / f"{table}.parquet"
        file.parent.mkdir(parents=True)
        copy = f"copy {written.relation(table)} to {text(file)} (format parquet, compression zstd)"
        ((row_counts[table],),) = connection.execute(copy).fetchall()
        versions.sync_file(file)
        versions.sync_folder(file.parent)
    versions.sync_folder(folder)
    return row_counts
