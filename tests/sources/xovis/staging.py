"""The staging models of dbt_project over a home's raw files, without dbt: source() is Parquet, ref() a view."""

from pathlib import Path

import duckdb
import jinja2
import yaml

MODELS = Path(__file__).resolve().parents[3] / "dbt_project" / "models" / "staging" / "xovis"
ORDER = ("history", "live", "legacy", "reading_intervals", "document", "status")


def staged(home: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in which every staging model that has raw files is a view."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")

    def source(_: str, table: str) -> str:
        files = f"{home}/raw/*/*/business_date=*/xovis_{table}.parquet"
        return f"read_parquet('{files}', hive_partitioning = true, hive_types = {{'business_date': date}})"

    for model in ORDER:
        text = (MODELS / f"stg_xovis__{model}.sql").read_text(encoding="utf-8")
        query = jinja2.Environment(autoescape=False).from_string(text).render(source=source, ref=lambda name: name)
        connection.execute(f"create view stg_xovis__{model} as {query}")
    return connection


DATA_TYPES = {
    "timestamp[us, tz=UTC]": "timestamptz",
    "double": "double",
    "int64": "bigint",
    "int32": "integer",
    "bool": "boolean",
    "date32[day]": "date",
}


def declared_columns() -> dict[str, dict[str, str]]:
    """Read which columns dbt is told that each raw table has: it shows an empty one where no feed delivers it."""
    declared = yaml.safe_load((MODELS / "_xovis__sources.yml").read_text(encoding="utf-8"))
    return {
        table["identifier"].removeprefix("all_"): {column["name"]: column["data_type"] for column in table["columns"]}
        for source in declared["sources"]
        for table in source["tables"]
    }
