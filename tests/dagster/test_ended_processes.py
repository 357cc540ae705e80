"""What is left of a run whose process was killed or interrupted: no lock, no run that is started for ever."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.definitions import define
from orchestration.locks import locked
from orchestration.settings import Settings

INGEST = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
from orchestration import runs, settings
runs.run_cycle(settings.Settings(home=Path(sys.argv[1])))
"""


@contextmanager
def waiting_run(home: Settings, instance: dg.DagsterInstance) -> Iterator[subprocess.Popen[str]]:
    """Start a cycle in a process of its own and keep it waiting inside its first step."""

    def said() -> str:
        return "".join(entry.message for run in instance.get_runs() for entry in instance.all_logs(run.run_id))

    arguments = [sys.executable, "-c", INGEST, str(home.home)]
    with (
        locked(home.home, "feed-footfallcam_daily"),
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        deadline = time.monotonic() + 60
        while "waiting for process" not in said() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        yield process


def sweep(home: Settings, instance: dg.DagsterInstance) -> str | None:
    sensor = define(home).get_repository_def().get_sensor_def("abandoned_runs")
    return sensor.evaluate_tick(dg.build_sensor_context(instance)).skip_message


def test_a_killed_run_is_failed_by_the_daemon_and_a_living_one_is_left_alone(
    home: Settings, instance: dg.DagsterInstance
):
    with waiting_run(home, instance) as process:
        assert sweep(home, instance) == "every run's process lives"
        process.kill()
    assert sweep(home, instance) == "failed 1 run(s) whose process was gone"
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]


def test_an_interrupted_cycle_stops_and_its_run_is_failed(home: Settings, instance: dg.DagsterInstance):
    with waiting_run(home, instance) as process:
        process.send_signal(signal.SIGINT)
        told = process.communicate()[1]
    assert "KeyboardInterrupt" in told
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]
