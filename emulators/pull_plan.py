"""Plan the questions to the vendors' interfaces and what each brings, faults included.

Made from the world's minutes and the faults worked in, never from an answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from emulators.chain import Chain, Placement
from emulators.clock import Clock
from emulators.faults import Fault
from emulators.interface_chain import ASKED_DAYS, DEVICE, DOCUMENT, HISTORY, LEGACY, SITE_ID, STORE
from emulators.pulls import (
    AT_NOON,
    BESPOT_OCCUPANCY,
    BESPOT_VISITS,
    BY_NIGHT,
    FFC_CUBE,
    FFC_DEVICE,
    FFC_EXPORT,
    SITES,
    UNKNOWN_STORE,
    XOVIS_DOCUMENT,
    XOVIS_LEGACY,
    XOVIS_LIVE,
    XOVIS_STATUS,
    Answer,
    Moment,
    Pulls,
    Silence,
)
from emulators.shipments import XOVIS_HISTORY, Shipment, due_at, ship
from emulators.traffic import Key, Series

POLLS, POLL_MINUTES = 5, 15
LOST = range(725, 745)  # minutes of the last day that a sensor kept no record of; a poll covers them
GAP = range(1000, 1012)  # and some that none covers
QUIET_HOURS = range(10, 13)
SAMPLE_MINUTES = 3
AGAIN_AFTER = timedelta(days=10)  # the second wave, after the last day has begun


def plan_pulls(chain: Chain, traffic: Mapping[Key, Series], *, with_faults: bool) -> Pulls:
    """Plan what every question brings; nothing where no counter of the chain is asked."""
    counters = [placement for placement in chain.placements if placement.interface]
    if not counters:
        return Pulls()
    clock = chain.clock_of(counters[0].key)
    pulls = Pulls(with_faults, plan_moments(clock.first, clock.days, clock))
    planner = _Planner(chain, traffic, pulls, clock.days - 1)
    for moment in pulls.moments:
        if moment.indexes:
            for index in moment.indexes:
                planner.ask_for_day(moment, index)
        else:
            planner.read(moment)
    if with_faults:
        pulls.faults += planner.told()
    return pulls


def plan_moments(first: date, days: int, noon_clock: Clock) -> list[Moment]:
    """List when what is asked: polls at the last day's noon, each night for the day before, and days later for all."""
    asked = tuple(range(max(0, days - ASKED_DAYS), days))
    found: list[Moment] = []
    for index in asked:
        day = first + timedelta(days=index)
        if index == asked[-1]:
            noon = noon_clock.utc(noon_clock.position(datetime.combine(day, time(12))))
            found += [Moment(noon + timedelta(minutes=POLL_MINUTES * poll), 1, AT_NOON) for poll in range(POLLS)]
        night = datetime.combine(day + timedelta(days=1), time(1), UTC)
        found.append(Moment(night, 1, BY_NIGHT, (index,)))
    last = datetime.combine(first + timedelta(days=days - 1), time(), UTC)
    return [*found, Moment(last + AGAIN_AFTER, 2, BY_NIGHT, asked)]


@dataclass(frozen=True)
class _Planner:
    chain: Chain
    traffic: Mapping[Key, Series]
    pulls: Pulls
    last: int

    def of(self, *interfaces: str) -> list[Placement]:
        return [placement for placement in self.chain.placements if placement.interface in interfaces]

    def shipped(self, placement: Placement, index: int, feed: str, moment: Moment, **details: object) -> Shipment:
        clock = self.chain.clock_of(placement.key)
        name = f"{feed} {placement.device_id} {clock.day(index)} {moment.at:%dT%H:%M}"
        details = {"feed": feed, "name": name, "modified_at": moment.at, "wave": moment.wave, **details}
        return ship(placement, self.traffic[placement.key], clock, index, index, **details)

    def is_first_night(self, moment: Moment, index: int) -> bool:
        """Tell whether this is the night in which most faults happen: the one after the last day."""
        return moment is self.pulls.worst_night and index == self.last

    def ask_for_day(self, moment: Moment, index: int) -> None:
        """Ask every interface that keeps a history for one day."""
        for number, sensor in enumerate(self.of(HISTORY)):
            self._history(sensor, moment, index, is_page=number == 1 and self.is_first_night(moment, index))
        for sensor in self.of(DOCUMENT):
            clock = self.chain.clock_of(sensor.key)
            answer = Answer(XOVIS_DOCUMENT, sensor.device_id, clock.day(index), moment, clock.length(index) // 60 * 3)
            # its answers say when they were given, so none is like the one before
            self.pulls.answers.append(answer)
            self.pulls.shipments.append(self.shipped(sensor, index, XOVIS_DOCUMENT, moment))
        for store in self.of(STORE):
            self._store(store, moment, index)
        for number, counter in enumerate(self.of(DEVICE)):
            if self.is_dead(counter, moment):
                if index == moment.indexes[-1]:  # one that does not answer is not asked for its other days
                    self.pulls.silences.append(Silence(FFC_DEVICE, counter.device_id, "unreachable", moment))
                continue
            is_page = number == 1 and self.is_first_night(moment, index)
            day, length = self._day(counter, index)
            answer = Answer(FFC_DEVICE, counter.device_id, day, moment, 0 if is_page else length)
            answer = replace(answer, content="html" if is_page else "rows")
            if self.pulls.bring(answer):
                self.pulls.shipments.append(
                    self.shipped(counter, index, FFC_DEVICE, moment, content="html" if is_page else "counts")
                )
        self._reports(moment, index)

    def _day(self, placement: Placement, index: int) -> tuple[date, int]:
        clock = self.chain.clock_of(placement.key)
        return clock.day(index), clock.length(index)

    def is_dead(self, counter: Placement, moment: Moment) -> bool:
        """Tell whether a counter is gone for good: the one in the street, from the worst night on."""
        worst = self.pulls.worst_night
        return worst is not None and counter.placement == "outside" and moment.at >= worst.at

    def _history(self, sensor: Placement, moment: Moment, index: int, *, is_page: bool) -> None:
        if is_page:
            self.pulls.silences.append(Silence(XOVIS_HISTORY, sensor.device_id, "html_answer", moment))
            return
        kept = self.shipped(sensor, index, XOVIS_HISTORY, moment)
        for stretch in self.lost(sensor, index):
            kept = kept.without(stretch.start, stretch.stop)
        missing = [kept.clock.utc(kept.span.start + int(at)) for at in np.flatnonzero(~kept.is_sent)]
        self.pulls.lost.setdefault(sensor.device_id, set()).update(missing)
        rows, due = int(kept.is_sent.sum()) * 2, due_at(kept.clock, index, XOVIS_HISTORY)
        if self.pulls.bring(Answer(XOVIS_HISTORY, sensor.device_id, kept.clock.day(index), moment, rows, due_at=due)):
            self.pulls.shipments.append(kept)

    def lost(self, sensor: Placement, index: int) -> Sequence[range]:
        """Return the minutes of a day that the first sensor has no record of."""
        is_worn = self.pulls.has_faults and index == self.last and sensor is self.of(HISTORY)[0]
        return (LOST, GAP) if is_worn else ()

    def _store(self, store: Placement, moment: Moment, index: int) -> None:
        if store.device_id == UNKNOWN_STORE and self.pulls.has_faults:
            for feed in (BESPOT_VISITS, BESPOT_OCCUPANCY):
                self.pulls.silences.append(Silence(feed, store.device_id, "store_code_not_found", moment))
            return
        clock, spoken = self.chain.clock_of(store.key), self.passing(store, index)
        day, living = clock.day(index), np.zeros(len(spoken), dtype=bool)
        for start in range(0, len(spoken), 60):  # in an hour with anybody an absent minute is a zero
            living[start : start + 60] = spoken[start : start + 60].any()
        positions = clock.span(index).start + np.flatnonzero(spoken)
        self.pulls.passing.setdefault(store.device_id, set()).update(clock.utc(int(at)) for at in positions)
        rows, samples = int(spoken.sum()), list(self.samples(store, index))
        for feed, count in ((BESPOT_VISITS, rows), (BESPOT_OCCUPANCY, len(samples))):
            is_new = self.pulls.bring(
                Answer(feed, store.device_id, day, moment, count, content="rows" if count else "empty")
            )
            if is_new and feed == BESPOT_VISITS:
                told = self.shipped(store, index, BESPOT_VISITS, moment)
                self.pulls.shipments.append(replace(told, is_sent=living))
            elif is_new:
                self.pulls.rows.setdefault(feed, []).extend((store.device_id, at, count) for at, count in samples)

    def passing(self, store: Placement, index: int) -> np.ndarray:
        """Return, per minute of a day, whether a store's counter has a row: somebody passed, and it was not asleep."""
        clock, series = self.chain.clock_of(store.key), self.traffic[store.key]
        span = clock.span(index)
        found = (series.entry[span] + series.exit[span]) > 0
        if self.pulls.has_faults and index == self.last:
            found = found & ~np.isin(clock.wall[span] // 60, QUIET_HOURS)
        return found

    def samples(self, store: Placement, index: int) -> Iterator[tuple[datetime, int]]:
        """Sample how many people are inside every third open minute."""
        branch, series = self.chain.branch(store.branch_code), self.traffic[store.key]
        span = branch.clock.span(index)
        inside = np.maximum(0, np.cumsum(series.entry[span] - series.exit[span]))
        is_open = self.chain.open_minutes(branch)[span]
        for minute in range(0, len(inside), SAMPLE_MINUTES):
            if is_open[minute]:
                yield branch.clock.utc(span.start + minute), int(inside[minute])

    def _reports(self, moment: Moment, index: int) -> None:
        """Ask for the vendor's own figures of the whole shop, which are kept and never added to the counters'.

        The vendor does not know that a counter hangs the wrong way round.
        """
        counters = [counter for counter in self.of(DEVICE) if counter.placement == "entrance"]
        clock = self.chain.clock_of(counters[0].key)
        span, day = clock.span(index), clock.day(index)
        wall_hour, hours = clock.wall[span] // 60, dict[int, tuple[int, int]]()
        for counter in counters:
            series = self.traffic[counter.key]
            pair = (series.exit, series.entry) if counter.direction == "reverse" else (series.entry, series.exit)
            for hour in np.unique(wall_hour).tolist():
                came, went = (int(values[span][wall_hour == hour].sum()) for values in pair)
                so_far = hours.get(hour, (0, 0))
                hours[hour] = so_far[0] + came, so_far[1] + went
        for feed in (FFC_EXPORT, FFC_CUBE):
            if self.pulls.bring(Answer(feed, SITES, day, moment, len(hours))):
                self.pulls.rows.setdefault(feed, []).extend(
                    (SITE_ID, datetime.combine(day, time(hour)), *counts) for hour, counts in hours.items()
                )

    def read(self, moment: Moment) -> None:
        """Read the running counters and the health of every sensor, as they are at this moment."""
        polls = [item for item in self.pulls.moments if not item.indexes]
        is_last, day = moment is polls[-1], self._day(self.of(HISTORY)[0], self.last)[0]

        def bring(feed: str, sensor: Placement, rows: int) -> None:
            self.pulls.answers.append(Answer(feed, sensor.device_id, day, moment, rows, is_asked=False))

        for number, sensor in enumerate(self.of(HISTORY, LEGACY)):
            is_old = sensor.interface == LEGACY
            bring(XOVIS_LIVE, sensor, 2 if is_old else 4)  # two of a zone besides, which count nobody
            if is_old:
                bring(XOVIS_LEGACY, sensor, 2)
                bring(XOVIS_LEGACY, sensor, 1)
            bring(XOVIS_STATUS, sensor, 1)
            failing = "frames" if self.pulls.has_faults and is_last and number == 1 else ""
            self.pulls.rows.setdefault(XOVIS_STATUS, []).append((sensor.device_id, moment.at, failing))
            if is_last:
                self.pulls.shipments.append(self._read_off(sensor, polls, moment))

    def _read_off(self, sensor: Placement, polls: Sequence[Moment], moment: Moment) -> Shipment:
        """Return what the differences of all readings say: the minutes between the first and the last of them."""
        taken = self.shipped(sensor, self.last, XOVIS_LIVE, moment)
        start, end = (int((poll.at - taken.clock.utc(taken.span.start)).total_seconds()) // 60 for poll in
                      (polls[0], polls[-1]))  # fmt: skip
        minutes = np.arange(len(taken.is_sent))
        return replace(taken, is_sent=(minutes >= start) & (minutes < end))

    def told(self) -> Iterator[Fault]:
        """Write the faults down for people."""
        single, stitched = self.of(HISTORY)
        front, back, street = self.of(DEVICE)
        store, unknown = self.of(STORE)
        told = (
            ("records_lost", XOVIS_HISTORY, single, "12:05-12:25 from the live readings, 16:40-16:52 device_offline"),
            ("token_used_up", XOVIS_HISTORY, single, "logged in again, nothing lost"),
            ("html_answer", XOVIS_HISTORY, stitched, "html_answer, nobody else waits; wave 2: delivery late"),
            ("frames_stand_still", XOVIS_STATUS, stitched, "failing layer frames in the last check"),
            ("silent_morning", BESPOT_VISITS, store, "10:00-13:00 device_offline: silence is not zero"),
            ("count_drift", BESPOT_VISITS, store, "asked again from page 1, nothing counted twice"),
            ("store_unknown", BESPOT_VISITS, unknown, "store_code_not_found, minutes delivery_missing"),
            ("token_revoked", FFC_DEVICE, front, "a new token once, nothing lost"),
            ("html_counts", FFC_DEVICE, back, "wave 1: delivery_rejected; wave 2: good"),
            ("dead_counter", FFC_DEVICE, street, "unreachable, nobody else waits; delivery_missing"),
            ("continue_wait", FFC_CUBE, None, "asked until it answers"),
        )
        for kind, feed, counter, leads_to in told:
            code, device = (counter.branch_code, counter.device_id) if counter else ("", SITES)
            day = self._day(counter or front, self.last)[0]
            yield Fault(kind, feed, "", leads_to, code, device, day)
