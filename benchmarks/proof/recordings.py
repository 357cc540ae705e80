"""The real recordings, where they stand beside the checkout: the checks of their own truth, run as they are tested."""

import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.proof.figures import Figure

ROOT = Path(__file__).resolve().parent.parent.parent
CHECKS = "tests/whole/test_recordings.py"


def recording_figures() -> list[Figure]:
    """Run the checks of the recordings in a process of their own."""
    command = [sys.executable, "-m", "pytest", CHECKS]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    found = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", ran.stdout)}
    passed, failed = found.get("passed", 0), found.get("failed", 0) + found.get("error", 0)
    if not passed and not failed:
        return [Figure("recordings as their README says", None, "not beside this checkout", "all")]
    notes = re.findall(r"^FAILED (\S+)", ran.stdout, re.MULTILINE)
    shown = f"{passed} of {passed + failed} checks"
    return [Figure("recordings as their README says", passed / (passed + failed), shown, "all", not failed, notes)]
