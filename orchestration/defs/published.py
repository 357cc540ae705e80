"""The published files as an asset below all marts, and the question whether they are behind the warehouse."""

from datetime import UTC, datetime

import dagster as dg

from orchestration.defs.outcome import tell
from orchestration.defs.processes import mark
from orchestration.defs.warehouse import POOL
from orchestration.home import utc_now
from orchestration.locks import locked
from orchestration.publish.published import publish
from orchestration.publish.read import last_published_at
from orchestration.settings import Settings

PUBLISHED = dg.AssetKey(["published", "footfall"])


def published_asset(settings: Settings, marts: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """Make the asset."""

    @dg.asset(
        key=PUBLISHED,
        deps=marts,
        group_name="published",
        description="What BI opens: published/footfall.duckdb and published/parquet, flipped at once.",
        pool=POOL,
        kinds={"duckdb", "parquet"},
    )
    def files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        mark(context)
        with locked(settings.home, "warehouse", context.log.info):
            publication = publish(settings.warehouse, settings.home, utc_now())
        tell(publication)
        return dg.MaterializeResult(
            metadata={
                "version": publication.version,
                "row_counts": dg.MetadataValue.json(publication.row_counts),
                "revised_branch_days": dg.MetadataValue.json(publication.revised),
            }
        )

    return files


def is_behind(settings: Settings) -> bool:
    """Tell whether the warehouse was written after the last publication."""
    if not settings.warehouse.exists():
        return False
    at = last_published_at(settings.home)
    return at is None or datetime.fromtimestamp(settings.warehouse.stat().st_mtime, UTC) > at
