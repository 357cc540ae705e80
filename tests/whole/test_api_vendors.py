"""Every interface that is asked, through the whole system to the marts; and that no secret is left behind anywhere."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import zstandard

from emulators.pulls import AT_NOON, BY_NIGHT
from tests.lived import Lived


@pytest.mark.parametrize("feed", [*BY_NIGHT, *AT_NOON])
def test_what_an_interface_tells_equals_the_truth(lived: Lived, feed: str) -> None:
    for verdict in lived.story.verdicts:
        found = verdict.feeds[feed]
        assert found.is_equal, [line for mart in verdict.marts for line in mart.shown()]
        assert found.row_count == found.truth_count > 0


def test_every_mart_equals_the_truth_after_each_wave(lived: Lived) -> None:
    for verdict in lived.story.verdicts:
        assert [line for mart in verdict.marts for line in mart.shown()] == []


def test_every_fault_of_an_interface_was_met(lived: Lived) -> None:
    assert {failure.reason for failure in lived.story.failures} == {
        "html_answer",
        "store_code_not_found",
        "unreachable",
    }
    asked = lived.interfaces
    assert len([path for path in asked.servers["account"].requests if path.path.endswith("load")]) == 4 + 3
    assert asked.bespot.drifts == asked.account.waits == 0
    assert len(asked.counters.given) >= 3 + 2 + 2 + 1  # one each in three fetches, and one for that which was revoked
    assert asked.fleet.logins > 2 * 3


def test_plain_http_is_asked_only_where_the_vendor_has_nothing_else(lived: Lived) -> None:
    servers = lived.interfaces.servers
    assert servers["elsewhere"].requests == []  # every `next` link of Bespot named it
    assert {name for name, server in servers.items() if server.url.startswith("http:")} == {
        "counters",
        "street",
        "elsewhere",
    }
    assert servers["counters"].requests


def test_no_question_changes_anything_at_a_sensor(lived: Lived) -> None:
    asked = {
        (request.method, request.path.rsplit("/", 1)[-1]) for request in lived.interfaces.servers["fleet"].requests
    }
    assert {path for method, path in asked if method != "GET"} == {"login"}
    assert not any("reset" in path or "trigger" in path for _, path in asked)


def test_no_secret_stands_anywhere_below_the_home(lived: Lived) -> None:
    secrets = lived.secrets()
    assert len(secrets) > 15
    found = [
        f"{name} in {where}"
        for where, content in everything_written(lived.home)
        for name, secret in secrets.items()
        if secret in content
    ]
    assert found == []


def test_no_secret_stands_in_a_table(lived: Lived) -> None:
    secrets = [secret.decode() for secret in lived.secrets().values()]
    for file in (lived.home / "warehouse.duckdb", lived.home / "published" / "footfall.duckdb"):
        with duckdb.connect(str(file), read_only=True) as connection:
            columns = connection.execute(
                "select schema_name, table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' "
                "and not internal and database_name = current_database()"
            ).fetchall()
            assert columns
            for schema, table, column in columns:
                query = f'select distinct "{column}" from "{schema}"."{table}" where "{column}" is not null'
                said = "\n".join(value for (value,) in connection.execute(query).fetchall())
                assert not [secret for secret in secrets if secret in said], (schema, table, column)


def test_no_secret_stands_in_what_the_http_libraries_log(lived: Lived) -> None:
    said = "\n".join(lived.heard)
    assert "HTTP Request" in said
    assert not [name for name, secret in lived.secrets().items() if secret.decode() in said]


def everything_written(home: Path) -> Iterator[tuple[str, bytes]]:
    """Go through every file of a home but the secrets' own, landing unpacked."""
    for path in home.rglob("*"):
        if not path.is_file() or "secrets" in path.relative_to(home).parts:
            continue
        content = path.read_bytes()
        yield str(path), str(path).encode() + content
        if path.suffix == ".zst":
            start = 8 + int.from_bytes(content[4:8], "little")  # after the envelope
            yield f"{path} unpacked", zstandard.ZstdDecompressor().decompress(content[start:])
        if path.suffix == ".parquet":
            rows = duckdb.execute(f"from read_parquet('{path}', hive_partitioning = false)").fetchall()
            yield f"{path} read", repr(rows).encode()
