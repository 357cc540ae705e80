"""The reference files of the year's chain, and its feeds: two folders that stand for the vendors' servers."""

import csv
from collections.abc import Iterable
from pathlib import Path

from emulators.year.design import SHORT_DAYS, Chain, weekday_hours
from emulators.year.files import COUNTS, SALES
from emulators.year.grid import GRAIN_MINUTES

FEED = "footfallcam_daily"
FEEDS = f"""\
[feeds.{FEED}]
grain_minutes = {GRAIN_MINUTES}
remote = {{ protocol = "folder", folder = "drop/{COUNTS}", settle_seconds = 0.2 }}

[feeds.sales]
remote = {{ protocol = "folder", folder = "drop/{SALES}", settle_seconds = 0.2 }}
"""


def write_reference(chain: Chain, directory: Path) -> None:
    """Write branches, counters, opening hours, special days and feeds.toml."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(
        directory / "branches.csv",
        "branch_code,branch_name,country,region,city,timezone,currency_code,floor_area_m2,visitor_basis,opened_on,closed_on",
        (
            (
                b.code, f"Branch {b.code}", b.country.code, b.region, "", b.country.zone, b.country.currency, "",
                b.basis, "", "",
            )
            for b in chain.branches
        ),
    )  # fmt: skip
    _write(
        directory / "counters.csv",
        "source,device_id,line_id,branch_code,placement,direction,label,address,timezone,valid_from,valid_to",
        (
            ("footfallcam", c.device_id, "", chain.branches[c.branch].code, c.placement, "", "", "", "", "", "")
            for c in chain.counters
        ),
    )
    _write(
        directory / "opening_hours.csv",
        "branch_code,weekday,opens,closes,valid_from,valid_to",
        (
            (branch.code, weekday, _clock(opens), _clock(closes), "", "")
            for branch in chain.branches
            for weekday in range(1, 8)
            for opens, closes in weekday_hours(branch, weekday)
        ),
    )
    _write(directory / "special_days.csv", "branch_code,date,opens,closes", _special_days(chain))
    (directory / "feeds.toml").write_text(FEEDS, encoding="utf-8")


def _special_days(chain: Chain) -> Iterable[tuple[str, ...]]:
    for index in range(chain.days):
        day = chain.day(index)
        for branch in chain.branches:
            if (day.month, day.day) in (*branch.country.closed, *SHORT_DAYS):
                spans = chain.hours_on(branch, day)
                yield from ((branch.code, str(day), _clock(opens), _clock(closes)) for opens, closes in spans)
                if not spans:
                    yield branch.code, str(day), "", ""


def _write(path: Path, header: str, rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
