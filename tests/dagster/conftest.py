"""A tiny chain in files: two branches, five counters that report by the hour, and a till; ready for any run."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.instance import prepare
from orchestration.defs.manifest import load_project
from orchestration.settings import Settings

FIRST = date(2026, 3, 2)
COUNTERS = {"C1": "0101", "C2": "0101", "C3": "0102", "C4": "0102", "C5": "0102"}
BRANCH_ROWS = "".join(f"{code},Shop {code},GR,,Athens,Europe/Athens,EUR,,in,,\n" for code in ("0101", "0102"))
COUNTER_ROWS = "".join(f"footfallcam,{device},,{code},entrance,,,,,,\n" for device, code in COUNTERS.items())
HOUR_ROWS = "".join(f"{code},{day},09:00,21:00,,\n" for code in ("0101", "0102") for day in range(1, 8))

Make = Callable[[str], Settings]


@pytest.fixture(scope="session")
def dbt_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dbt's project, parsed once for all homes of the session."""
    home = tmp_path_factory.mktemp("parsed")
    load_project(Settings(home=home))
    return home / "dbt" / "target"


@pytest.fixture
def make_home(write_home: Callable[..., Settings], dbt_target: Path) -> Make:
    """Make the chain's home with these feeds."""

    def make(feeds: str) -> Settings:
        settings = write_home(BRANCH_ROWS, COUNTER_ROWS, HOUR_ROWS, "", feeds)
        shutil.copytree(dbt_target, settings.home / "dbt" / "target", dirs_exist_ok=True)
        return settings

    return make


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    """The vendors' folders, `counts` and `sales`."""
    for folder in ("counts", "sales"):
        (tmp_path / "vendors" / folder).mkdir(parents=True)
    return tmp_path / "vendors"


@pytest.fixture
def home(make_home: Make, delivered: Path) -> Settings:
    """The chain with both vendors in use and nothing delivered yet."""
    return make_home(counts_feed(delivered) + sales_feed(delivered))


@pytest.fixture
def instance(home: Settings) -> Iterator[dg.DagsterInstance]:
    """The history of `home`."""
    with dg.DagsterInstance.from_config(str(prepare(home))) as found:
        yield found


def folder_remote(feed: str, folder: Path) -> str:
    return f'[feeds.{feed}.remote]\nprotocol = "folder"\nfolder = "{folder}"\nsettle_seconds = 0\n'


def counts_feed(delivered: Path, name: str = "footfallcam_daily", more: str = "") -> str:
    return f"[feeds.{name}]\ngrain_minutes = 60\n{more}{folder_remote(name, delivered / 'counts')}"


def sales_feed(delivered: Path) -> str:
    return f'[feeds.sales]\nname = "sales_*.csv"\n{folder_remote("sales", delivered / "sales")}'


def deliver(delivered: Path, first: date, days: int, entries: int = 10) -> None:
    """Let each counter deliver these days, and the till every day's sales."""
    for day in (first + timedelta(days=step) for step in range(days)):
        for device in COUNTERS:
            rows = "".join(f"{device},{day} {hour:02d}:00:00,{entries},{entries - 1}\n" for hour in range(24))
            put(delivered / "counts" / f"{device}_{day:%Y%m%d}.csv", "Serial,Time,In,Out\n" + rows, day)
        head = "StoreCode,DateTime,TotalTransactionQty,TotalTransactionValue\n"
        hours = [(code, hour) for code in ("0101", "0102") for hour in range(9, 21)]
        rows = "".join(f"{code},{day:%d-%m-%Y} {hour:02d}:00,3,59.70\n" for code, hour in hours)
        put(delivered / "sales" / f"sales_{day:%Y%m%d}.csv", head + rows, day)


def put(path: Path, text: str, day: date) -> None:
    """Write a file as the vendor would have: early the next morning."""
    path.write_text(text, encoding="utf-8")
    seconds = datetime.fromisoformat(f"{day + timedelta(days=1)}T01:00:00+00:00").timestamp()
    os.utime(path, (seconds, seconds))
