"""What all tests share: real servers, recordings, and a home to work in."""

import os
from pathlib import Path

import pytest

from orchestration.settings import Settings

pytest_plugins = ["tests.servers.fixtures"]

RECORDINGS = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
BRANCHES = (
    "branch_code,branch_name,country,region,city,timezone,currency_code,floor_area_m2,visitor_basis,"
    "opened_on,closed_on\n"
)
COUNTERS = "source,device_id,line_id,branch_code,placement,direction,label,address,timezone,valid_from,valid_to\n"
HOURS = "branch_code,weekday,opens,closes,valid_from,valid_to\n"
SPECIAL_DAYS = "branch_code,date,opens,closes\n"


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
