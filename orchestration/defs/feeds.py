"""One asset per feed, made from what the feed declares: `raw/<feed>`, partitioned by business day.

Above it in the lineage stands `landing/<feed>`, the vendor's bytes: not run by Dagster and not partitioned, because a
payload may hold any day. A run without a partition takes whatever is new and marks the days that it rebuilt.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg

from orchestration.defs.feed_checks import feed_check_specs, judge
from orchestration.defs.outcome import tell
from orchestration.defs.processes import mark
from orchestration.defs.progress_log import progress_logged
from orchestration.home import Home, Ingested, utc_now
from orchestration.locks import locked
from orchestration.partitions import business_days, is_partition
from orchestration.sources.contract import Connector, Failure, Feed, Window
from orchestration.steps import import_files, ingest, replay, retract

Opener = Callable[[], Home]
"""Opens the home for one step: anew in the UI's runs; in a CLI cycle, which lasts seconds, the same one for all."""


class FeedConfig(dg.Config):
    """What a run is to do with a feed, where its partitions do not say it; nothing set asks for whatever is new."""

    first_day: str = ""
    """Business days wanted, ISO, both ends included."""
    last_day: str = ""
    paths: list[str] = []  # noqa: RUF012 - pydantic copies it
    """Files in hand: import these and ask nobody."""
    replay: bool = False
    """Parse again what is in landing: the named days, else everything."""
    retract: str = ""
    """Withdraw this delivery, for this reason; or let it stand again."""
    reason: str = ""
    undo: bool = False


def landing_key(feed: str) -> dg.AssetKey:
    """Name the bytes of a feed."""
    return dg.AssetKey(["landing", feed])


def raw_key(feed: str) -> dg.AssetKey:
    """Name the typed rows of a feed."""
    return dg.AssetKey(["raw", feed])


def feed_assets(opened: Opener, connector: Connector) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Make the assets and checks of one configured feed."""
    feed = connector.feed
    landing = dg.AssetSpec(
        landing_key(feed.name),
        group_name=feed.source,
        description=f"Every payload of {feed.name} as received, immutable. The ledger has a row for each.",
    )

    warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)

    @dg.asset(
        key=raw_key(feed.name),
        deps=[landing],
        group_name=feed.source,
        description=_describe(feed),
        partitions_def=business_days,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=feed.source,
        check_specs=feed_check_specs(feed, raw_key(feed.name)),
        output_required=False,
        kinds={"parquet"},
    )
    def rows(
        context: dg.AssetExecutionContext, config: FeedConfig
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        mark(context)
        home = opened()
        window = _window(context, config)
        with locked(home.settings.home, f"feed-{feed.name}", context.log.info), progress_logged(context):
            result = _bring(home, home.catalogue[feed.name], config, window)
        tell(result)
        _record(context, feed, result, asked=not (config.paths or config.replay or config.retract))
        yield from judge(home, feed, result)
        broken = _broken(result)
        if broken:
            told = f"{feed.name}: {broken.reason}: {broken.message}"
            raise dg.Failure(told, metadata=_facts(result), allow_retries=False)
        if context.has_partition_key_range:
            yield dg.MaterializeResult(metadata=_facts(result))

    return [landing, rows]


def _describe(feed: Feed) -> str:
    due = f"due {feed.due.at:%H:%M} local time, {feed.due.days_after} day(s) after" if feed.due else "never due"
    return f"Typed {feed.table} rows of {feed.name}, {feed.grain_minutes} min, {due}. Rejected rows stand beside them."


def _window(context: dg.AssetExecutionContext, config: FeedConfig) -> Window | None:
    """Read the business days wanted from the partitions, else from the configuration."""
    if context.has_partition_key_range:
        keys = context.partition_key_range
        return Window(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
    if config.first_day or config.last_day:
        return Window(date.fromisoformat(config.first_day), date.fromisoformat(config.last_day))
    return None


def _bring(home: Home, connector: Connector, config: FeedConfig, window: Window | None) -> Ingested:
    if config.paths:
        return import_files(home, connector, [Path(path) for path in config.paths])
    if config.replay:
        return replay(home, connector, window.first if window else date.min, window.last if window else date.max)
    if config.retract:
        return retract(home, connector, config.retract, config.reason, undo=config.undo)
    return ingest(home, connector, window)


def _record(context: dg.AssetExecutionContext, feed: Feed, result: Ingested, *, asked: bool) -> None:
    """Mark each rebuilt day that is not a partition of this run, and what was asked for and came."""
    facts = _facts(result)
    if asked or result.kept:
        context.log_event(dg.AssetObservation(asset_key=landing_key(feed.name), metadata=facts))
    own = set(context.partition_keys) if context.has_partition_key_range else set[str]()
    today = utc_now().date()
    for day in sorted(result.days):
        if day.isoformat() not in own and is_partition(day, today):
            context.log_event(dg.AssetMaterialization(raw_key(feed.name), partition=day.isoformat(), metadata=facts))


def _facts(result: Ingested) -> dict[str, dg.MetadataValue]:
    days = sorted(result.days)
    reasons = Counter(failure.reason for failure in result.failures)
    facts: dict[str, dg.MetadataValue] = {
        "kept": dg.MetadataValue.int(result.kept),
        "duplicates": dg.MetadataValue.int(result.duplicates),
        "unreadable": dg.MetadataValue.int(result.unreadable),
        "rows": dg.MetadataValue.int(result.rows),
        "rejected_rows": dg.MetadataValue.int(result.rejected_rows),
        "days_touched": dg.MetadataValue.int(len(days)),
        "failures": dg.MetadataValue.json(dict(reasons)),
    }
    if days:
        facts["first_day"], facts["last_day"] = (dg.MetadataValue.text(day.isoformat()) for day in (days[0], days[-1]))
    return facts


def _broken(result: Ingested) -> Failure | None:
    """Return what ended the whole fetch, as opposed to what one file or device lacked."""
    return next((item for item in result.failures if not item.name and not item.device_id), None)
