"""The emulated chain put together: what it uploads, in which wave, and what the truth about it is.

`build_world` is deterministic by its arguments: same seed, same bytes, same truth.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

from emulators.chain import Chain, design_chain
from emulators.daily_faults import inject_daily_faults
from emulators.endpoint import Endpoint
from emulators.export_faults import inject_export_faults
from emulators.faults import Fault, FaultPlan
from emulators.files import Spoilt, write_counts, write_sales
from emulators.interface_chain import with_interfaces
from emulators.junk import junk_uploads
from emulators.pull_plan import plan_pulls
from emulators.pulls import Pulls
from emulators.reference import write_feeds, write_reference_files
from emulators.shipments import FOLDERS, SALES, Shipment, ship_on_time
from emulators.till_reports import TillReport, inject_sales_faults, report_sales
from emulators.tills import ring_up
from emulators.traffic import Key, Series, generate_traffic
from emulators.truth.tables import Truth, tell_truth
from emulators.uploads import Upload

WAVES = (1, 2)


@dataclass(frozen=True)
class World:
    """A seeded chain: its reference data, everything its vendors upload, its faults, and the truth."""

    seed: int
    first_day: date
    last_day: date
    chain: Chain = field(repr=False)
    faults: tuple[Fault, ...] = field(repr=False)
    uploads: tuple[Upload, ...] = field(repr=False)
    shipments: Sequence[Shipment] = field(repr=False)
    reports: Sequence[TillReport] = field(repr=False)
    spoilt: Mapping[int, Spoilt] = field(repr=False)
    traffic: Mapping[Key, Series] = field(repr=False)
    pulls: Pulls = field(repr=False)

    @cached_property
    def truth(self) -> Truth:
        """What an honest system says after all waves."""
        return self.truth_after_wave(max(WAVES))

    def truth_after_wave(self, wave: int) -> Truth:
        """Return what an honest system says when only the uploads up to `wave` have come."""
        shipments = [shipment for shipment in self.shipments if shipment.wave <= wave]
        reports = [report for report in self.reports if report.wave <= wave]
        return tell_truth(self.chain, shipments, reports, self.spoilt, self.pulls, wave)

    def uploaded_at(self, wave: int) -> datetime:
        """Return a time (UTC) at which everything up to a wave has come, and what should have is due."""
        morning_after = datetime.combine(self.last_day + timedelta(days=1), time(12), UTC)
        return max(morning_after, *(upload.modified_at for upload in self.uploads if upload.wave <= wave))

    def write_truth(self, directory: Path, wave: int = max(WAVES)) -> None:
        """Write the truth as one CSV per table."""
        (self.truth if wave == max(WAVES) else self.truth_after_wave(wave)).write(directory)

    def write_reference(
        self,
        directory: Path,
        servers: Mapping[str, Endpoint] | None = None,
        addresses: Mapping[str, str] | None = None,
        tables: str = "",
    ) -> None:
        """Write the reference files: counters with their addresses by device id, and with servers feeds.toml.

        `tables` are those of feeds that have no file server; see interfaces.py.
        """
        write_reference_files(self.chain, directory, addresses or {})
        if servers is not None:
            write_feeds(directory / "feeds.toml", servers, tables)

    def write_feeds_toml(self, path: Path, endpoints: Mapping[str, Endpoint]) -> None:
        """Write feeds.toml alone."""
        write_feeds(path, endpoints)

    def content_hash(self) -> str:
        """Hash all uploads and the truth: equal for equal worlds."""
        digest = hashlib.sha256()
        for upload in self.uploads:
            head = (upload.feed, upload.folder, upload.name, upload.modified_at.isoformat(), upload.wave)
            digest.update(repr(head).encode("utf-8", "surrogateescape") + upload.content)
        for name, rows in self.truth.tables.items():
            digest.update(name.encode() + repr(rows).encode())
        return digest.hexdigest()


def build_world(
    seed: int = 7,
    days: int = 14,
    last_day: date = date(2026, 4, 5),
    *,
    branches: int = 6,
    counters_per_branch: int | None = None,
    with_faults: bool = True,
    interfaces: bool = False,
) -> World:
    """Build the `days` business days up to `last_day`; the default window holds Europe's clock change of 2026-03-29.

    `branches` repeats the six kinds of shop as often as needed; `counters_per_branch` sets the number of entrance
    counters (else 1 to 4 by kind; one inner and one outside counter come on top). Without faults all is on time.
    `interfaces` adds the three shops whose counters are asked (interface_chain.py).
    """
    if days < 1 or branches < 1:
        msg = "a world needs at least one day and one branch"
        raise ValueError(msg)
    first_day = last_day - timedelta(days=days - 1)
    chain = design_chain(seed, first_day, days, branches, counters_per_branch)
    chain = with_interfaces(chain, seed, first_day, days) if interfaces else chain
    traffic = generate_traffic(chain, seed)
    plan = FaultPlan(chain, traffic, ship_on_time(chain, traffic, seed), [])
    reports = report_sales(chain, ring_up(chain, traffic, seed), days, first_day)
    junk: list[Upload] = []
    if with_faults:
        inject_daily_faults(plan)
        inject_export_faults(plan)
        inject_sales_faults(chain, reports, plan.faults)
        junk = junk_uploads(plan)
    spoilt: dict[int, Spoilt] = {}
    uploads = sorted([*junk, *_written(plan, reports, spoilt)], key=lambda u: (u.wave, u.modified_at, u.feed, u.name))
    pulls = plan_pulls(chain, traffic, with_faults=with_faults)
    faults = (*plan.faults, *pulls.faults)
    return World(
        seed, first_day, last_day, chain, faults, tuple(uploads), plan.shipments, reports, spoilt, traffic, pulls
    )


def _written(plan: FaultPlan, reports: Sequence[TillReport], spoilt: dict[int, Spoilt]) -> Iterator[Upload]:
    """Write every shipment and report down, and note which lines were spoilt."""
    for shipment in plan.shipments:
        written = write_counts(shipment)
        spoilt[id(shipment)] = written.spoilt
        yield Upload(
            shipment.feed, FOLDERS[shipment.feed], shipment.name, written.content, shipment.modified_at, shipment.wave
        )
    for report in reports:
        written = write_sales(plan.chain, report)
        spoilt[id(report)] = written.spoilt
        yield Upload(SALES, FOLDERS[SALES], report.name, written.content, report.modified_at, report.wave)
