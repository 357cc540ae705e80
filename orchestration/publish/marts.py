"""The marts as publishing sees them: the tables of schema `marts` in one DuckDB file, opened for reading.

Says which columns are volatile (they tell when we worked, not what is true). Writes nothing, hashes nothing.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

VOLATILE_COLUMNS = frozenset({"received_at", "published_at", "asked_at"})
"""They move when the same facts are fetched, asked for or published again."""


class NothingToPublish(Exception):
    """The warehouse has no marts yet. Run the transform first."""


class WarehouseBusy(Exception):
    """Another process is writing the warehouse. Ask again when its transform is done."""


@dataclass(frozen=True, slots=True)
class Marts:
    """An open file with marts. `catalog` is its name inside `connection`."""

    connection: duckdb.DuckDBPyConnection
    catalog: str

    def tables(self) -> list[str]:
        """Return the names of all marts in order; a mart that dbt made a view counts, its scratch tables do not."""
        found = self.connection.execute(
            """
            select table_name from information_schema.tables
            where table_catalog = ? and table_schema = 'marts' and not contains(table_name, '__dbt_')
            order by table_name
            """,
            [self.catalog],
        ).fetchall()
        return [str(name) for (name,) in found]

    def columns(self, table: str) -> dict[str, str]:
        """Return column name → DuckDB type, in the table's order."""
        return columns_of(self.connection, self.relation(table))

    def relation(self, table: str) -> str:
        """Return the quoted name by which SQL on `connection` reaches the mart."""
        return f"{identifier(self.catalog)}.marts.{identifier(table)}"


@contextmanager
def open_marts(database: Path) -> Generator[Marts]:
    """Open a warehouse or a published file for reading.

    A process has one DuckDB instance per file that it writes: while dbt's runner still holds the warehouse in this
    process, a read-only attachment is refused and this joins dbt's instance instead (and only reads). A child
    process could not help: dbt's lock shuts it out. Joining needs dbt's profile to set its options under
    `settings:`; `config_options:` makes DuckDB refuse a second connection.

    Raises NothingToPublish if the file is missing, WarehouseBusy while another process writes it.
    """
    if not database.exists():
        raise NothingToPublish(f"{database} does not exist: run the transform first")
    catalog = database.stem
    connection = duckdb.connect(config={"temp_directory": f"{database}.tmp"})
    try:
        try:
            connection.execute(f"attach {text(database)} as {identifier(catalog)} (read_only)")
        except duckdb.Error as refusal:
            connection.close()
            if "Could not set lock" in str(refusal):
                raise WarehouseBusy(f"{database} is being written by another process: try again later") from refusal
            if "already attached" not in str(refusal):
                raise
            connection = duckdb.connect(str(database))
        yield Marts(connection, catalog)
    finally:
        connection.close()


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return column name → DuckDB type of any relation or query in SQL."""
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in described}


def row_count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Return how many rows a relation in SQL has."""
    ((count,),) = connection.execute(f"select count(*) from {relation}").fetchall()
    return int(count)


def identifier(name: str) -> str:
    """Return a name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: object) -> str:
    """Return a value as a quoted SQL string."""
    return "'" + str(value).replace("'", "''") + "'"
