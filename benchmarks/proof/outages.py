"""Outage edges: every span without data from its first to its last lost quarter hour, with its reason."""

import duckdb

from benchmarks.proof.figures import Figure, percent, ratio
from emulators.year.year import Year

REASONS = ("device_offline", "delivery_missing", "delivery_rejected")


def outage_figures(year: Year, connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    """Compare the outages of the last publication with the spans that were injected."""
    truth = set()
    for counter in year.chain.counters:
        grid = year.chain.grid(counter.branch)
        for span in year.outages(counter.number):
            edges = (int(grid.utc(slot).timestamp()) for slot in (span.first, span.stop))
            truth.add((counter.device_id, *edges, span.reason))
    rows = connection.execute(
        """
        select device_id, epoch(started_at)::bigint, epoch(ended_at)::bigint, reason
        from marts.fct_counter_outage where list_contains(?, reason)
        """,
        [list(REASONS)],
    ).fetchall()
    found = set(rows)
    exact = len(truth & found)
    notes = [f"not found: {item}" for item in sorted(truth - found)[:4]]
    notes += [f"too many: {item}" for item in sorted(found - truth)[:4]]
    shown = f"{percent(exact, len(truth | found))} of {len(truth):,}, {len(found - truth)} too many"
    return [
        Figure(
            "outages with exact edges and reason",
            ratio(exact, len(truth | found)),
            shown,
            "100 %",
            truth == found,
            notes,
        )
    ]
