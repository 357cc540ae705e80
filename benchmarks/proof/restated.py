"""Late and revised rows in the very next publication, named as its cause; each past publication given back by AS OF."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.proof.figures import Figure, percent, ratio
from benchmarks.proof.story import SAID, Round
from emulators.year.files import arrivals, counts_name, counts_of, withdrawn
from emulators.year.grid import SLOTS_PER_HOUR, Step
from emulators.year.year import Year

MACROS = {"fct_branch_traffic_daily": "branch_traffic_daily_as_of"}
MACROS["fct_branch_conversion_daily"] = "branch_conversion_daily_as_of"


@dataclass
class Restated:
    """Rows that came after their round (late, revised, withdrawn), and how many the next publication had."""

    year: Year
    came: int = 0
    there: int = 0
    corrected: int = 0
    named: int = 0
    examples: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)

    def look(self, step: Step, connection: duckdb.DuckDBPyConnection) -> None:
        """Compare the counter-hours of what came in this round with the publication that followed."""
        columns: dict[str, list] = {"device_id": [], "second": [], "entries": [], "exits": [], "row_count": []}
        came_late = self._came_late(step)
        for counter, day, text in came_late:
            self._add(columns, counter, day, text)
        self._look_for_causes(came_late, connection)
        if not columns["second"]:
            return
        connection.register("came", pa.table(columns))
        rows = connection.execute(
            """
            select came.device_id, cast(to_timestamp(came.second) as varchar), came.row_count,
                coalesce(mart.entry_count = came.entries and mart.exit_count = came.exits, false)
            from came left join marts.fct_counter_traffic_hourly as mart
                on came.device_id = mart.device_id and mart.hour_start_at = to_timestamp(came.second)
            """
        ).fetchall()
        connection.unregister("came")
        self.came += sum(columns["row_count"])
        self.there += sum(row_count for _, _, row_count, is_there in rows if is_there)
        self.examples += [f"{device} {at}" for device, at, _, is_there in rows if not is_there][
            : 5 - len(self.examples)
        ]

    def _look_for_causes(self, came: list[tuple[int, int, str]], connection: duckdb.DuckDBPyConnection) -> None:
        """Count the branch-days that these files corrected, and the restatements that name the file."""
        chain = self.year.chain
        named: dict[tuple[str, object], list[str]] = {}
        for branch_code, day, names in connection.execute(
            """
            select branch_code, business_date, file_names from marts.fct_branch_restatement
            where published_at = (select max(published_at) from marts.fct_branch_restatement)
            """
        ).fetchall():
            named[branch_code, day] = names
        for counter, day, _ in came:
            branch = chain.branches[chain.counters[counter].branch]
            is_same = (counter, day) in self._repeats
            if chain.counters[counter].placement != "entrance" or is_same or not chain.hours_on(branch, chain.day(day)):
                continue
            self.corrected += 1
            names = named.get((branch.code, chain.day(day)), [])
            if counts_name(self.year, counter, day) in names:
                self.named += 1
            elif len(self.unnamed) < 5:
                self.unnamed.append(
                    f"{branch.code} {chain.day(day)}: {counts_name(self.year, counter, day)} not in {names}"
                )

    @cached_property
    def _repeats(self) -> set[tuple[int, int]]:
        """The counter-days whose second file has the same bytes: nothing to correct."""
        sent = self.year.counted.sendings.items()
        return {key for key, sendings in sent if len(sendings) == 2 and {one.text for one in sendings} == {"standing"}}

    def _came_late(self, step: Step) -> list[tuple[int, int, str]]:
        later = [
            (counter, day, sent.text)
            for counter, day, sent in arrivals(self.year, step)
            if not step.first <= day < step.stop
        ]
        return later + [(counter, day, "standing") for counter, day, _ in withdrawn(self.year, step)]

    def _add(self, columns: dict[str, list], counter: int, day: int, text: str) -> None:
        chain = self.year.chain
        grid = chain.grid(chain.counters[counter].branch)
        span = grid.span(day)
        has_row = (self.year.counted.has_row[counter] & ~self.year.counted.is_torn[counter])[span]
        entry, exit_ = counts_of(self.year, counter, day, text)
        sums = [
            (side * has_row).reshape(-1, SLOTS_PER_HOUR).sum(axis=1) for side in (entry, exit_, np.ones_like(entry))
        ]
        hours = np.flatnonzero(sums[2])
        first = int(grid.utc(span.start).timestamp())
        columns["device_id"] += [chain.counters[counter].device_id] * len(hours)
        columns["second"] += (first + hours * 3600).tolist()
        for name, values in zip(("entries", "exits", "row_count"), sums, strict=True):
            columns[name] += values[hours].tolist()

    def figures(self) -> list[Figure]:
        """Return the two figures that must be everything."""
        shown = f"{percent(self.there, self.came)} of {self.came:,} rows"
        name = "late, revised and withdrawn rows right in the next publication"
        there = Figure(name, ratio(self.there, self.came), shown, "100 %", self.there == self.came, self.examples)
        shown = f"{percent(self.named, self.corrected)} of {self.corrected:,} files"
        name, holds = "restatements that name the file that caused them", self.named == self.corrected
        return [there, Figure(name, ratio(self.named, self.corrected), shown, "100 %", holds, self.unnamed)]


def as_of_figures(root: Path, rounds: list[Round], connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    """Ask the last publication what each earlier one said, and compare bit for bit."""
    wrong, asked = [], 0
    for one in rounds:
        for mart in SAID:
            file = root / "said" / str(one.step.number) / f"{mart}.parquet"
            said = f"read_parquet('{file}')"
            columns = [row[0] for row in connection.execute(f"describe from {said}").fetchall()]
            listed = ", ".join(f'"{name}"' for name in columns)
            given = f"{MACROS[mart]}(timestamptz '{one.published_at.isoformat()}')"
            if mart == "fct_branch_conversion_daily":
                listed = ", ".join(f'"{name}"' for name in columns if name != "revision")
            ((differences,),) = connection.execute(
                f"""
                select (select count(*) from (select {listed} from {said} except all select {listed} from {given}))
                     + (select count(*) from (select {listed} from {given} except all select {listed} from {said}))
                """
            ).fetchall()
            asked += 1
            if differences:
                wrong.append(f"{mart} of {one.step.name}: {differences} rows differ")
    right = asked - len(wrong)
    shown = f"{percent(right, asked, 0)} of {len(rounds)} publications, {len(SAID)} marts each"
    return [
        Figure("past publications given back bit for bit", ratio(right, asked), shown, "100 %", not wrong, wrong[:5])
    ]
