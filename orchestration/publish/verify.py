"""Content hashes of the marts: equal hashes mean equal facts, wherever, whenever and in whatever order they were made.

Reads a warehouse or a published file and gives the same hashes for both. Compares nothing and changes nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.publish.marts import VOLATILE_COLUMNS, Marts, identifier, open_marts
from orchestration.publish.restatement import RESTATEMENT
from orchestration.publish.revisions import REMEMBERED

_DELIVERY_TABLES = frozenset({"fct_delivery", "fct_sales_import"})
_WITHOUT_SEPARATOR = (  # types whose text can hold no `|`, so that it needs no length before it
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    *("UHUGEINT", "DECIMAL", "DATE", "TIME"),
)


@dataclass(frozen=True, slots=True)
class MartHash:
    """What one mart says: how many rows were hashed, and the hash."""

    row_count: int
    sha256: str


def content_hashes(database: Path) -> dict[str, MartHash]:
    """Hash every mart of a warehouse or published file by content: not by row order, column order or engine version.

    Left out, because they are not content: `received_at`, `asked_at` and `published_at`; the `revision` of the daily
    marts, the revision tables and the restatements (history, which a rebuilt warehouse cannot know); and the rows
    of deliveries and imports with status `duplicate` (how often the same bytes came changes no fact).
    `delivered_at` is hashed: it is the vendor's time for its own file.

    Each row becomes a canonical text, the text an md5, and the md5s are added up (two sums of 64-bit halves), so
    memory does not grow with the table; `sha256` seals the sums, the row count and the column names. It detects
    any accidental difference; it is no defence against someone who forges rows.
    """
    derived = {RESTATEMENT, *(statement.revision_table for statement in REMEMBERED)}
    with open_marts(database) as marts:
        return {table: _hash(marts, table) for table in marts.tables() if table not in derived}


def overall_hash(hashes: Mapping[str, MartHash]) -> str:
    """Return one SHA-256 over all marts: their names, row counts and hashes."""
    lines = [f"{table} {mart.row_count} {mart.sha256}\n" for table, mart in sorted(hashes.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _hash(marts: Marts, table: str) -> MartHash:
    columns = marts.columns(table)
    kept = sorted(name for name in columns if _is_content(table, name))
    row_text = "concat_ws('|', " + ", ".join(_canonical(name, columns[name]) for name in kept) + ")"
    counts_once = table in _DELIVERY_TABLES and "status" in columns
    ((row_count, lower, upper),) = marts.connection.execute(
        f"""
        select count(*), coalesce(sum(md5_number_lower(row_text)), 0)::varchar,
               coalesce(sum(md5_number_upper(row_text)), 0)::varchar
        from (select {row_text} as row_text from {marts.relation(table)}
              {"where status is distinct from 'duplicate'" if counts_once else ""})
        """
    ).fetchall()
    seal = "\n".join([str(row_count), lower, upper, *kept])
    return MartHash(int(row_count), hashlib.sha256(seal.encode()).hexdigest())


def _is_content(table: str, column: str) -> bool:
    if column in VOLATILE_COLUMNS:
        return False
    return not (column == "revision" and table in {statement.mart for statement in REMEMBERED})


def _canonical(column: str, type_name: str) -> str:
    """Return SQL for a text that no session zone or engine version changes, and that cannot run into its neighbour."""
    name = identifier(column)
    if type_name == "TIMESTAMP WITH TIME ZONE":
        return f"coalesce(case when isfinite({name}) then epoch_us({name})::varchar else {name}::varchar end, '~')"
    if type_name in ("DOUBLE", "FLOAT"):  # 17 digits are exact, whatever an engine thinks the shortest text is
        return f"coalesce(format('{{:.17g}}', {name}::double + 0), '~')"  # + 0: there is no negative zero
    if type_name.startswith(_WITHOUT_SEPARATOR):
        return f"coalesce({name}::varchar, '~')"
    return f"coalesce(strlen({name}::varchar)::varchar || ':' || {name}::varchar, '~')"
