"""Why branch-days say something else: what came, was replaced or was withdrawn since the last publication.

Compares what stands in the figures now (the lineage marts) with what stood at the last publication, as `revisions/`
remembers it; no clock and no ledger is asked. What is found is kept there too and never worked out again. The table
that readers get is made in `restatement.py`.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.dbt_runner import PROJECT
from orchestration.publish.marts import Marts, identifier, row_count, text
from orchestration.publish.revisions import REMEMBERED, stamp

NEEDED = frozenset({"fct_counter_lineage", "fct_sales_lineage", "fct_delivery", "dim_counter"})
CAUSES = "temp.all_causes"
_STANDING, _CAUSE, _BASIS = "standing_delivery", "restatement_cause", "publication_basis"

_KEY = "branch_code, business_date, kind, source, feed, device_id, line_id, placement, delivery_id"
_NOW = f"""
    create or replace temp table standing_now as
    with told as (
        select coalesce(branch_code, '') as branch_code, business_date, 'rows' as kind, source, feed, device_id,
               line_id, coalesce(placement, '') as placement, delivery_id, file_name,
               concat_ws(' ', row_count, entry_count, exit_count, epoch(first_interval_at), epoch(last_interval_at))
                   as said
        from {{lineage}}
        union all
        select branch_code, business_date, 'sales', source, feed, '', '', '', delivery_id, file_name,
               concat_ws(' ', row_count, transaction_count, sales_amount)
        from {{sales}}
        union all
        select '', business_date, 'delivery', source, feed, device_id, line_id, '', coalesce(delivery_id, ''),
               file_name, case when status in ('missing', 'rejected', 'retracted') then status
                               when row_count = 0 then 'empty' else 'read' end
        from {{deliveries}} where status <> 'duplicate'
    )
    select {_KEY}, min(file_name) as file_name, string_agg(said, '; ' order by said) as said from told group by all
"""

# A row per counter (or sales, or whole delivery) whose standing changed. A delivery that an earlier publication knew
# already is not new where it appears and not gone where it vanishes: it is read or placed otherwise.
_CHANGES = f"""
    create or replace temp table standing_changes as
    with facts as (
        select delivery_id, min(file_name) as file_name, bool_or(status = 'retracted') as is_retracted,
               bool_or(delivered_at > expected_by) as is_late
        from {{deliveries}} where delivery_id is not null and status <> 'duplicate' group by delivery_id
    ),
    days as (  -- a file of several days is late for some of them
        select delivery_id, business_date, bool_or(delivered_at > expected_by) as is_late
        from {{deliveries}} where delivery_id is not null and status <> 'duplicate' group by all
    ),
    known as (
        select delivery_id, bool_or(said = 'retracted') as was_retracted from temp.standing_before
        where kind = 'delivery' and not is_gone group by delivery_id
    ),
    changed as (
        select {_KEY}, coalesce(n.file_name, b.file_name) as file_name, n.said, n.said is null as is_gone,
               b.said as said_before
        from temp.standing_now as n full join temp.standing_before as b using ({_KEY})
        where n.said is distinct from b.said
    )
    select changed.* replace (coalesce(facts.file_name, changed.file_name) as file_name),
           coalesce(facts.is_retracted, false) as is_retracted,
           coalesce(days.is_late, facts.is_late, false) as is_late,
           known.delivery_id is null as is_new,
           coalesce(known.was_retracted, false) as was_retracted
    from changed left join facts using (delivery_id) left join known using (delivery_id)
    left join days using (delivery_id, business_date)
"""

# A delivery without rows in the figures (unreadable, empty, missing) concerns the branches that its device stands in.
_CONCERNED = """
    create or replace temp table concerned as
    select * from temp.standing_changes where kind in ('rows', 'sales') and branch_code <> ''
    union all by name
    select changed.* replace (c.branch_code as branch_code, c.placement as placement)
    from temp.standing_changes as changed
    join (select distinct source, device_id, branch_code, placement, valid_from_local, valid_to_local
          from {counters}) as c
      on c.source = changed.source and c.device_id = changed.device_id
     and coalesce(c.valid_from_local::date, date '0001-01-01') <= changed.business_date
     and coalesce(c.valid_to_local, timestamp '9999-01-01') > changed.business_date
    where changed.kind = 'delivery'
      and ('read' not in (coalesce(changed.said, 'read'), coalesce(changed.said_before, 'read'))
           or changed.said in ('rejected', 'empty', 'missing') or changed.said_before in ('rejected', 'empty'))
"""

_FOUND = """
    create or replace temp table fresh_cause as
    with judged as (
        select day.branch_code, day.business_date, changed.feed, changed.delivery_id, changed.file_name, has_new,
               case
                   when changed.is_retracted and (changed.is_gone or changed.said = 'retracted') then 1
                   when changed.was_retracted and not changed.is_gone then 2
                   when changed.said = 'missing' then 6
                   when changed.delivery_id = '' then null
                   when changed.is_gone and has_new then 3
                   when changed.is_gone or not changed.is_new then 7
                   when changed.is_replacing then 3
                   when changed.is_late then 4
                   else 5
               end as rank
        from temp.restated_days as day
        join (
            select *,
                   bool_or(is_gone or not is_new) over same and not is_gone and is_new as is_replacing,
                   bool_or(not is_gone and is_new) over same as has_new
            from temp.concerned where delivery_id <> '' or said = 'missing'
            window same as (partition by branch_code, business_date, kind, source, feed, device_id, line_id)
        ) as changed using (branch_code, business_date)
        where changed.placement = 'entrance' or day.is_conversion_restated and changed.placement in ('outside', '')
    ),
    strongest as (
        select branch_code, business_date, min(rank) as rank from judged group by all
    ),
    named as (
        select branch_code, business_date, judged.feed, delivery_id, min(file_name) as file_name
        from judged join strongest using (branch_code, business_date)
        where strongest.rank < 7
          and (judged.rank < 7 or has_new)  -- not what merely stands back as another feed is of record now
        group by all
    ),
    listed as (
        select branch_code, business_date, list_sort(list_distinct(list(feed))) as feeds,
               list(delivery_id order by feed, file_name, delivery_id) filter (where delivery_id <> '') as delivery_ids,
               list(coalesce(file_name, '') order by feed, file_name, delivery_id) filter (where delivery_id <> '')
                   as file_names
        from named group by all
    )
    select day.branch_code, day.business_date, {stamp} as published_at,
           case strongest.rank
               when 1 then 'retracted_delivery' when 2 then 'reinstated_delivery' when 3 then 'revised_delivery'
               when 4 then 'late_delivery' when 5 then 'new_delivery' when 6 then 'missing_delivery'
               else case
                   when day.is_expected_changed or {is_reference_changed} and day.is_measured_changed
                       then 'reference_changed'
                   when {is_calculation_changed} or strongest.rank = 7 then 'calculation_changed'
                   else 'history_changed'
               end
           end as cause,
           coalesce(feeds, []) as feeds, coalesce(delivery_ids, []) as delivery_ids,
           coalesce(file_names, []) as file_names
    from temp.restated_days as day
    left join strongest using (branch_code, business_date)
    left join listed using (branch_code, business_date)
"""


def find(marts: Marts, room: Path, home: Path, published_at: datetime) -> dict[str, str]:
    """Find why branch-days are revised by this publication; return what of it must be kept, as file name → query.

    Needs `revisions.load_history` and `revise` of every remembered mart that is there. Makes the temporary table
    `CAUSES` of all causes so far: branch_code, business_date, published_at, cause, feeds, delivery_ids, file_names.
    The first publication that knows the lineage finds none: it has nothing to compare with, and says so.
    """
    connection = marts.connection
    at = stamp(published_at)
    _load(connection, room)
    keep: dict[str, str] = {}
    if set(marts.tables()) >= NEEDED:
        relations = {
            "lineage": marts.relation("fct_counter_lineage"),
            "sales": marts.relation("fct_sales_lineage"),
            "deliveries": marts.relation("fct_delivery"),
            "counters": marts.relation("dim_counter"),
        }
        connection.execute(_NOW.format(**relations))
        connection.execute(_CHANGES.format(**relations))
        if row_count(connection, "temp.standing_changes"):
            keep[_STANDING] = f"""
                select {_KEY}, file_name, said, is_gone, {at} as published_at
                from temp.standing_changes order by business_date, kind, branch_code, source, device_id, delivery_id"""
        basis = {"reference": _fingerprint(home / "reference"), "calculation": _fingerprint(PROJECT)}
        before = _last_basis(connection, room)
        if basis != before:
            keep[_BASIS] = f"""
                select {text(basis["reference"])} as reference, {text(basis["calculation"])} as calculation,
                       {at} as published_at"""
        if before:
            _judge(marts, relations, at, {name: basis[name] != before[name] for name in basis})
            if row_count(connection, "temp.fresh_cause"):
                connection.execute(f"insert into {CAUSES} by name from temp.fresh_cause")
                keep[_CAUSE] = "from temp.fresh_cause order by business_date, branch_code"
    return keep


def _load(connection: duckdb.DuckDBPyConnection, room: Path) -> None:
    """Load what stood at the last publication, and all causes so far."""
    empty = {
        _STANDING: """null::varchar as branch_code, null::date as business_date, null::varchar as kind,
            null::varchar as source, null::varchar as feed, null::varchar as device_id, null::varchar as line_id,
            null::varchar as placement, null::varchar as delivery_id, null::varchar as file_name,
            null::varchar as said, false as is_gone, null::timestamptz as published_at""",
        _CAUSE: """null::varchar as branch_code, null::date as business_date, null::timestamptz as published_at,
            null::varchar as cause, null::varchar[] as feeds, null::varchar[] as delivery_ids,
            null::varchar[] as file_names""",
    }
    history = {
        name: f"select * from read_parquet({files}, union_by_name = true)"
        if (files := _files(room, name))
        else f"select {columns} limit 0"
        for name, columns in empty.items()
    }
    connection.execute(f"create or replace temp table all_causes as {history[_CAUSE]}")
    connection.execute(
        f"""
        create or replace temp table standing_before as
        select {_KEY}, file_name, said, is_gone from ({history[_STANDING]})
        qualify row_number() over (partition by {_KEY} order by published_at desc) = 1
        """
    )


def _last_basis(connection: duckdb.DuckDBPyConnection, room: Path) -> dict[str, str] | None:
    files = _files(room, _BASIS)
    if not files:
        return None
    newest = f"select reference, calculation from read_parquet({files}) order by published_at desc limit 1"
    ((reference, calculation),) = connection.execute(newest).fetchall()
    return {"reference": reference, "calculation": calculation}


def _judge(marts: Marts, relations: dict[str, str], at: str, is_changed: dict[str, bool]) -> None:
    """Make the temporary table of the causes that this publication finds."""
    connection = marts.connection
    connection.execute(_CONCERNED.format(**relations))
    days = [_restated(marts, each.name) for each in REMEMBERED if each.mart in marts.tables()]
    connection.execute(
        f"""
        create or replace temp table restated_days as
        select branch_code, business_date, bool_or(is_conversion) as is_conversion_restated,
               bool_or(is_measured_changed) as is_measured_changed, bool_or(is_expected_changed) as is_expected_changed
        from ({" union all ".join(days)}) group by all
        """
    )
    connection.execute(
        _FOUND.format(
            stamp=at,
            is_reference_changed=is_changed["reference"],
            is_calculation_changed=is_changed["calculation"],
        )
    )


def _restated(marts: Marts, name: str) -> str:
    """Return a query for the branch-days that say something else than before, and whether that was measured."""
    each = next(each for each in REMEMBERED if each.name == name)
    fresh = {str(row[0]) for row in marts.connection.execute(f"describe {each.fresh}").fetchall()}
    newest = {str(row[0]) for row in marts.connection.execute(f"describe {each.newest}").fetchall()}

    def differ(columns: Iterable[str]) -> str:
        both = [identifier(column) for column in columns if column in fresh and column in newest]
        return " or ".join(["false", *(f"f.{column} is distinct from s.{column}" for column in both)])

    measured = ("entry_count", "exit_count", "received_minutes", "status", "transaction_count", "sales_amount")
    return f"""
        select f.branch_code, f.business_date, {name == "branch_conversion_daily"} as is_conversion,
               {differ(measured)} as is_measured_changed, {differ(["expected_minutes"])} as is_expected_changed
        from {each.fresh} as f join {each.newest} as s using (branch_code, business_date)
        """


def _files(room: Path, name: str) -> list[str]:
    return [str(file) for file in sorted((room / name).glob("*.parquet"))]


def _fingerprint(folder: Path) -> str:
    """Hash what decides the marts besides received data: reference files, or the models' SQL."""
    digest = hashlib.sha256()
    files = {
        path for pattern in ("*.csv", "feeds.toml", "models/**/*.sql", "macros/*.sql") for path in folder.glob(pattern)
    }
    for file in sorted(files):
        digest.update(f"{file.relative_to(folder)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return digest.hexdigest()
