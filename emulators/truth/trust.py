"""Deliveries and rejected rows: what must be said about every file that came, and about those that did not.

A delivery is revised when a later readable file takes its place under its own name; a file of another name that
corrects some of its rows leaves it what it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from emulators.chain import FOOTFALLCAM, Chain
from emulators.files import Spoilt
from emulators.pulls import Answer
from emulators.shipments import DAILY, SALES, Shipment
from emulators.till_reports import TillReport
from emulators.truth.evidence import is_late

LATER_REASONS = ("nonexistent_local_time", "unknown_store")  # judged after parsing: they do not make a delivery partial
SALES_DUE = time(6)  # of the next day, UTC


@dataclass(frozen=True)
class Delivery:
    """One delivery and business day, or an expected delivery that never came."""

    feed: str
    business_date: date
    device_id: str
    status: str


@dataclass(frozen=True)
class RejectedRow:
    """One physical line that was refused."""

    feed: str
    file_name: str
    line_number: int
    reason: str


def list_deliveries(
    chain: Chain,
    shipments: Sequence[Shipment],
    reports: Sequence[TillReport],
    spoilt: Mapping[int, Spoilt],
    answers: Sequence[Answer] = (),
) -> list[Delivery]:
    """List every delivery by business day with its status, and the daily files that are missing."""
    deliveries: list[Delivery] = []
    for shipment in shipments:
        deliveries += [
            Delivery(shipment.feed, shipment.clock.day(index), shipment.key[1], status)
            for index in range(shipment.first, shipment.last + 1)
            for status in [_shipment_status(shipment, index, shipments, spoilt)]
        ]
    deliveries += [Delivery(SALES, report.day, "", _report_status(report, spoilt)) for report in reports]
    deliveries += [
        Delivery(answer.feed, answer.day, answer.device_id, _answer_status(answer, answers[place + 1 :]))
        for place, answer in enumerate(answers)
    ]
    return [*deliveries, *_missing(chain, shipments)]


def _answer_status(answer: Answer, later: Sequence[Answer]) -> str:
    if answer.is_copy:
        return "duplicate"
    if answer.content == "html":
        return "rejected"
    slot = (answer.feed, answer.device_id, answer.day)
    is_replaced = answer.is_asked and any(
        (other.feed, other.device_id, other.day) == slot and not other.is_copy and other.content != "html"
        for other in later
    )
    if is_replaced:
        return "revised"
    if answer.due_at is not None and answer.moment.at > answer.due_at:
        return "late"
    return "partial" if answer.content == "empty" else "on_time"


def _shipment_status(
    shipment: Shipment, index: int, shipments: Sequence[Shipment], spoilt: Mapping[int, Spoilt]
) -> str:
    if shipment.is_copy:
        return "duplicate"
    if shipment.content == "html":
        return "rejected"
    if _is_replaced(shipment, shipments):
        return "revised"
    if is_late(shipment):
        return "late"
    is_empty = not shipment.is_sent.any()
    return "partial" if is_empty or _has_bad_row(shipment, index, spoilt) else "on_time"


def _is_replaced(shipment: Shipment, shipments: Iterable[Shipment]) -> bool:
    return any(
        other.name == shipment.name and other.modified_at > shipment.modified_at and not other.is_copy
        for other in shipments
    )


def _has_bad_row(shipment: Shipment, index: int, spoilt: Mapping[int, Spoilt]) -> bool:
    if shipment.first == shipment.last:
        return any(reason not in LATER_REASONS for _, reason in spoilt.get(id(shipment), ()))
    day = slice(*(int(shipment.clock.starts[at] - shipment.clock.starts[shipment.first]) for at in (index, index + 1)))
    torn_copy = shipment.steps_back_at if shipment.is_first_copy_torn else None
    return bool(shipment.is_damaged[day].any()) or (torn_copy is not None and day.start <= torn_copy - 2 < day.stop)


def _report_status(report: TillReport, spoilt: Mapping[int, Spoilt]) -> str:
    if report.is_copy:
        return "duplicate"
    if report.modified_at > datetime.combine(report.day + timedelta(days=1), SALES_DUE, UTC):
        return "late"
    bad = any(reason not in LATER_REASONS for _, reason in spoilt.get(id(report), ()))
    return "partial" if bad else "on_time"


def _missing(chain: Chain, shipments: Iterable[Shipment]) -> Iterable[Delivery]:
    came = {(shipment.key[1], shipment.clock.day(shipment.first)) for shipment in shipments if shipment.feed == DAILY}
    for key in dict.fromkeys(p.key for p in chain.placements if p.source == FOOTFALLCAM):
        clock = chain.clock_of(key)
        hangs = np.logical_or.reduce([chain.installed(p) for p in chain.placements if p.key == key])
        for index in range(clock.days):
            if (key[1], clock.day(index)) not in came and hangs[clock.span(index)].any():
                yield Delivery(DAILY, clock.day(index), key[1], "missing")


def list_rejected_rows(
    shipments: Sequence[Shipment], reports: Iterable[TillReport], spoilt: Mapping[int, Spoilt]
) -> list[RejectedRow]:
    """List every refused line of the deliveries that stand: a copy brings none, a replaced file takes its own along."""
    files = [(s.feed, s.name, id(s)) for s in shipments if not s.is_copy and not _is_replaced(s, shipments)]
    files += [(SALES, report.name, id(report)) for report in reports if not report.is_copy]
    return [
        RejectedRow(feed, name, line, reason) for feed, name, which in files for line, reason in spoilt.get(which, ())
    ]
