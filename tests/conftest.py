"""What all tests share: real servers, recordings, and a home to work in."""

import os
from pathlib import Path

import pytest

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

# Files that share one expensive fixture go to one worker of `make test`, and the longest groups go first, so that both
# workers end together. Any other file is a group of its own.
TOGETHER = {
    "story": ("dbt/test_conversion", "dbt/test_occupancy", "dbt/test_rebuild", "dbt/test_traffic", "dbt/test_trust"),
    "demo": ("whole/test_api_vendors", "cli/test_demo", "cli/test_explain"),
}
LONGEST = (
    *("whole/test_crashes", "whole/test_order", "demo", "story", "whole/test_readers"),
    *("dagster/test_runs", "whole/test_restatement", "sources/bespot/test_bespot_asked", "publish/test_killed_publish"),
    *("dbt/test_estimates", "emulators/test_year", "whole/test_recordings", "dbt/test_reconciliation"),
)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups = {file: (group, place) for group, files in TOGETHER.items() for place, file in enumerate(files)}
    order = {group: place for place, group in enumerate(LONGEST)}
    found: dict[pytest.Item, tuple[int, int]] = {}
    for item in items:
        file = item.path.relative_to(Path(__file__).parent).with_suffix("").as_posix()
        group, place = groups.get(file, (file, 0))
        item.add_marker(pytest.mark.xdist_group(group))
        found[item] = order.setdefault(group, len(order)), place
    items.sort(key=found.__getitem__)


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
