"""The reference files of the emulated chain and the feeds that point at its servers, as a retailer would write them."""

import csv
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path

from emulators.chain import Chain
from emulators.endpoint import Endpoint


def write_reference_files(chain: Chain, directory: Path, addresses: Mapping[str, str]) -> None:
    """Write branches.csv, counters.csv (with addresses by device id), opening_hours.csv and special_days.csv."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(
        directory / "branches.csv",
        "branch_code,branch_name,country,region,city,timezone,currency_code,floor_area_m2,visitor_basis,opened_on,closed_on",
        (
            (
                b.code, b.template.name, b.template.country, b.template.region, b.template.city, b.zone,
                b.template.currency, b.template.floor_area_m2, b.template.visitor_basis, date(2019, 5, 1), None,
            )
            for b in chain.branches
        ),
    )  # fmt: skip
    _write(
        directory / "counters.csv",
        "source,device_id,line_id,branch_code,placement,direction,label,address,timezone,valid_from,valid_to",
        (
            (
                *p.key, p.branch_code, p.placement, p.direction, p.label, addresses.get(p.device_id, ""), p.timezone,
                p.valid_from, p.valid_to,
            )
            for p in chain.placements
        ),
    )  # fmt: skip
    _write(
        directory / "opening_hours.csv",
        "branch_code,weekday,opens,closes,valid_from,valid_to",
        (
            (b.code, row.weekday, _clock_text(row.opens), _clock_text(row.closes), row.valid_from, row.valid_to)
            for b in chain.branches
            for row in b.hours
        ),
    )
    _write(
        directory / "special_days.csv",
        "branch_code,date,opens,closes",
        ((s.branch_code, s.day, _clock_text(s.opens), _clock_text(s.closes)) for s in chain.special_days),
    )


def write_feeds(path: Path, endpoints: Mapping[str, Endpoint], tables: str = "") -> None:
    """Write feeds.toml: per feed only where it is; how its files look ships with the product. `tables` come after."""
    lines: list[str] = []
    for feed, at in endpoints.items():
        lines += [
            f"[feeds.{feed}.remote]",
            f'protocol = "{at.protocol}"',
            f'host = "{at.host}"',
            f"port = {at.port}",
            f'user = "{at.user}"',
            f'password_file = "{at.password_file}"',
            f'folder = "{at.folder}"',
        ]
        lines += [f'ca_file = "{at.ca_file}"'] if at.ca_file else []
        lines += [f'host_key = "{at.host_key}"'] if at.host_key else []
        lines += ["settle_seconds = 0.2", ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, tables]), encoding="utf-8")


def _write(path: Path, header: str, rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows([_text(value) for value in row] for row in rows)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


def _clock_text(minutes: int | None) -> str:
    return "" if minutes is None else f"{minutes // 60:02d}:{minutes % 60:02d}"
