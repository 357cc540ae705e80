"""`init`: what a new home holds, and that it never overwrites."""

import tomllib
from pathlib import Path

from orchestration.catalogue import load_catalogue
from orchestration.inventory import load_inventory
from orchestration.sources.profile import shipped_profiles
from tests.cli.conftest import contents
from tests.conftest import BRANCHES, COUNTERS, HOURS, SPECIAL_DAYS


def test_a_new_home_has_the_contract_s_header_lines_and_an_inbox_per_feed(home: Path):
    reference = home / "reference"
    assert (reference / "branches.csv").read_text() == BRANCHES
    assert (reference / "counters.csv").read_text() == COUNTERS
    assert (reference / "opening_hours.csv").read_text() == HOURS
    assert (reference / "special_days.csv").read_text() == SPECIAL_DAYS
    assert not load_inventory(reference).branches
    feeds = load_catalogue(reference).connectors
    assert sorted(path.name for path in (home / "inbox").iterdir()) == sorted(feeds)
    assert not any(connector.is_remote for connector in feeds.values())


def test_every_shipped_file_feed_is_in_the_template(home: Path):
    text = (home / "reference" / "feeds.toml").read_text()
    assert set(shipped_profiles()) <= {
        line.strip("# []").split(".")[1] for line in text.splitlines() if "[feeds." in line
    }


def test_every_commented_table_of_the_template_works_once_its_comment_is_taken_away(home: Path):
    path = home / "reference" / "feeds.toml"
    text = path.read_text()
    head, _, tables = text.partition('# FootfallCam "Direct Export')
    lines = ("# " + tables).splitlines()
    is_toml = [line.startswith("# ") and ("[feeds." in line or " = " in line) for line in lines]
    path.write_text(head + "\n".join(line[2:] if toml else line for line, toml in zip(lines, is_toml, strict=True)))
    text = path.read_text().replace('"SHA256:…"', f'"SHA256:{"A" * 43}"')
    path.write_text(text)
    assert "acme_monthly" in tomllib.loads(text)["feeds"]
    catalogue = load_catalogue(home / "reference")
    assert {"acme_monthly", "footfallcam_daily_north", "sales"} <= set(catalogue.connectors)
    assert catalogue["footfallcam_daily"].is_remote


def test_init_refuses_to_overwrite_and_changes_nothing(footfall, home: Path):
    (home / "reference" / "branches.csv").write_text("mine")
    (home / "reference" / "counters.csv").unlink()
    before = contents(home)
    told = footfall("init", home)
    assert told.exit_code == 2
    assert "branches.csv" in told.stderr
    assert contents(home) == before
