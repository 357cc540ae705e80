"""One writer at a time across processes, and no lock outlives its process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from orchestration.locks import locked

HOLD = """
import sys, time
from pathlib import Path
from orchestration.locks import locked
with locked(Path(sys.argv[1]), "warehouse"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_dies_with_its_process_and_who_waits_is_told_for_whom(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told: list[str] = []

        def waiting(message: str) -> None:
            told.append(message)
            os.kill(holder.pid, signal.SIGKILL)

        started = time.monotonic()
        with locked(tmp_path, "warehouse", waiting):
            assert time.monotonic() - started < 30
    assert told == [f"waiting for process {holder.pid}, which holds warehouse"]


def test_locks_of_different_names_do_not_wait_for_each_other(tmp_path: Path):
    told: list[str] = []
    with locked(tmp_path, "warehouse"), locked(tmp_path, "feed-sales", told.append):
        pass
    with locked(tmp_path, "warehouse", told.append):
        pass
    assert not told
