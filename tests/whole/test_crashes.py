"""kill -9 at any moment of ingest, transform and publish: the next run makes it whole, nothing lost or doubled."""

import random
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.publish.verify import content_hashes, overall_hash
from tests.whole.world_home import deliver, make_home, small_world

KILLS = 50
PER_HOME = 10


class Zygote:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.whole.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def run(self, home: Path, seconds: float | None = None) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{home}\t{'' if seconds is None else seconds}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def zygote():
    process = Zygote()
    yield process
    process.close()


def hashes(home: Path) -> tuple[str, str]:
    return (
        overall_hash(content_hashes(home / "warehouse.duckdb")),
        overall_hash(content_hashes(home / "published" / "footfall.duckdb")),
    )


def counted(home: Path) -> tuple:
    with duckdb.connect(str(home / "published" / "footfall.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select count(*), sum(revision), max(revision) from marts.branch_traffic_daily_revision"
        ).fetchone()


@pytest.mark.timeout(600)
def test_a_run_after_kill_9_at_any_of_fifty_moments_gives_the_same_marts(zygote, tmp_path):
    world = small_world()
    calm = tmp_path / "calm"
    make_home(calm, world)
    first_wave = [upload for upload in world.uploads if upload.wave == 1]
    deliver(calm, first_wave)
    started = time.monotonic()
    assert zygote.run(calm) == "done"
    lasted = time.monotonic() - started
    expected = hashes(calm)
    assert expected[0] == expected[1]
    chosen = random.Random(20261121)
    kills = homes = runs = 0
    while kills < KILLS:
        homes += 1
        home = tmp_path / f"storm{homes}"
        make_home(home, world)
        deliver(home, first_wave)
        for _ in range(PER_HOME):  # what a killed run had finished, the next need not do: it is shorter
            runs += 1
            assert runs < 4 * KILLS
            started = time.monotonic()
            if zygote.run(home, chosen.random() * lasted) == "done":
                lasted = min(lasted, time.monotonic() - started)
                break
            kills += 1
        assert zygote.run(home) == "done"
        assert hashes(home) == expected
        assert counted(home) == counted(calm)
