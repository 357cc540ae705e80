"""The published table of restatements: what every branch-day said before and after each revision, and why.

Made from the revision tables of the file that is being written and the causes that `causes.py` keeps; no history is
written here.
"""

import duckdb

from orchestration.publish.causes import CAUSES
from orchestration.publish.marts import columns_of, identifier
from orchestration.publish.revisions import Remembered

RESTATEMENT = "fct_branch_restatement"
UNRECORDED = "not_recorded"  # revisions of publications that kept no causes yet

_SAID = {  # column of the restatement: the daily mart's column and its type
    "branch_traffic_daily": {
        "entry_count": "bigint",
        "exit_count": "bigint",
        "status": "varchar",
        "entry_count_estimated": "double",
        "entry_count_low": "bigint",
        "entry_count_high": "bigint",
    },
    "branch_conversion_daily": {"transaction_count": "bigint", "sales_amount": "decimal(18, 2)"},
}


def write(connection: duckdb.DuckDBPyConnection, catalog: str, remembered: list[Remembered]) -> None:
    """Create the table in the file to be: one row per branch-day and publication that restated it.

    A branch-day's first statement is none. Where only sales changed, the traffic columns say twice what stood, and
    the other way round; `is_traffic_restated` and `is_conversion_restated` tell which it was.
    """
    if not remembered:
        return
    tables = {each.name: f"{catalog}.marts.{each.revision_table}" for each in remembered}
    events = " union ".join(
        f"select branch_code, business_date, published_at from {table}" for table in tables.values()
    )
    joins = "\n".join(_joins(name, table) for name, table in tables.items())
    told = ", ".join(column for name in _SAID for column in _columns(connection, name, tables.get(name)))
    connection.execute(
        f"""
        create table {catalog}.marts.{RESTATEMENT} as
        with told as (
            select event.branch_code, event.business_date, event.published_at, {_numbers(tables)}, {told}
            from ({events}) as event
            {joins}
        )
        select told.branch_code, told.business_date, told.revision, told.conversion_revision, told.published_at,
               told.is_traffic_restated, told.is_conversion_restated,
               told.* exclude (branch_code, business_date, revision, conversion_revision, published_at,
                               is_traffic_restated, is_conversion_restated, is_retracted),
               told.is_retracted, coalesce(cause.cause, '{UNRECORDED}') as cause,
               coalesce(cause.feeds, []) as feeds, coalesce(cause.delivery_ids, []) as delivery_ids,
               coalesce(cause.file_names, []) as file_names
        from told
        left join {CAUSES} as cause using (branch_code, business_date, published_at)
        where told.is_traffic_restated or told.is_conversion_restated
        order by told.business_date, told.branch_code, told.published_at
        """
    )


def _joins(name: str, table: str) -> str:
    """Join what stood after and before each event."""
    return "\n".join(
        f"asof left join (from {table}) as {name}_{side}"
        f" on event.branch_code = {name}_{side}.branch_code and event.business_date = {name}_{side}.business_date"
        f" and event.published_at {since} {name}_{side}.published_at"
        for side, since in (("new", ">="), ("old", ">"))
    )


def _numbers(tables: dict[str, str]) -> str:
    names = {"traffic": "branch_traffic_daily", "conversion": "branch_conversion_daily"}
    found: list[str] = []
    for short, name in names.items():
        revision = "revision" if short == "traffic" else "conversion_revision"
        if name in tables:
            new = f"{name}_new"
            restated = f"coalesce({new}.published_at = event.published_at and {new}.revision > 1, false)"
            found += [f"{new}.revision::integer as {revision}", f"{restated} as is_{short}_restated"]
        else:
            found += [f"null::integer as {revision}", f"false as is_{short}_restated"]
    gone = [f"coalesce({name}_new.is_retracted, true)" for name in names.values() if name in tables]
    return ", ".join([*found, f"{' and '.join(gone)} as is_retracted"])


def _columns(connection: duckdb.DuckDBPyConnection, name: str, table: str | None) -> list[str]:
    """Return each column before and after; NULL where no revision ever had it."""
    there = columns_of(connection, table) if table else {}
    return [
        f"{f'{name}_{side}.{identifier(column)}' if column in there else 'null'}::{kind} as {column}_{side}"
        for column, kind in _SAID[name].items()
        for side in ("old", "new")
    ]
