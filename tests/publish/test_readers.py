"""Nobody waits and nobody sees half a publication: readers in processes of their own, while it is published on."""

from pathlib import Path

from orchestration.publish.published import publish
from tests.publish.chain import HOUR, NINE, restate_everything
from tests.publish.processes import PROCESSES, read_until

READERS, EDITIONS = 8, 11


def test_eight_reading_processes_never_fail_and_always_read_one_whole_edition(home: Path, warehouse: Path) -> None:
    publish(warehouse, home, NINE)
    with PROCESSES.Pool(READERS) as pool:
        reading = pool.starmap_async(read_until, [(home, EDITIONS)] * READERS, chunksize=1)
        for edition in range(2, EDITIONS + 1):
            restate_everything(warehouse, edition)
            publish(warehouse, home, NINE + edition * HOUR)
        reports = reading.get(timeout=30)
    assert [report.failures for report in reports] == [[]] * READERS
    assert all(report.seen[-1] == EDITIONS for report in reports)
    assert sum(len(report.seen) for report in reports) > READERS * 2  # they did read while it was published
