"""What every branch-day said at each publication, and that it can be asked for again."""

from pathlib import Path

import duckdb
import pytest

from orchestration.publish.published import Publication, publish
from orchestration.publish.revisions import AmbiguousBranchDay
from tests.publish.chain import HOUR, NINE, ask, instant, run

ONE_DAY = "branch_code = 'B1' and business_date = date '2026-11-03'"
TRAFFIC, CONVERSION = "fct_branch_traffic_daily", "fct_branch_conversion_daily"


def change_one_day(warehouse: Path, assignment: str, mart: str = TRAFFIC) -> None:
    run(warehouse, f"update marts.{mart} set {assignment} where {ONE_DAY}")


def said_of_one_day(home: Path, columns: str) -> list[tuple[object, ...]]:
    return ask(home, f"select {columns} from marts.branch_traffic_daily_revision where {ONE_DAY} order by revision")


def differing_rows(home: Path, publication: Publication, name: str, columns: str) -> list[tuple[object, ...]]:
    """Compare what was published then with what is said now to have been published then."""
    then = instant(publication.published_at)
    as_of = f"(select {columns} from {name}_as_of({then}))"
    published = f"(select {columns} from published_then.marts.fct_{name})"
    with duckdb.connect(str(home / "published" / "footfall.duckdb"), read_only=True) as connection:
        connection.execute(
            "attach '" + str(publication.database).replace("'", "''") + "' as published_then (read_only)"
        )
        return connection.execute(
            f"(from {as_of} except all from {published}) union all (from {published} except all from {as_of})"
        ).fetchall()


def test_only_changed_days_are_written(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    change_one_day(warehouse, "entry_count = 8, entry_count_high = null")
    restated = publish(warehouse, home, NINE + HOUR)
    assert restated.revised == {TRAFFIC: 1, CONVERSION: 0}
    (file,) = (home / "revisions" / "branch_traffic_daily").glob(f"{restated.version}.parquet")
    with duckdb.connect() as connection:
        (row,) = connection.execute(
            "select branch_code, entry_count, entry_count_high, revision, published_at::varchar, is_retracted "
            "from read_parquet(?)",
            [str(file)],
        ).fetchall()
    assert row[:4] == ("B1", 8, None, 2)
    assert row[5] is False
    assert ask(home, f"select revision, count(*) from marts.{TRAFFIC} group by all order by all") == [(1, 39), (2, 1)]


@pytest.mark.parametrize(
    "assignment",
    ["exit_count = null", "entry_count_estimated = 0", "coverage_ratio = 0.998334", "status = 'unknown'"],
)
def test_any_value_counts_and_null_is_a_value(home: Path, warehouse: Path, assignment: str) -> None:
    publish(warehouse, home, NINE)
    change_one_day(warehouse, assignment)
    assert publish(warehouse, home, NINE + HOUR).revised[TRAFFIC] == 1


def test_as_of_gives_back_what_was_published_before_and_after_a_restatement(home: Path, warehouse: Path) -> None:
    editions = [publish(warehouse, home, NINE)]
    change_one_day(warehouse, "entry_count = 8, coverage_ratio = 1 / 3, status = ''")
    change_one_day(warehouse, "sales_amount = 0.01, flag = 'above_one'", CONVERSION)
    editions.append(publish(warehouse, home, NINE + HOUR))
    run(warehouse, f"delete from marts.{TRAFFIC} where {ONE_DAY}; delete from marts.{CONVERSION} where {ONE_DAY}")
    editions.append(publish(warehouse, home, NINE + 2 * HOUR))
    run(warehouse, f"update marts.{TRAFFIC} set status = 'closed' where business_date >= date '2026-11-09'")
    editions.append(publish(warehouse, home, NINE + 3 * HOUR))
    mart = "branch_code, business_date, entry_count, entry_count_high, exit_count, coverage_ratio, status, revision"
    sales = "branch_code, business_date, transaction_count, sales_amount, conversion_ratio, is_paired, flag"
    for edition in editions:
        assert differing_rows(home, edition, "branch_traffic_daily", mart) == []
        assert differing_rows(home, edition, "branch_conversion_daily", sales) == []
    assert [edition.row_counts[TRAFFIC] for edition in editions] == [40, 40, 39, 39]
    assert [edition.revised[TRAFFIC] for edition in editions] == [40, 1, 1, 8]


def test_before_the_first_publication_nothing_was_said(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    assert ask(home, f"from branch_traffic_daily_as_of({instant(NINE - HOUR)})") == []
    assert ask(home, f"select count(*) from branch_conversion_daily_as_of({instant(NINE)})") == [(40,)]


def test_both_spellings_of_a_macro_work_and_take_a_timestamp_or_a_text(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    for macro in ("branch_traffic_daily_as_of", "marts.branch_traffic_daily_as_of"):
        for when in (
            "'2100-01-01'",
            "timestamptz '2100-01-01 00:00:00+00'",
            "date '2100-01-01'",
            "timestamp '2100-01-01'",
        ):
            assert ask(home, f"select count(*) from {macro}({when})") == [(40,)]


def test_a_day_that_vanished_is_retracted_once_and_may_come_back(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    run(warehouse, f"create table kept as from marts.{TRAFFIC} where {ONE_DAY}")
    run(warehouse, f"delete from marts.{TRAFFIC} where {ONE_DAY}")
    assert publish(warehouse, home, NINE + HOUR).revised[TRAFFIC] == 1
    assert publish(warehouse, home, NINE + 2 * HOUR).revised[TRAFFIC] == 0
    run(warehouse, f"insert into marts.{TRAFFIC} from kept")
    assert publish(warehouse, home, NINE + 3 * HOUR).revised[TRAFFIC] == 1
    assert said_of_one_day(home, "revision, is_retracted, entry_count") == [
        (1, False, 1),
        (2, True, None),
        (3, False, 1),
    ]
    counts = [
        ask(home, f"select count(*) from branch_traffic_daily_as_of({instant(NINE + n * HOUR)})") for n in range(4)
    ]
    assert counts == [[(40,)], [(39,)], [(39,)], [(40,)]]
    assert ask(home, f"select revision from marts.{TRAFFIC} where {ONE_DAY}") == [(3,)]


def test_the_same_statement_again_later_is_a_revision_of_its_own(home: Path, warehouse: Path) -> None:
    for n, entry_count in enumerate([1, 2, 1]):
        change_one_day(warehouse, f"entry_count = {entry_count}")
        publish(warehouse, home, NINE + n * HOUR)
    assert said_of_one_day(home, "revision, entry_count") == [(1, 1), (2, 2), (3, 1)]


def test_a_new_column_revises_nothing_until_a_day_says_something_else(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    run(warehouse, f"alter table marts.{TRAFFIC} add column staff_count bigint default 5")
    assert publish(warehouse, home, NINE + HOUR).revised[TRAFFIC] == 0
    change_one_day(warehouse, "entry_count = 8")
    assert publish(warehouse, home, NINE + 2 * HOUR).revised[TRAFFIC] == 1
    change_one_day(warehouse, "staff_count = null")
    assert publish(warehouse, home, NINE + 3 * HOUR).revised[TRAFFIC] == 1
    assert said_of_one_day(home, "revision, entry_count, staff_count") == [(1, 1, None), (2, 8, 5), (3, 8, None)]
    assert ask(home, f"select count(*) from branch_traffic_daily_as_of({instant(NINE)})") == [(40,)]


def test_a_dropped_column_revises_nothing_and_stays_readable(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    run(warehouse, f"alter table marts.{TRAFFIC} drop column exit_count")
    assert publish(warehouse, home, NINE + HOUR).revised[TRAFFIC] == 0
    change_one_day(warehouse, "entry_count = 8")
    publish(warehouse, home, NINE + 2 * HOUR)
    assert said_of_one_day(home, "revision, exit_count") == [(1, 7), (2, None)]


@pytest.mark.parametrize("wider", ["hugeint", "varchar", "decimal(20, 0)"])
def test_a_changed_type_revises_nothing_by_itself(home: Path, warehouse: Path, wider: str) -> None:
    publish(warehouse, home, NINE)
    run(warehouse, f"alter table marts.{TRAFFIC} alter column entry_count type {wider}")
    assert publish(warehouse, home, NINE + HOUR).revised[TRAFFIC] == 0
    change_one_day(warehouse, "entry_count = 8")
    assert publish(warehouse, home, NINE + 2 * HOUR).revised[TRAFFIC] == 1
    assert said_of_one_day(home, "entry_count::integer") == [(1,), (8,)]


def test_the_revisions_folder_is_believed_over_the_published_file(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    for file in (home / "revisions").glob("*/*.parquet"):
        file.unlink()
    assert publish(warehouse, home, NINE + HOUR).revised == {TRAFFIC: 40, CONVERSION: 40}
    assert ask(home, "select count(*), max(revision) from marts.branch_traffic_daily_revision") == [(40, 1)]


def test_a_mart_that_is_not_there_is_not_retracted(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    run(warehouse, f"alter table marts.{CONVERSION} rename to fct_elsewhere")
    assert publish(warehouse, home, NINE + HOUR).revised == {TRAFFIC: 0}
    run(warehouse, f"alter table marts.fct_elsewhere rename to {CONVERSION}")
    assert publish(warehouse, home, NINE + 2 * HOUR).revised == {TRAFFIC: 0, CONVERSION: 0}


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (f"insert into marts.{TRAFFIC} from marts.{TRAFFIC} where {ONE_DAY}", "B1 on 2026-11-03"),
        (f"update marts.{TRAFFIC} set branch_code = null where {ONE_DAY}", "None on 2026-11-03"),
    ],
)
def test_an_ambiguous_branch_day_is_refused_and_readers_keep_what_they_have(
    home: Path, warehouse: Path, mistake: str, named: str
) -> None:
    publish(warehouse, home, NINE)
    run(warehouse, mistake)
    with pytest.raises(AmbiguousBranchDay, match=named):
        publish(warehouse, home, NINE + HOUR)
    assert ask(home, f"select count(*) from marts.{TRAFFIC} where branch_code is not null") == [(40,)]
