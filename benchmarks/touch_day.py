"""Transform one touched day of a home; prints the seconds of a warm second transform (dbt's first one imports it)."""

import sys
import time
from datetime import date
from pathlib import Path

from orchestration.home import open_home
from orchestration.settings import Settings
from orchestration.transform import transform

home = open_home(Settings(home=Path(sys.argv[1])))
day = date.fromisoformat(sys.argv[2])
transform(home, [day])
started = time.perf_counter()
done = transform(home, [day])
assert done.days == (day,), done.days
assert not done.is_full
print(time.perf_counter() - started)
