"""Jobs and schedules: one of each per source, so that one vendor's outage blanks nobody else; the rest apart."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import dagster as dg

from orchestration.catalogue import ConfigurationError
from orchestration.defs.feeds import Opener, raw_key
from orchestration.defs.outcome import tell
from orchestration.defs.processes import mark
from orchestration.defs.published import PUBLISHED
from orchestration.defs.warehouse import POOL
from orchestration.inventory import Inventory
from orchestration.locks import locked
from orchestration.sources.contract import Connector, Feed
from orchestration.steps import rebuild_raw

INGEST, TRANSFORM, PUBLISH, REFRESH, REBUILD = "ingest", "transform", "publish", "transform_and_publish", "rebuild_raw"
Job = Any  # what define_asset_job returns: Dagster does not export its class


def ingest_name(sources: Iterable[str]) -> str:
    """Name the job that brings in these sources: a source's own, or the one of all."""
    found = sorted(set(sources))
    return f"{INGEST}_{found[0]}" if len(found) == 1 else INGEST


def by_source(connectors: Iterable[Connector]) -> dict[str, list[Connector]]:
    """Sort connectors by source, in the order of feeds.toml."""
    found: dict[str, list[Connector]] = {}
    for connector in connectors:
        found.setdefault(connector.feed.source, []).append(connector)
    return found


def ingest_job(name: str, connectors: Sequence[Connector]) -> Job:
    """Make the job that brings in these feeds."""
    keys = [raw_key(connector.feed.name) for connector in connectors]
    return dg.define_asset_job(name, selection=dg.AssetSelection.assets(*keys))


def transform_job(assets: Sequence[object]) -> Job:
    """Make the job that rebuilds touched days in the warehouse; `assets` is what warehouse.py made."""
    return dg.define_asset_job(TRANSFORM, selection=_models(assets))


def publish_job() -> Job:
    """Make the job that publishes the warehouse as it is."""
    return dg.define_asset_job(PUBLISH, selection=dg.AssetSelection.assets(PUBLISHED))


def refresh_job(assets: Sequence[object]) -> Job:
    """Make the job that does both."""
    return dg.define_asset_job(REFRESH, selection=_models(assets) | dg.AssetSelection.assets(PUBLISHED))


def _models(assets: Sequence[object]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(item for item in assets if isinstance(item, dg.AssetsDefinition)))


def rebuild_job(opened: Opener, feeds: Sequence[Feed]) -> dg.JobDefinition:
    """Make the job that throws raw/ and the warehouse away and makes raw/ again from landing."""

    @dg.op(name="forget_and_replay", pool=POOL)
    def forget_and_replay(context: dg.OpExecutionContext) -> None:
        mark(context)
        home = opened()
        with ExitStack() as held:
            for name in ("warehouse", *sorted(f"feed-{feed.name}" for feed in feeds)):
                held.enter_context(locked(home.settings.home, name, context.log.info))
            for result in rebuild_raw(home):
                tell(result)
                context.log.info(f"{result.feed}: {result.rows} rows on {len(result.days)} days")

    @dg.job(name=REBUILD, executor_def=dg.in_process_executor, description="raw/ anew from landing; transform next.")
    def rebuild() -> None:
        forget_and_replay()

    return rebuild


def schedules(connectors: Iterable[Connector], zone: str) -> list[dg.ScheduleDefinition]:
    """Make one schedule per source with a place to fetch from, on its feeds' crons in the chain's usual zone.

    They run as soon as the daemon does: who writes a remote into feeds.toml wants it fetched, and a fetch changes
    nothing at the vendor's side.
    """
    found: list[dg.ScheduleDefinition] = []
    for source, group in by_source(connectors).items():
        crons = sorted({item.feed.schedule for item in group if item.is_remote and item.feed.schedule})
        if not crons:
            continue
        try:
            schedule = dg.ScheduleDefinition(
                name=f"{source}_schedule",
                job_name=ingest_name([source]),
                cron_schedule=crons,
                execution_timezone=zone,
                default_status=dg.DefaultScheduleStatus.RUNNING,
            )
        except dg.DagsterInvalidDefinitionError as error:
            msg = (
                f"reference/feeds.toml: a schedule of {source} is no cron expression (five fields): {', '.join(crons)}"
            )
            raise ConfigurationError(msg) from error
        found.append(schedule)
    return found


def usual_zone(inventory: Inventory | None) -> str:
    """Return the zone that most branches stand in; crons are read in it."""
    zones = Counter(branch.timezone for branch in inventory.branches) if inventory else Counter[str]()
    return zones.most_common(1)[0][0] if zones else "UTC"
