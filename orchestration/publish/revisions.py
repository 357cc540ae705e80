"""What every branch-day said at each publication: append-only Parquet under `revisions/`, which is the truth.

A publication adds one file per daily mart, with the branch-days that now say something else. Files are never
changed; deleting one deletes history. Building and flipping published files is `published.py`.
"""

import shutil
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.publish.marts import VOLATILE_COLUMNS, Marts, columns_of, identifier, row_count, text
from orchestration.publish.versions import sync_file, sync_folder

KEY = ("branch_code", "business_date")
OWN_COLUMNS = ("revision", "published_at", "is_retracted")
_PENDING = "pending"


class AmbiguousBranchDay(Exception):
    """A daily mart says two things about one branch-day. The model must be mended before it is published."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """A daily mart whose every statement is kept. `name` is its folder; tables and macros are named after it."""

    mart: str
    name: str

    @property
    def revision_table(self) -> str:
        """The published table with all revisions."""
        return f"{self.name}_revision"

    @property
    def macro(self) -> str:
        """The published table macro that answers for an instant."""
        return f"{self.name}_as_of"

    @property
    def history(self) -> str:
        """The temporary table with the revisions so far, `filename` telling where each stands."""
        return f"temp.history_{self.name}"

    @property
    def newest(self) -> str:
        """The temporary table with the newest revision of every branch-day so far."""
        return f"temp.newest_{self.name}"

    @property
    def added(self) -> str:
        """The query for what this publication adds to history."""
        return f"from {self.fresh} order by business_date, branch_code"

    @property
    def fresh(self) -> str:
        """The temporary table with the revisions that this publication adds."""
        return f"temp.fresh_{self.name}"


REMEMBERED = (
    Remembered("fct_branch_traffic_daily", "branch_traffic_daily"),
    Remembered("fct_branch_conversion_daily", "branch_conversion_daily"),
)


def load_history(marts: Marts, remembered: Remembered, room: Path) -> datetime | None:
    """Load the revisions of one mart into temporary tables; return when the newest was published (UTC), if any."""
    connection = marts.connection
    files = _files(room, remembered)
    if files:
        source = f"select * from read_parquet({_strings(files)}, union_by_name = true, filename = true)"
    else:
        source = f"""
            select {_list(mart_columns(marts, remembered))}, 0::integer as revision, null::timestamptz as published_at,
                   false as is_retracted, ''::varchar as filename
            from {marts.relation(remembered.mart)} limit 0"""
    connection.execute(f"create or replace temp table {remembered.history} as {source}")
    connection.execute(
        f"""
        create or replace temp table {remembered.newest} as
        select * from {remembered.history}
        qualify row_number() over (partition by {_list(KEY)} order by revision desc, published_at desc) = 1
        """
    )
    ((microseconds,),) = connection.execute(f"select epoch_us(max(published_at)) from {remembered.history}").fetchall()
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def revise(marts: Marts, remembered: Remembered, room: Path, published_at: datetime) -> int:
    """Find the branch-days that say something else than their newest revision; return how many. Needs `load_history`.

    Compared are the values (NULL equals NULL) of the columns that the mart and the file of the newest revision both
    have, without the volatile ones: adding or dropping a column restates nothing by itself. A branch-day that is
    gone is retracted: one more revision, with the key alone. It may come back with the next.
    Raises AmbiguousBranchDay if the mart holds a branch-day twice, or one without branch or day.
    """
    connection, mart = marts.connection, marts.relation(remembered.mart)
    _refuse_ambiguity(connection, remembered, mart)
    said_otherwise = " or ".join(["false", *_differences(marts, remembered, room)])
    at = stamp(published_at)
    mart_row = ", ".join(f"mart.{identifier(column)}" for column in mart_columns(marts, remembered))
    connection.execute(
        f"""
        create or replace temp table {remembered.fresh} as
        select {mart_row}, (coalesce(said.revision, 0) + 1)::integer as revision, {at} as published_at,
               false as is_retracted
        from {mart} as mart left join {remembered.newest} as said using ({_list(KEY)})
        where said.revision is null or said.is_retracted or {said_otherwise}
        union all by name
        select {_list(KEY)}, (said.revision + 1)::integer as revision, {at} as published_at, true as is_retracted
        from {remembered.newest} as said anti join {mart} as mart using ({_list(KEY)})
        where not said.is_retracted
        """
    )
    return row_count(connection, remembered.fresh)


def stage(connection: duckdb.DuckDBPyConnection, added: Mapping[str, str], room: Path, version: str) -> None:
    """Write what this publication adds to history, folder → query, durably where nobody counts it yet.

    `settle` does after the flip.
    """
    pending = room / _PENDING / version
    pending.mkdir(parents=True, exist_ok=True)
    for name, query in added.items():
        file = pending / f"{name}.parquet"
        connection.execute(f"copy ({query}) to {text(file)} (format parquet, compression zstd)")
        sync_file(file)
    for folder in (pending, pending.parent, room):
        sync_folder(folder)


def settle(room: Path, never_published: Container[str]) -> None:
    """Count the staged revisions of versions that were flipped, and forget those of versions that never were.

    Run after a flip, and before a publish for one that was killed: what nobody could read was not said. If its
    version is no longer there to be told, a staged revision is kept: history is never thrown away on a guess.
    """
    for staged in (room / _PENDING).glob("*"):
        if staged.name in never_published:
            shutil.rmtree(staged)
            continue
        for file in staged.iterdir():
            kept = room / file.stem
            kept.mkdir(exist_ok=True)
            file.rename(kept / f"{staged.name}.parquet")
            sync_folder(kept)
        sync_folder(room)
        staged.rmdir()


def stamp(at: datetime) -> str:
    """Return an instant as SQL, exact to the microsecond."""
    return f"timestamptz {text(at.astimezone(UTC).isoformat(sep=' ', timespec='microseconds'))}"


def mart_columns(marts: Marts, remembered: Remembered) -> list[str]:
    """Return the mart's columns less those that a revision adds itself."""
    return [column for column in marts.columns(remembered.mart) if column not in OWN_COLUMNS]


def _files(room: Path, remembered: Remembered) -> list[str]:
    return [str(file) for file in sorted((room / remembered.name).glob("*.parquet"))]


def _refuse_ambiguity(connection: duckdb.DuckDBPyConnection, remembered: Remembered, mart: str) -> None:
    unknown = " or ".join(f"{column} is null" for column in KEY)
    wrong = connection.execute(
        f"select {_list(KEY)} from {mart} group by all having count(*) > 1 or {unknown} order by all limit 1"
    ).fetchall()
    if wrong:
        branch, day = wrong[0]
        raise AmbiguousBranchDay(
            f"{remembered.mart} must have one row per branch and day; not so for {branch} on {day}"
        )


def _differences(marts: Marts, remembered: Remembered, room: Path) -> list[str]:
    """Return one SQL condition per column both sides have, true where the mart says otherwise."""
    now, then = marts.columns(remembered.mart), columns_of(marts.connection, remembered.history)
    lacking = _lacking_files(marts.connection, _files(room, remembered), list(then))
    conditions: list[str] = []
    for column in mart_columns(marts, remembered):
        if column in KEY or column not in then or column in VOLATILE_COLUMNS:
            continue
        name = identifier(column)
        cast = "" if now[column] == then[column] else "::varchar"  # an integer made wider still says the same
        condition = f"mart.{name}{cast} is distinct from said.{name}{cast}"
        if files := lacking.get(column):
            condition = f"({condition} and said.filename not in {_strings(files)})"
        conditions.append(condition)
    return conditions


def _lacking_files(connection: duckdb.DuckDBPyConnection, files: list[str], columns: list[str]) -> dict[str, list[str]]:
    """Return, for each column that some revision files were written without, those files."""
    if not files:
        return {}
    footers = connection.execute(
        f"select name, list(file_name) from parquet_schema({_strings(files)}) group by name"
    ).fetchall()
    having: dict[str, set[str]] = {str(name): set(found) for name, found in footers}
    lacking = {column: sorted(set(files) - having.get(column, set())) for column in columns if column != "filename"}
    return {column: without for column, without in lacking.items() if without}


def _list(columns: Iterable[str]) -> str:
    return ", ".join(map(identifier, columns))


def _strings(values: Iterable[str]) -> str:
    return f"[{', '.join(map(text, values))}]"
