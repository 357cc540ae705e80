"""Bring the ledger up to what stands in landing: after a crash between the two, or when the ledger was deleted."""

from datetime import date, datetime

from orchestration.landing.ledger import Ledger
from orchestration.landing.retractions import follow_landing
from orchestration.landing.store import Landing

_SINCE = "landing_adopted"


def adopt(ledger: Ledger, landing: Landing, at: datetime) -> int:
    """Enter the payloads (and, into a new ledger, the asked days) that it lacks; return how many payloads.

    Withdrawals are followed as landing says them.
    """
    latest = ledger.get_state(_SINCE)
    since = date.fromisoformat(latest) if latest else None
    found = list(landing.walk(since))
    known = ledger.known_paths([item.path for item in found])
    missing = [item for item in found if item.path not in known]
    for source, feed, day, asked_at in landing.asked() if since is None else ():
        ledger.asked(feed, source, ledger.not_asked(feed, [day]), asked_at)
    if missing:
        ledger.record(missing, at)
        ledger.set_byte_counts({item.delivery_id: landing.byte_count(item.path) for item in missing})
    newest = max((item.payload.received_at.date() for item in found), default=None)
    if newest is not None and (since is None or newest > since):
        ledger.set_state(_SINCE, newest.isoformat())
    follow_landing(ledger, landing.root)
    return len(missing)
