"""Statements that judge the lines of tabular.py: what a field must look like, and what is said of one that does not.

`judged` has one row a non-blank line: typed values, and in `problem` the first thing wrong as `reason:column` (NULL
where nothing is). Values are computed once; texts are kept only for lines that are refused.
"""

import re

from orchestration.sources.contract import Kind
from orchestration.sources.profile import FileProfile
from orchestration.sources.text import REPLACEMENT

_WHOLE = "'[0-9]{1,15}'"
Checks = list[tuple[str, str, str]]


def quoted(value: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def _field(at: dict[str, int], column: str) -> str:
    return f"trim(coalesce(f[{at[column] + 1}], ''))" if column in at else "''"


def judge_sql(
    profile: FileProfile,
    delimiter: str,
    at: dict[str, int],
    width: int,
    *,
    is_quoted: bool,
    names_device: bool,
    torn: dict[int, int],
) -> str:
    """Write the query that makes `judged` from the relation `lines`. `torn`: the last row of files that end in it."""
    if "timestamp" in at:
        stamp = _field(at, "timestamp")
    elif "date" in at and "time" in at:
        stamp = f"{_field(at, 'date')} || ' ' || {_field(at, 'time')}"
    elif "date" in at:
        stamp = _field(at, "date")
    else:
        stamp = f"named_day || ' ' || {_field(at, 'time')}"
    formats = "[" + ", ".join(quoted(item) for item in profile.time_formats) + "]"
    amount = _field(at, "sales_amount")
    texts = {
        "stamp_text": stamp,
        "device_text": _field(at, "device_id"),
        "line_text": _field(at, "line_id"),
        "end_text": _field(at, "interval_end"),
        "entry_text": _field(at, "entry_count"),
        "exit_text": _field(at, "exit_count"),
        "staff_text": _field(at, "staff_count"),
        "store_text": _field(at, "store_code"),
        "quantity_text": _field(at, "transaction_count"),
        "amount_text": f"replace({amount}, ',', '.')" if profile.decimal == "," else amount,
    }
    split = "fields" if is_quoted else f"string_split(left(line, -1), {quoted(delimiter)})"
    filled = "regexp_matches(line, " + quoted(r"[^ \t\n" + re.escape(delimiter) + "]") + ")"
    required = max(index for column, index in at.items() if column != "staff_count") + 1
    surplus = f"len(f) > {width} and trim(array_to_string(f[{width + 1}:], '')) <> ''"
    is_torn = " or ".join(f"(file = {file} and row_number = {row})" for file, row in torn.items()) or "false"
    checks: Checks = [
        ("unterminated_quote:", "f is null", "line"),
        ("invalid_encoding:", f"contains(line, {quoted(REPLACEMENT)})", "line"),
        ("torn_last_line:", is_torn, "line"),
        ("missing_columns:", f"len(f) < {required}", "line"),
        ("too_many_columns:", surplus, "line"),
        ("blank_value:timestamp", "stamp_text = ''", "stamp_text"),
        (
            "twelve_hour_clock:timestamp",
            "stamp is null and regexp_matches(lower(stamp_text), '[ap][.]?m[.]?$')",
            "stamp_text",
        ),
        ("bad_timestamp:timestamp", "stamp is null", "stamp_text"),
        *(_count_checks(at, names_device=names_device) if profile.kind is Kind.COUNTS else _sales_checks(profile)),
    ]
    problem = " ".join(f"when {test} then {quoted(name)}" for name, test, _ in checks)
    value = " ".join(f"when problem = {quoted(name)} then {column}" for name, _, column in checks)
    plain = f"len(f) = {width} and stamp is not null and not contains(line, {quoted(REPLACEMENT)}) and not ({is_torn})"
    plain += " and " + (_plain_counts(at) if profile.kind is Kind.COUNTS else "false")
    return f"""
    with split as (select *, {split} as f from lines where {filled}),
    texts as (select *, {", ".join(f"{text} as {name}" for name, text in texts.items())} from split),
    stamped as (
        select *, {f"try_strptime(end_text, {formats}) as stamp_end," if "interval_end" in at else ""}
            try_strptime(stamp_text, {formats}) as stamp
        from texts
    ),
    problems as (select *, case when {plain} then null {problem} end as problem from stamped)
    select file, row_number, problem, stamp, {", ".join(_values(at))},
        case when problem is not null then left(rtrim(line, chr(10)), 4000) end as line,
        case when problem is not null then left(rtrim(case {value} end, chr(10)), 1000) end as value
    from problems
    """


def _values(at: dict[str, int]) -> list[str]:
    """The typed columns that these files have."""
    typed = {
        "interval_end": "stamp_end",
        "device_id": "device_text as device_id",
        "line_id": "line_text as line_id",
        "entry_count": "try_cast(entry_text as bigint) as entry_count",
        "exit_count": "try_cast(exit_text as bigint) as exit_count",
        "staff_count": "try_cast(staff_text as bigint) as staff_count",
        "store_code": "store_text as store_code",
        "transaction_count": "try_cast(quantity_text as bigint) as transaction_count",
        "sales_amount": "try_cast(amount_text as decimal(18, 2)) as sales_amount",
    }
    return [expression for column, expression in typed.items() if column in at]


def _plain_counts(at: dict[str, int]) -> str:
    """The usual good line, told by one cheap test a column, so that the long list of checks runs for odd lines only."""
    tests = [f"regexp_full_match(entry_text, {_WHOLE})"]
    tests += [f"regexp_full_match({name}_text, {_WHOLE})" for name in ("exit", "staff") if f"{name}_count" in at]
    tests += ["stamp_end is not null"] if "interval_end" in at else []
    tests += ["device_text <> ''"] if "device_id" in at else []
    return " and ".join(tests)


def _whole(column: str, text: str, *, required: bool) -> Checks:
    present = f"{text} <> '' and"
    checks: Checks = [
        (f"not_whole:{column}", f"{present} regexp_full_match({text}, '[+-]?[0-9]*[.,][0-9]+')", text),
        (f"not_a_number:{column}", f"{present} not regexp_full_match({text}, '[+-]?[0-9]{{1,15}}')", text),
        (f"negative_count:{column}", f"{present} {text}[1] = '-' and try_cast({text} as bigint) <> 0", text),
    ]
    return ([(f"blank_value:{column}", f"{text} = ''", text)] if required else []) + checks


def _count_checks(at: dict[str, int], *, names_device: bool) -> Checks:
    ends: Checks = [("bad_timestamp:interval_end", "stamp_end is null", "end_text")] if "interval_end" in at else []
    nameless: Checks = [] if names_device else [("blank_value:device_id", "device_text = ''", "device_text")]
    return [
        *nameless,
        *ends,
        *_whole("entry_count", "entry_text", required=True),
        *_whole("exit_count", "exit_text", required=False),
        *_whole("staff_count", "staff_text", required=False),
    ]


def _sales_checks(profile: FileProfile) -> Checks:
    refunds: Checks = [("refund_not_supported:sales_amount", "amount_text[1] = '-'", "amount_text")]
    return [
        ("blank_value:store_code", "store_text = ''", "store_text"),
        *_whole("transaction_count", "quantity_text", required=True),
        ("blank_value:sales_amount", "amount_text = ''", "amount_text"),
        (
            "not_a_number:sales_amount",
            "not regexp_full_match(amount_text, '[+-]?[0-9]{1,15}([.][0-9]*)?')",
            "amount_text",
        ),
        ("too_many_decimals:sales_amount", "regexp_full_match(amount_text, '.*[.][0-9]{3,}')", "amount_text"),
        *(refunds if profile.refunds == "reject" else []),
    ]


def grains_sql() -> str:
    """Write the query for the grain that a file's own from and to times tell, over the relation `good`."""
    return (
        "select file, cast(mode(date_diff('minute', stamp, stamp_end)) as integer) from good "
        "where stamp_end > stamp group by file"
    )


def refuse_sql(profile: FileProfile, *, tells_device: bool) -> str:
    """Write the query for the rejected rows of `judged`; one of unreadable time takes the minute of its place."""
    device = "coalesce(nullif(device_id, ''), named_device)" if tells_device else "named_device"
    return f"""
    with broken as (select distinct file from judged where problem is not null),
    numbered as (
        select j.*, h.* exclude (file), row_number() over (partition by j.file order by j.row_number) as n
        from judged as j
        join broken as b on b.file = j.file
        join heads as h on h.file = j.file
    ),
    placed as (
        select *,
            last_value(stamp ignore nulls) over earlier as stamp_before,
            n - last_value(case when stamp is not null then n end ignore nulls) over earlier as steps,
            min(cast(stamp as date)) over (partition by file) as first_day
        from numbered
        window earlier as (partition by file order by n rows between unbounded preceding and 1 preceding)
    ),
    timed as (
        select *, coalesce(stamp, stamp_before + to_minutes(cast(steps * {profile.grain_minutes} as bigint))) as start
        from placed where problem is not null
    )
    select file, row_number as line_number, split_part(problem, ':', 2) as column_name, coalesce(value, '') as value,
        split_part(problem, ':', 1) as reason, line, coalesce({device}, '') as device_id, start as interval_start_local,
        coalesce(
            try_cast(nullif(named_day, '') as date), cast(start as date), first_day, cast(fallback_day as date)
        ) as _business_date
    from timed order by file, row_number
    """
