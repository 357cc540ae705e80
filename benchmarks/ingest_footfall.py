"""Bytes on disk to raw with every guarantee on: durable landing, sha256, ledger, tolerant parse, rejections."""

import sys
import time
from pathlib import Path

from orchestration.home import open_home
from orchestration.settings import Settings
from orchestration.steps import import_files

home = open_home(Settings(home=Path(sys.argv[1])))
started = time.perf_counter()
result = import_files(home, home.catalogue["footfallcam_daily"], sorted(Path(sys.argv[2]).iterdir()))
assert result.rows == 432_000, result
print(time.perf_counter() - started)
