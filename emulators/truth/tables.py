"""The truth as plain tables, named and laid out like the published marts, ready to be compared or written as CSV."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emulators.chain import Chain
from emulators.files import Spoilt
from emulators.pulls import Pulls
from emulators.shipments import Shipment
from emulators.till_reports import TillReport
from emulators.truth.branches import sum_branches
from emulators.truth.conversion import convert, standing_sales
from emulators.truth.counters import CounterHours, judge_hours
from emulators.truth.evidence import gather_evidence
from emulators.truth.outages import find_outages
from emulators.truth.trust import list_deliveries, list_rejected_rows

Row = tuple[object, ...]
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "branch_traffic_daily": (
        "branch_code", "business_date", "entry_count", "exit_count", "expected_minutes", "received_minutes",
        "coverage_ratio", "status",
    ),
    "branch_traffic_hourly": (
        "branch_code", "hour_start_at", "business_date", "entry_count", "exit_count", "expected_minutes",
        "received_minutes", "coverage_ratio", "status",
    ),
    "counter_traffic_hourly": (
        "source", "device_id", "line_id", "branch_code", "hour_start_at", "business_date", "entry_count",
        "exit_count", "expected_minutes", "received_minutes", "state",
    ),
    "counter_outage": (
        "source", "device_id", "line_id", "branch_code", "started_at", "ended_at", "outage_minutes", "reason",
    ),
    "branch_conversion_daily": (
        "branch_code", "business_date", "transaction_count", "sales_amount", "visitor_count", "conversion_ratio",
        "is_paired", "flag",
    ),
    "delivery": ("feed", "business_date", "device_id", "status"),
    "rejected_row": ("feed", "file_name", "line_number", "reason"),
}  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """Tables by name: rows of values in the order of `COLUMNS`, sorted. None is unknown; times are UTC datetimes."""

    tables: Mapping[str, Sequence[Row]]

    def rows(self, table: str) -> Iterator[dict[str, object]]:
        """Yield a table's rows as dictionaries."""
        for row in self.tables[table]:
            yield dict(zip(COLUMNS[table], row, strict=True))

    def write(self, directory: Path) -> None:
        """Write one CSV per table: None is an empty field, times end in +00:00, booleans are true and false."""
        directory.mkdir(parents=True, exist_ok=True)
        for table, rows in self.tables.items():
            with (directory / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS[table])
                writer.writerows([_text(value) for value in row] for row in rows)


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def tell_truth(
    chain: Chain,
    shipments: Sequence[Shipment],
    reports: Sequence[TillReport],
    spoilt: Mapping[int, Spoilt],
    pulls: Pulls,
    wave: int,
) -> Truth:
    """Work out every table from what was sent and what was pulled up to a wave.

    `spoilt`: the damaged lines of each shipment or report, by identity.
    """
    pulled = [shipment for shipment in pulls.shipments if shipment.wave <= wave]
    evidence = gather_evidence(chain, [*shipments, *pulled])
    counters = judge_hours(chain, evidence)
    hourly, daily = sum_branches(chain, counters)
    conversions = convert(chain, hourly, daily, standing_sales(reports))
    tables: dict[str, list[Row]] = {
        "branch_traffic_daily": [
            (b.branch_code, b.business_date, b.entry_count, b.exit_count, b.expected_minutes, b.received_minutes,
             b.coverage_ratio, b.status)
            for days in daily.values() for b in days
        ],
        "branch_traffic_hourly": [
            (b.branch_code, b.hour_start_at, b.business_date, b.entry_count, b.exit_count, b.expected_minutes,
             b.received_minutes, b.coverage_ratio, b.status)
            for hours in hourly.values() for b in hours
        ],
        "counter_traffic_hourly": [*_counter_rows(counters), *_stray_rows(chain, shipments)],
        "counter_outage": [
            (*o.placement.key, o.placement.branch_code, o.started_at, o.ended_at, o.outage_minutes, o.reason)
            for o in find_outages(counters, evidence)
        ],
        "branch_conversion_daily": [
            (c.branch_code, c.business_date, c.transaction_count, _money(c.sales_cents), _number(c.visitor_count),
             c.conversion_ratio, c.is_paired, c.flag)
            for c in conversions
        ],
        "delivery": [
            (d.feed, d.business_date, d.device_id, d.status)
            for d in list_deliveries(chain, shipments, reports, spoilt, pulls.answers_until(wave))
        ],
        "rejected_row": [
            (r.feed, r.file_name, r.line_number, r.reason) for r in list_rejected_rows(shipments, reports, spoilt)
        ],
    }  # fmt: skip
    return Truth({name: sorted(rows, key=lambda row: [_text(value) for value in row]) for name, rows in tables.items()})


def _counter_rows(counters: Sequence[CounterHours]) -> Iterator[Row]:
    for counter in counters:
        for h in counter.hours.values():
            yield (
                *counter.placement.key, counter.placement.branch_code, h.hour_start_at, h.business_date,
                h.entry_count, h.exit_count, h.expected_minutes, h.received_minutes, h.state,
            )  # fmt: skip


def _stray_rows(chain: Chain, shipments: Sequence[Shipment]) -> Iterator[Row]:
    """Hours of devices that hang nowhere: kept, but expected of nobody."""
    known = {placement.key for placement in chain.placements}
    for shipment in shipments:
        if shipment.key in known or shipment.is_copy:
            continue
        start = int(shipment.clock.starts[shipment.first])
        for at in range(0, len(shipment.entry), 60):
            hour = slice(at, at + 60)
            if shipment.is_accepted[hour].any():
                yield (
                    *shipment.key, None, shipment.clock.utc(start + at),
                    shipment.clock.day(int(shipment.clock.day_of[start + at])),
                    int(shipment.entry[hour].sum()), int(shipment.exit[hour].sum()), 0, 0, "not_installed",
                )  # fmt: skip


def _money(cents: int | None) -> str | None:
    return None if cents is None else f"{cents // 100}.{cents % 100:02d}"


def _number(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value
