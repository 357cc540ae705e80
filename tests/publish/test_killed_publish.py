"""A publish killed anywhere: readers keep a whole edition, the next publish puts everything right, history is exact."""

import random
import time
from datetime import datetime, timedelta
from pathlib import Path

from orchestration.publish.published import publish
from orchestration.publish.verify import content_hashes
from orchestration.publish.versions import version_name
from tests.publish.chain import HOUR, NINE, ask, edition_read_by, instant, restate_everything, run
from tests.publish.processes import PROCESSES, publish_and_die

KILLS = 12
MINUTE = timedelta(minutes=1)
NEVER = 0


def moment(edition: int) -> datetime:
    """Return when the next edition is published; a killed attempt at it was half an hour earlier."""
    return NINE + edition * HOUR


def publish_in_a_process_that_dies(home: Path, edition: int, step: int, seconds: float | None) -> int | None:
    """Return the exit code; killed before the step of that number or after that many seconds."""
    restate_everything(home / "warehouse.duckdb", edition)
    at = moment(edition) - 30 * MINUTE
    process = PROCESSES.Process(target=publish_and_die, args=(home, at, step))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode


def publish_after_the_kill(home: Path, edition: int) -> float:
    """Publish the edition that the dead process was publishing, compare with a history without kills, time it."""
    warehouse = home / "warehouse.duckdb"
    read_after_the_kill = edition_read_by(home)
    assert read_after_the_kill in (edition - 1, edition)
    begun = time.perf_counter()
    publication = publish(warehouse, home, moment(edition))
    seconds = time.perf_counter() - begun
    assert edition_read_by(home) == edition
    assert content_hashes(publication.database) == content_hashes(warehouse)
    editions = list(range(1, edition + 1))
    for name, said in (("traffic", "entry_count"), ("conversion", "transaction_count")):
        history = f"""
            select distinct list(revision order by revision), list({said}::integer order by revision)
            from marts.branch_{name}_daily_revision group by branch_code, business_date"""
        assert ask(home, history) == [(editions, editions)]
        for at, read_then in ((moment(edition - 1), edition - 1), (moment(edition) - MINUTE, read_after_the_kill)):
            then = f"branch_{name}_daily_as_of({instant(at)})"
            assert ask(home, f"select distinct {said}, revision from {then}") == [(read_then, read_then)]
        assert len(list((home / "revisions" / f"branch_{name}_daily").iterdir())) == edition
    assert list((home / "revisions" / "pending").iterdir()) == []
    room = home / "published"
    assert {entry.name for entry in room.iterdir()} == {".lock", "current", "footfall.duckdb", "parquet", "versions"}
    versions = {folder.name for folder in (room / "versions").iterdir()}
    assert max(versions) == publication.version
    assert len(versions) <= 6
    killed = version_name(moment(edition) - 30 * MINUTE)
    assert (killed in versions) == (read_after_the_kill == edition)
    return seconds


def test_killed_at_twelve_seeded_moments(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, moment(1))
    moments = random.Random(20261121)
    seconds = 0.1
    for edition in range(2, KILLS + 2):
        publish_in_a_process_that_dies(home, edition, NEVER, moments.uniform(0.3, 1.6) * seconds)
        seconds = publish_after_the_kill(home, edition)


def test_killed_before_every_single_change_of_names(home: Path, warehouse: Path) -> None:
    for mart in ("fct_counter_traffic_hourly", "fct_delivery", "fct_sales_import"):  # they add steps, but no new ones
        run(warehouse, f"drop table marts.{mart}")
    publish(warehouse, home, moment(1))
    step, exit_code = 0, -9
    while exit_code == -9:
        step += 1
        exit_code = publish_in_a_process_that_dies(home, step + 1, step, None)
        publish_after_the_kill(home, step + 1)
    assert exit_code == 0
    assert step > 15
