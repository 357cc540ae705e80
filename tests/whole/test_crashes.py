"""kill -9 at any moment of ingest, transform and publish: the next run makes it whole, nothing lost or doubled."""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.publish.verify import content_hashes, overall_hash
from tests.whole.world_home import deliver, make_home, small_world

KILLS = 50
KILLS_OF_A_PHASE = 12
PHASES = {"ingest": 7, "transform": 5, "publish": 6}  # and how often each is killed in a cycle


class Zygote:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.whole.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def run(self, home: Path, phases: str, seconds: float | None = None) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{home}\t{phases}\t{'' if seconds is None else seconds}\n")
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


class Storm:
    """Cycles of one home, killed at seeded moments of each phase; what a killed one had finished, the next need not do.

    A phase killed in a process of its own leaves what a cycle killed in that phase leaves.
    """

    def __init__(self, zygote: Zygote, home: Path) -> None:
        self.zygote, self.home = zygote, home
        self.random = random.Random(20261121)
        self.kills = dict.fromkeys(PHASES, 0)

    def blow(self, lasts: dict[str, float]) -> None:
        """Kill each phase some times, fewer where it gets through, and let a whole cycle come to its end."""
        for phase, kills in PHASES.items():
            left = lasts[phase]
            for _ in range(kills):
                moment = self.random.random() * left
                if self.zygote.run(self.home, phase, moment) == "done":
                    break
                self.kills[phase] += 1
                left -= moment if phase == "ingest" else 0  # files taken in are not taken again; the others begin anew
            else:
                assert self.zygote.run(self.home, phase) == "done"
        assert self.zygote.run(self.home, " ".join(PHASES)) == "done"


def timed(zygote: Zygote, home: Path) -> dict[str, float]:
    lasted = {}
    for phase in PHASES:
        started = time.monotonic()
        assert zygote.run(home, phase) == "done"
        lasted[phase] = time.monotonic() - started
    return lasted


@pytest.mark.timeout(600)
def test_a_run_after_kill_9_at_any_of_fifty_moments_gives_the_same_marts(zygote, tmp_path):
    """First the cycle that makes everything, then the one that brings late, corrected and repeated files into it."""
    world = small_world()
    waves = [[upload for upload in world.uploads if upload.wave == wave] for wave in (1, 2)]
    calm = tmp_path / "calm"
    make_home(calm, world)
    expected, numbers, lasted = [], [], []
    for uploads in waves:
        deliver(calm, uploads)
        lasted.append(timed(zygote, calm))
        expected.append(hashes(calm))
        numbers.append(counted(calm))
    assert expected[0] != expected[1]
    assert all(warehouse == published for warehouse, published in expected)

    home, kept = tmp_path / "storm", tmp_path / "kept"
    make_home(home, world)
    deliver(home, waves[0])
    storm = Storm(zygote, home)
    storm.blow(lasted[0])
    assert (hashes(home), counted(home)) == (expected[0], numbers[0])
    shutil.copytree(home, kept, symlinks=True)
    rounds = 0
    while sum(storm.kills.values()) < KILLS or min(storm.kills.values()) < KILLS_OF_A_PHASE:
        rounds += 1
        assert rounds <= KILLS
        shutil.rmtree(home)
        shutil.copytree(kept, home, symlinks=True)
        deliver(home, waves[1])
        storm.blow(lasted[1])
        assert (hashes(home), counted(home)) == (expected[1], numbers[1])
