"""What is asked over the vendors' interfaces, when, and what comes of it: answers, silences, and the minutes in them.

Values only. They are made by pull_plan.py, served by interfaces.py, and the truth is told from them.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from emulators.faults import Fault
from emulators.shipments import XOVIS_HISTORY, Shipment

XOVIS_LIVE, XOVIS_STATUS, XOVIS_LEGACY, XOVIS_DOCUMENT = "xovis_live", "xovis_status", "xovis_legacy", "xovis_document"
BESPOT_VISITS, BESPOT_OCCUPANCY = "bespot_visits", "bespot_occupancy"
FFC_DEVICE, FFC_EXPORT, FFC_CUBE = "footfallcam_device", "footfallcam_export_api", "footfallcam_cube"
BY_NIGHT = (XOVIS_HISTORY, XOVIS_DOCUMENT, BESPOT_VISITS, BESPOT_OCCUPANCY, FFC_DEVICE, FFC_EXPORT, FFC_CUBE)
AT_NOON = (XOVIS_LIVE, XOVIS_LEGACY, XOVIS_STATUS)
SITES = "sites"  # in place of a device
UNKNOWN_STORE = "0509"


@dataclass(frozen=True)
class Moment:
    """A time at which feeds are asked: for the days with these indexes, or (none) for what is now."""

    at: datetime
    wave: int
    feeds: tuple[str, ...]
    indexes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answer:
    """One payload of a feed. `content`: rows, empty or html. One that was asked for its day replaces earlier ones."""

    feed: str
    device_id: str
    day: date
    moment: Moment
    row_count: int
    content: str = "rows"
    is_asked: bool = True
    is_copy: bool = False
    due_at: datetime | None = None


@dataclass(frozen=True)
class Silence:
    """A device that gives no payload when it is asked, and the reason that must be told."""

    feed: str
    device_id: str
    reason: str
    moment: Moment


@dataclass
class Pulls:
    """All of it.

    `rows`: those that reach staging and no mart, by feed. `lost`: minutes (UTC) of which a sensor has no record.
    `passing`: minutes of which a store has a row. `has_faults` is as the world was asked to be.
    """

    has_faults: bool = False
    moments: list[Moment] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rows: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)
    lost: dict[str, set[datetime]] = field(default_factory=dict)
    passing: dict[str, set[datetime]] = field(default_factory=dict)

    @property
    def worst_night(self) -> Moment | None:
        """The moment at which most goes wrong: the night after the last day."""
        nights = [moment for moment in self.moments if moment.wave == 1 and moment.indexes]
        return nights[-1] if nights and self.has_faults else None

    def by_occasion(self, wave: int) -> list[list[Moment]]:
        """Return a wave's moments; the polls of one noon are one occasion."""
        found: list[list[Moment]] = []
        for moment in self.moments:
            if moment.wave == wave:
                if found and not moment.indexes and not found[-1][-1].indexes:
                    found[-1].append(moment)
                else:
                    found.append([moment])
        return found

    def answers_until(self, wave: int) -> list[Answer]:
        """Return what has come after so many waves."""
        return [answer for answer in self.answers if answer.moment.wave <= wave]

    def bring(self, answer: Answer) -> bool:
        """Note an answer; tell whether it says anything that was not said before."""
        before = [
            a for a in self.answers if (a.feed, a.device_id, a.day) == (answer.feed, answer.device_id, answer.day)
        ]
        is_copy = answer.is_asked and bool(before) and before[-1].content == answer.content
        self.answers.append(replace(answer, is_copy=is_copy))
        return not is_copy
