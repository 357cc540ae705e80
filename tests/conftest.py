"""What all tests share: real servers, recordings, and a home to work in."""

import os
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from orchestration.settings import Settings

pytest_plugins = ["tests.servers.fixtures", "tests.lived"]

RECORDINGS = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
BRANCHES = (
    "branch_code,branch_name,country,region,city,timezone,currency_code,floor_area_m2,visitor_basis,"
    "opened_on,closed_on\n"
)
COUNTERS = "source,device_id,line_id,branch_code,placement,direction,label,address,timezone,valid_from,valid_to\n"
HOURS = "branch_code,weekday,opens,closes,valid_from,valid_to\n"
SPECIAL_DAYS = "branch_code,date,opens,closes\n"

# Files that share one expensive fixture go to one worker of `make test`, and the longest go first, so that both workers
# end together. Any other file goes by itself.
TOGETHER = (
    ("whole/test_api_vendors", "cli/test_demo", "cli/test_explain"),
    ("dbt/test_conversion", "dbt/test_occupancy", "dbt/test_rebuild", "dbt/test_traffic", "dbt/test_trust"),
)
LONGEST = (
    *("whole/test_crashes", "whole/test_order", *TOGETHER[0], *TOGETHER[1], "whole/test_readers", "dagster/test_runs"),
    *("whole/test_restatement", "dbt/test_estimates", "sources/bespot/test_bespot_asked"),
    *("publish/test_killed_publish", "emulators/test_year", "dbt/test_reconciliation", "whole/test_recordings"),
)
_FIRST_OF = {f"tests/{file}.py": f"tests/{files[0]}.py" for files in TOGETHER for file in files}


class _ByGroup(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return _FIRST_OF.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return _ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / f"{file}.py": place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Real recordings beside the checkout; they are not ours to copy, so their tests skip where they are not."""
    if not RECORDINGS.is_dir():
        if os.environ.get("FOOTFALL_REQUIRE_RECORDINGS"):
            pytest.fail("the recordings are required here but do not stand beside the checkout")
        pytest.skip("the recordings do not stand beside the checkout")
    return RECORDINGS


@pytest.fixture
def write_home(tmp_path: Path):
    """Make a home from rows of reference files; returns its settings."""

    def write(branches: str = "", counters: str = "", hours: str = "", special: str = "", feeds: str = "") -> Settings:
        home = tmp_path / "home"
        reference = home / "reference"
        reference.mkdir(parents=True, exist_ok=True)
        (reference / "branches.csv").write_text(BRANCHES + branches)
        (reference / "counters.csv").write_text(COUNTERS + counters)
        (reference / "opening_hours.csv").write_text(HOURS + hours)
        (reference / "special_days.csv").write_text(SPECIAL_DAYS + special)
        (reference / "feeds.toml").write_text(feeds)
        return Settings(home=home)

    return write
