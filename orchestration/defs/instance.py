"""Where Dagster keeps its history: FOOTFALL_HOME/dagster and the dagster.yaml in it. Does not import Dagster.

`dagster dev` reads DAGSTER_HOME before any code of ours runs, so `make ui` asks this module first:
`python -m orchestration.defs.instance` writes what is missing and prints the directory.
"""

import sys
from pathlib import Path

from orchestration.settings import Settings

OURS = "# Written by footfall at every start. Delete this line to keep settings of your own."

# Nothing in the steps prints: what they have to say is in the event log, and capturing output would start processes.
BASE = f"""{OURS}
telemetry:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
concurrency:
  pools:
    granularity: run
    default_limit: 1
  runs:
    max_concurrent_runs: 4
run_monitoring:
  enabled: true
"""

# psycopg2 by name: SQLAlchemy 2.1 would read a bare `postgresql://` as psycopg 3, which dagster-postgres cannot speak.
POSTGRES = """storage:
  postgres:
    postgres_url:
      env: FOOTFALL_DAGSTER_POSTGRES_URL
"""


def prepare(settings: Settings) -> Path:
    """Make the directory and its dagster.yaml (SQLite; PostgreSQL when configured) and return it."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    file = home / "dagster.yaml"
    wanted = BASE + (POSTGRES if settings.dagster_postgres_url else "")
    current = file.read_text(encoding="utf-8") if file.exists() else OURS
    if current.startswith(OURS) and current != wanted:
        temporary = file.with_suffix(".tmp")
        temporary.write_text(wanted, encoding="utf-8")
        temporary.replace(file)
    return home


if __name__ == "__main__":
    sys.stdout.write(f"{prepare(Settings())}\n")
