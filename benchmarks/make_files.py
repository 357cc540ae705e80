"""Write one day of per-counter files: 300 counters, 1,440 minutes each, as FootfallCam's daily export would."""

import random
import sys
from datetime import date, datetime, timedelta
from pathlib import Path


def write_day(folder: Path, day: date, counters: int = 300) -> None:
    """Write `counters` files of one day into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = random.Random(day.toordinal())
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the files are in local time
    minutes = [f"{start + timedelta(minutes=minute):%Y-%m-%d %H:%M:%S}" for minute in range(1440)]
    for number in range(counters):
        serial = f"{number:016x}"
        weights = [0 if minute < 540 or minute >= 1260 else 6 for minute in range(1440)]
        rows = (
            f"{serial},{text},{chosen.randrange(weight + 1)},{chosen.randrange(weight + 1)}"
            for text, weight in zip(minutes, weights, strict=True)
        )
        content = "serial,local_time,in,out\n" + "\n".join(rows) + "\n"
        (folder / f"{serial}_{day:%Y%m%d}.csv").write_text(content)


if __name__ == "__main__":
    write_day(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))
