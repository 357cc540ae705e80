"""What is known about every minute of every counter after some waves of uploads.

Overlays shipments: per minute whether a row was accepted, its counts, whether it came late, and for a missing minute
why it is missing. No branches, no opening hours.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from emulators.chain import Chain
from emulators.clock import Clock
from emulators.shipments import DAILY, XOVIS_HISTORY, Shipment, due_at
from emulators.traffic import Key

PRESENT, REJECTED, OFFLINE, MISSING = range(4)
ABSENCES = {REJECTED: "delivery_rejected", OFFLINE: "device_offline", MISSING: "delivery_missing"}


@dataclass(frozen=True)
class Evidence:
    """One counter's minutes: `absence` says why a minute that is not accepted is missing (module constants).

    `is_covered` minutes have a row, whose zeros say nothing.
    """

    clock: Clock
    entry: np.ndarray
    exit: np.ndarray
    is_accepted: np.ndarray
    is_late: np.ndarray
    is_covered: np.ndarray
    absence: np.ndarray


def is_late(shipment: Shipment) -> bool:
    """Tell whether a shipment came after it was due; only daily files and histories of sensors are ever due."""
    is_due = shipment.feed in (DAILY, XOVIS_HISTORY)
    return is_due and shipment.modified_at > due_at(shipment.clock, shipment.last, shipment.feed)


def gather_evidence(chain: Chain, shipments: Iterable[Shipment]) -> Mapping[Key, Evidence]:
    """Lay all shipments over each other, the newest on top, and judge every minute of every counter.

    A newer daily file replaces the device's whole day; a newer export replaces the minutes it has.
    """
    found: dict[Key, Evidence] = {}
    keys = list(dict.fromkeys(placement.key for placement in chain.placements))
    sent: dict[Key, list[Shipment]] = {key: [] for key in keys}
    for shipment in sorted(shipments, key=lambda s: (s.modified_at, s.name)):
        if not shipment.is_copy and shipment.key in sent:
            sent[shipment.key].append(shipment)
    for key in keys:
        found[key] = _overlay(chain.clock_of(key), sent[key])
    alive: dict[tuple[str, str], np.ndarray] = {}
    for key, evidence in found.items():
        days = np.logical_or.reduceat(evidence.is_accepted, evidence.clock.starts[:-1])
        alive[key[:2]] = alive.get(key[:2], np.zeros_like(days)) | days
    for key, evidence in found.items():
        lives = alive[key[:2]][evidence.clock.day_of]
        unexplained = ~evidence.is_accepted & (evidence.absence != REJECTED)
        evidence.absence[unexplained] = np.where(lives, OFFLINE, MISSING)[unexplained]
    return found


def _overlay(clock: Clock, shipments: list[Shipment]) -> Evidence:
    entry, exit_, absence = (np.zeros(clock.size, dtype=np.int64) for _ in range(3))
    accepted, late, covered = (np.zeros(clock.size, dtype=bool) for _ in range(3))
    for shipment in shipments:
        span, has = shipment.span, shipment.is_accepted
        if shipment.feed == DAILY and has.any():
            accepted[span], late[span], absence[span] = False, False, PRESENT
        told = ((entry, shipment.entry), (exit_, shipment.exit), (late, is_late(shipment)))
        for target, values in (*told, (covered, shipment.is_covered)):
            target[span] = np.where(has, values, target[span])
        accepted[span] |= has
        if shipment.content == "html":
            absence[span] = np.where(accepted[span].any(), absence[span], REJECTED)
        else:
            absence[span] = np.where(shipment.is_sent & shipment.is_damaged, REJECTED, absence[span])
    absence[accepted] = PRESENT
    return Evidence(clock, entry, exit_, accepted, late, covered, absence)
