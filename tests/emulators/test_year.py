"""The seeded year: its files say what its counts say, its faults are where they should be; a small one is proved."""

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from benchmarks.proof.__main__ import prove
from emulators.year.counting import FROZEN, SHIFTED
from emulators.year.faults import KINDS, NOTICEABLE_PEOPLE
from emulators.year.files import arrivals, counts_name, write_round
from emulators.year.grid import SLOTS_PER_DAY
from emulators.year.year import Year, build_year

LAST_DAY = date(2025, 11, 15)  # so that a window of 60 days holds the end of Europe's summer time


@pytest.fixture(scope="module")
def year() -> Year:
    return build_year(counters=40, days=150, last_day=LAST_DAY)


@pytest.fixture(scope="module")
def small() -> Year:
    return build_year(counters=12, days=60, last_day=LAST_DAY)


def written(year: Year, folder: Path) -> dict[str, bytes]:
    for step in year.steps:
        write_round(year, step, folder / str(step.number))
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.csv"))}


def test_equal_arguments_make_equal_files_and_another_seed_makes_others(small, tmp_path):
    files = written(small, tmp_path / "one")
    assert files == written(build_year(counters=12, days=60, last_day=LAST_DAY), tmp_path / "two")
    other = written(build_year(seed=8, counters=12, days=60, last_day=LAST_DAY), tmp_path / "three")
    assert files.keys() != other.keys() or files != other


def test_every_kind_of_fault_is_there(year):
    assert set(Counter(fault.kind for fault in year.faults)) == {kind.name for kind in KINDS}


def test_no_two_faults_meet_on_a_counter(year):
    taken: set[tuple[int, int]] = set()
    for fault in year.faults:
        for counter in (fault.counter, *([fault.other] if fault.other is not None else [])):
            day_of = year.chain.grid(year.chain.counters[counter].branch).day_of
            days = {(counter, day) for day in range(day_of[fault.first], day_of[fault.stop - 1] + 1)}
            assert not days & taken, fault
            taken |= days


def test_the_files_that_stand_say_what_was_counted(small, tmp_path):
    files = written(small, tmp_path)
    last: dict[tuple[int, int], int] = {}
    for step in small.steps:
        for counter, day, sent in arrivals(small, step):
            if sent.until is None:
                last[counter, day] = step.number
    for (counter, day), step in last.items():
        if (counter, day) in small.counted.unreadable:
            continue
        text = files[f"{step}/counts/{counts_name(small, counter, day)}"].decode()
        rows = [line.split(",") for line in text.splitlines()[1:]]
        span = small.chain.grid(small.chain.counters[counter].branch).span(day)
        there = small.counted.has_row[counter][span] & ~small.counted.is_torn[counter][span]
        entries = sum(int(row[2]) for row in rows if len(row) == 4)
        entries -= 18 if (counter, day) in small.counted.steps_back else 0  # two first copies of nine
        assert entries == int((small.counted.entry[counter][span] * there).sum())


def test_the_day_of_the_clock_change_has_a_hundred_quarter_hours(small):
    day = (date(2025, 10, 26) - small.chain.first).days
    for grid in small.chain.grids.values():
        span = grid.span(day)
        assert span.stop - span.start == SLOTS_PER_DAY + 4
        assert len(set(grid.texts[span])) == SLOTS_PER_DAY


def test_a_frozen_counter_misses_people_and_a_shifted_one_counts_at_another_time(year):
    for fault in year.faults:
        span, people = slice(fault.first, fault.stop), year.people
        if fault.kind == "stuck_zero":
            assert not year.counted.entry[fault.counter][span].any()
            assert people.entry[fault.counter][span].sum() + people.exit[fault.counter][span].sum() >= NOTICEABLE_PEOPLE
        if fault.kind == "stuck_value":
            assert len(set(year.counted.entry[fault.counter][span])) == 1
        if fault.kind == "clock_12_hours_off":
            assert (year.counted.entry[fault.counter][span] != people.entry[fault.counter][span]).any()
        marks = {"stuck_zero": FROZEN, "stuck_value": FROZEN, "clock_12_hours_off": SHIFTED, "clock_is_utc": SHIFTED}
        assert ((year.counted.wrong[fault.counter][span] & marks.get(fault.kind, 0)) == marks.get(fault.kind, 0)).all()


def test_every_lost_slot_stands_in_exactly_one_outage(year):
    for counter in year.chain.counters:
        lost = ~year.received(counter.number, year.steps[-1]) & year.is_open[counter.branch]
        told = np.zeros_like(lost, dtype=int)
        for span in year.outages(counter.number):
            told[span.first : span.stop] += 1
            assert lost[span.first : span.stop].sum() == span.missed_slots
        assert (told[lost] == 1).all()
        assert told.max() <= 1


def test_what_comes_late_is_not_there_before(year):
    late = [
        (key, sent) for key, sendings in year.counted.sendings.items() for sent in sendings[:1] if len(sendings) == 1
    ]
    for (counter, day), sent in late:
        span = year.chain.grid(year.chain.counters[counter].branch).span(day)
        for step in year.steps:
            assert year.received(counter, step)[span].any() == (step.number >= sent.step)


def test_a_small_year_is_restated_remembered_and_its_outages_are_exact(tmp_path):
    small = build_year(counters=8, days=50, last_day=LAST_DAY)
    figures, rounds = prove(small, tmp_path)
    assert len(rounds) == len(small.steps) >= 3
    found = {figure.name: figure for figure in figures}
    for name in (
        "late, revised and withdrawn rows right in the next publication",
        "restatements that name the file that caused them",
        "past publications given back bit for bit",
        "outages with exact edges and reason",
    ):
        assert found[name].holds, found[name]
    false = found["false complete branch-days"]
    assert false.value == 0, false
