"""The check that needs expectations: which share of the expected counter-hours did each source deliver?

Asked of the mart that knows them, for the business days of a transform.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from pathlib import Path

import dagster as dg

from orchestration.publish.marts import open_marts
from orchestration.sources.contract import Feed, Kind

MART = dg.AssetKey(["marts", "fct_counter_traffic_hourly"])
COMPLETE_SHARE = 0.95
"""A counter in twenty may be down for a day before somebody should look; every outage is listed in its mart anyway."""
_PREFIX = "complete_"

QUERY = """
    select source, count(*), count(*) filter (where received_minutes >= expected_minutes),
        sum(received_minutes) / sum(expected_minutes),
        count(distinct business_date) filter (where received_minutes = 0)
    from {relation}
    where expected_minutes > 0 and business_date in (select unnest(cast(? as date[])))
    group by source
"""


def completeness_specs(feeds: Sequence[Feed], assets: Iterable[dg.AssetKey]) -> list[dg.AssetCheckSpec]:
    """Declare one check per source that counts people, where the mart exists."""
    if MART not in set(assets):
        return []
    return [
        dg.AssetCheckSpec(
            f"{_PREFIX}{source}",
            asset=MART,
            description=f"At least {COMPLETE_SHARE:.0%} of the expected minutes of {source} came.",
        )
        for source in sorted({feed.source for feed in feeds if feed.kind is Kind.COUNTS})
    ]


def judge_completeness(
    warehouse: Path, days: Sequence[date], selected: AbstractSet[dg.AssetCheckKey]
) -> Iterator[dg.AssetCheckResult]:
    """Evaluate the selected checks for these days; a source without any expected minute gets no verdict."""
    names = {key.name for key in selected if key.asset_key == MART and key.name.startswith(_PREFIX)}
    wanted = {name.removeprefix(_PREFIX) for name in names}
    if not wanted or not days:
        return
    with open_marts(warehouse) as marts:
        query = QUERY.format(relation=marts.relation(MART.path[-1]))
        rows = marts.connection.execute(query, [[day.isoformat() for day in days]]).fetchall()
    for source, hours, complete, share, silent_days in rows:
        if source in wanted:
            yield dg.AssetCheckResult(
                check_name=f"{_PREFIX}{source}",
                asset_key=MART,
                passed=share >= COMPLETE_SHARE,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={
                    "expected_counter_hours": hours,
                    "complete_counter_hours": complete,
                    "received_share": round(share, 6),
                    "days": len(days),
                    "days_with_a_silent_counter_hour": silent_days,
                },
            )
