"""What starts work without a clock: files in the inbox or at a vendor's, days that changed; and who notices failures.

A request carries a run key made of what it saw, so that what keeps failing is not tried again at every tick.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

from orchestration.defs.feeds import Opener, raw_key
from orchestration.defs.jobs import PUBLISH, REFRESH, Job, by_source, ingest_name
from orchestration.defs.outcome import reason
from orchestration.defs.processes import is_dead
from orchestration.defs.published import is_behind
from orchestration.home import Home, utc_now
from orchestration.landing.ledger_queries import known_days, touched_days
from orchestration.locks import is_locked
from orchestration.sources.contract import Connector, SourceError, Watchable
from orchestration.steps import inbox_files, waiting_files
from orchestration.transform import must_be_full

SECONDS_INBOX = 30
SECONDS_TOUCHED = 60
SECONDS_REMOTE = 1800


def inbox_sensor(opened: Opener, connectors: Sequence[Connector], jobs: Sequence[Job]) -> dg.SensorDefinition:
    """Import what people drop into inbox/<feed>/."""

    @dg.sensor(
        name="inbox",
        jobs=jobs,
        minimum_interval_seconds=SECONDS_INBOX,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def look(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        home = opened()
        waiting = {item.feed: _seen(home, item.feed.name) for item in connectors}
        for feed, seen in waiting.items():
            if seen:
                job = ingest_name([feed.source])
                yield dg.RunRequest(run_key=_key(feed.name, seen), job_name=job, asset_selection=[raw_key(feed.name)])
        if not any(waiting.values()):
            yield dg.SkipReason("no file waits in any inbox")

    return look


def _seen(home: Home, feed: str) -> list[str]:
    return [f"{path.name}/{path.stat().st_ctime_ns}/{path.stat().st_size}" for path in inbox_files(home, feed)]


def remote_sensors(opened: Opener, connectors: Iterable[Connector]) -> Iterator[dg.SensorDefinition]:
    """Look between schedules whether a vendor has delivered late. Off until switched on: every look is a login."""
    for source, group in by_source(connectors).items():
        watched = [item for item in group if item.is_remote and isinstance(item, Watchable)]
        if watched:
            yield _remote_sensor(opened, source, [item.feed.name for item in watched])


def _remote_sensor(opened: Opener, source: str, feeds: Sequence[str]) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{source}_remote_files",
        job_name=ingest_name([source]),
        minimum_interval_seconds=SECONDS_REMOTE,
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        home = opened()
        if any(is_locked(home.settings.home, f"feed-{feed}") for feed in feeds):
            return dg.SkipReason(f"{source} is being fetched")
        told: list[str] = []
        waiting: list[str] = []
        for feed in feeds:
            try:
                waiting += [f"{feed}/{name}" for name in waiting_files(home, home.catalogue[feed])]
            except SourceError as error:
                told.append(f"{feed}: {error.reason}: {error}")
        if waiting:
            return dg.RunRequest(run_key=_key(source, waiting))
        return dg.SkipReason("; ".join(told) or f"nothing new at {source}")

    return look


def touched_sensor(opened: Opener, jobs: Sequence[Job]) -> dg.SensorDefinition:
    """Transform and publish what changed; publish what the warehouse has and the published files lack."""

    @dg.sensor(
        name="touched_days",
        jobs=jobs,
        minimum_interval_seconds=SECONDS_TOUCHED,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        home = opened()
        if is_locked(home.settings.home, "warehouse"):
            return dg.SkipReason("the warehouse is being written")
        hour = f"{utc_now():%Y-%m-%dT%H}"  # what failed is tried again hourly
        touched = [f"{item.feed}/{item.business_date}/{item.count}" for item in touched_days(home.ledger)]
        if touched:
            return dg.RunRequest(run_key=_key(hour, touched), job_name=REFRESH)
        if known_days(home.ledger) and must_be_full(home):
            return dg.RunRequest(run_key=_key(hour, ["full", home.inventory.fingerprint]), job_name=REFRESH)
        if is_behind(home.settings):
            return dg.RunRequest(run_key=_key(hour, ["publish"]), job_name=PUBLISH)
        return dg.SkipReason("no business day changed since the last transform, and it is published")

    return look


@dg.sensor(
    name="abandoned_runs",
    minimum_interval_seconds=SECONDS_TOUCHED,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def abandoned_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Fail runs whose process was killed, which would hold their pool for ever."""
    lasting = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    dead = [run for run in context.instance.get_runs(dg.RunsFilter(statuses=lasting)) if is_dead(run)]
    for run in dead:
        context.instance.report_run_failed(run, "the process of this run ended without a word")
    return dg.SkipReason(f"failed {len(dead)} run(s) whose process was gone" if dead else "every run's process lives")


@dg.run_failure_sensor(name="run_failure", default_status=dg.DefaultSensorStatus.RUNNING)
def run_failure(context: dg.RunFailureSensorContext) -> None:
    """Say in the log which run failed and why, one line."""
    why = "; ".join(reason(event) for event in context.get_step_failure_events()) or context.failure_event.message
    context.log.error(f"{context.dagster_run.job_name} {context.dagster_run.run_id}: {why}")


def _key(scope: str, seen: Sequence[str]) -> str:
    return f"{scope}:{hashlib.sha256(repr(sorted(seen)).encode()).hexdigest()[:16]}"
