"""Write the reference files of a chain of 100 branches with three entrances each."""

import sys
from pathlib import Path


def write_home(home: Path, counters: int = 300) -> None:
    """Write reference/ of a home whose counters are those of make_files."""
    reference = home / "reference"
    reference.mkdir(parents=True, exist_ok=True)
    zones = ("Europe/Athens", "Europe/Vienna", "Europe/London")
    branches = [f"B{n:03},Branch {n},,,,{zones[n % 3]},EUR,,,," for n in range(counters // 3)]
    placed = [f"footfallcam,{n:016x},,B{n // 3:03},entrance,,,,,," for n in range(counters)]
    hours = [f"B{n:03},{day},09:00,21:00,," for n in range(counters // 3) for day in range(1, 7)]
    heads = {
        "branches": "branch_code,branch_name,country,region,city,timezone,currency_code,floor_area_m2,visitor_basis,"
        "opened_on,closed_on",
        "counters": "source,device_id,line_id,branch_code,placement,direction,label,address,timezone,"
        "valid_from,valid_to",
        "opening_hours": "branch_code,weekday,opens,closes,valid_from,valid_to",
        "special_days": "branch_code,date,opens,closes",
    }
    rows = {"branches": branches, "counters": placed, "opening_hours": hours, "special_days": []}
    for name, head in heads.items():
        (reference / f"{name}.csv").write_text("\n".join([head, *rows[name]]) + "\n")
    (reference / "feeds.toml").write_text(
        '[feeds.footfallcam_daily]\nremote = { protocol = "folder", folder = "drop", settle_seconds = 0.2 }\n'
    )


if __name__ == "__main__":
    write_home(Path(sys.argv[1]))
