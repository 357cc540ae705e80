"""What the counters wrote down and when it was sent: people's counts with the faults worked in.

Arrays per counter of what the files say that stand in the end, marks per slot, and the sendings of those counter-days
that do not simply come once and on time.
"""

from dataclasses import dataclass, field

import numpy as np

from emulators.year.design import Chain
from emulators.year.faults import Fault, later_step
from emulators.year.grid import SLOTS_PER_DAY, Step
from emulators.year.people import People

FROZEN, SHIFTED, MISTAKEN = 1, 2, 4  # why a count that arrived is not what people did
_WRONG = {"stuck_zero": FROZEN, "stuck_value": FROZEN, "clock_12_hours_off": SHIFTED, "clock_is_utc": SHIFTED}


@dataclass(frozen=True)
class Sending:
    """One arrival of a counter-day's file: in which round, how many hours after it was due, and which text it has.

    Texts: standing (what stands in the end), draft (a first version that counted too much), foreign (another
    counter's counts under this one's name, withdrawn in round `until`).
    """

    step: int
    hours_late: float
    text: str = "standing"
    until: int | None = None


@dataclass(frozen=True)
class Counted:
    """The year as the files tell it. Lists are by counter number, arrays by slot."""

    entry: list[np.ndarray]
    exit: list[np.ndarray]
    has_row: list[np.ndarray]
    is_torn: list[np.ndarray]
    wrong: list[np.ndarray]
    steps_back: dict[tuple[int, int], int] = field(default_factory=dict)
    unreadable: set[tuple[int, int]] = field(default_factory=set)
    sendings: dict[tuple[int, int], tuple[Sending, ...]] = field(default_factory=dict)


def count(chain: Chain, people: People, faults: tuple[Fault, ...], steps: list[Step], seed: int) -> Counted:
    """Work all faults into the counts."""
    sizes = [chain.grid(counter.branch).size for counter in chain.counters]
    counted = Counted(
        entry=[values.copy() for values in people.entry],
        exit=[values.copy() for values in people.exit],
        has_row=[np.ones(size, dtype=bool) for size in sizes],
        is_torn=[np.zeros(size, dtype=bool) for size in sizes],
        wrong=[np.zeros(size, dtype=np.uint8) for size in sizes],
    )
    rng = np.random.default_rng([seed, 5])
    for fault in faults:
        span = slice(fault.first, fault.stop)
        if fault.kind in ("offline", "offline_days", "file_missing"):
            counted.has_row[fault.counter][span] = False
        elif fault.kind == "rows_torn":
            counted.is_torn[fault.counter][span] = True
        elif fault.kind == "file_unreadable":
            counted.unreadable.update((fault.counter, day) for day in _days(chain, fault))
        elif fault.kind in ("late_by_hours", "late_by_weeks", "revised", "duplicate", "wrong_file"):
            for day in _days(chain, fault):
                counted.sendings[fault.counter, day] = _sent(fault.kind, *later_step(steps, day), rng)
        else:
            _falsify(chain, people, counted, fault)
    return counted


def _days(chain: Chain, fault: Fault) -> range:
    day_of = chain.grid(chain.counters[fault.counter].branch).day_of
    return range(int(day_of[fault.first]), int(day_of[fault.stop - 1]) + 1)


def _sent(kind: str, own: int, later: int, rng: np.random.Generator) -> tuple[Sending, ...]:
    hours = float(rng.uniform(1, 20))
    weeks = float(rng.uniform(24 * 4, 24 * 30))
    return {
        "late_by_hours": (Sending(own, hours),),
        "late_by_weeks": (Sending(later, weeks),),
        "revised": (Sending(own, -1, "draft"), Sending(later, weeks)),
        "duplicate": (Sending(own, -1), Sending(later, weeks)),
        "wrong_file": (Sending(own, -1), Sending(later, weeks, "foreign", until=later + 1)),
    }[kind]


def _falsify(chain: Chain, people: People, counted: Counted, fault: Fault) -> None:
    """Replace what a counter says during a fault."""
    number, span = fault.counter, slice(fault.first, fault.stop)
    sides = ((people.entry, counted.entry), (people.exit, counted.exit))
    grid = chain.grid(chain.counters[number].branch)
    for true, said in sides:
        if fault.kind == "stuck_zero":
            said[number][span] = 0
        elif fault.kind == "stuck_value":  # the last reading before, of a slot with people
            said[number][span] = max(1, int(true[number][fault.first - 1]), int(true[number][fault.first]))
        elif fault.kind.startswith("clock_"):
            day = int(grid.day_of[fault.first])
            shift = grid.offset_slots(day) if fault.kind == "clock_is_utc" else SLOTS_PER_DAY // 2
            said[number][span] = np.roll(true[number], -shift)[span]
        elif fault.kind == "swapped" and fault.other is not None:
            said[number][span], said[fault.other][span] = true[fault.other][span], true[number][span]
        elif fault.kind == "out_of_hours":  # a night crew goes in and out, a sixth of the day's people
            at_night = (grid.wall >= 60) & (grid.wall < 300) & (np.arange(grid.size) >= span.start)
            at_night[span.stop :] = False
            days = max(1, (span.stop - span.start) // SLOTS_PER_DAY)
            said[number][at_night] += max(2, round(int(true[number][span].sum()) / days / 6 / at_night.sum() * days))
        elif fault.kind.startswith("level_"):
            factor = 0.5 if fault.kind == "level_low" else 1.6
            said[number][span] = np.rint(true[number][span] * factor)
    if fault.kind == "clock_step_back":  # at noon; the rows that stand in the end are right
        day = int(grid.day_of[fault.first])
        counted.steps_back[number, day] = SLOTS_PER_DAY // 2
        return
    if fault.kind == "imbalance":  # nearly half of those who leave are not seen
        counted.exit[number][span] = np.rint(people.exit[number][span] * 0.55)
    for key in (number, *([fault.other] if fault.other is not None else [])):
        counted.wrong[key][span] |= _WRONG.get(fault.kind, MISTAKEN)
