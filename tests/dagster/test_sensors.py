"""What starts work by itself, and what is said when there is none to start."""

from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.definitions import define
from orchestration.defs.feeds import raw_key
from orchestration.runs import run_ingest
from orchestration.settings import Settings
from tests.dagster.conftest import FIRST, deliver, put


def tick(settings: Settings, instance: dg.DagsterInstance, sensor: str) -> Any:
    repository = define(settings).get_repository_def()
    context = dg.build_sensor_context(instance, repository_def=repository)
    return repository.get_sensor_def(sensor).evaluate_tick(context)


def test_a_dropped_file_starts_its_sources_job_once(home: Settings, instance: dg.DagsterInstance):
    assert tick(home, instance, "inbox").skip_message == "no file waits in any inbox"
    inbox = home.home / "inbox" / "footfallcam_daily"
    inbox.mkdir(parents=True)
    put(inbox / "C1_20260302.csv", "Serial,Time,In,Out\nC1,2026-03-02 10:00:00,4,2\n", FIRST)
    (request,) = tick(home, instance, "inbox").run_requests
    assert request.job_name == "ingest_footfallcam"
    assert request.asset_selection == [raw_key("footfallcam_daily")]
    assert tick(home, instance, "inbox").run_requests[0].run_key == request.run_key
    assert run_ingest(home, ["footfallcam_daily"]).ingested[0].kept == 1
    assert tick(home, instance, "inbox").skip_message == "no file waits in any inbox"


def test_new_files_at_the_vendors_start_its_job_and_an_unreachable_vendor_is_said_so(
    home: Settings, delivered: Path, instance: dg.DagsterInstance
):
    assert tick(home, instance, "footfallcam_remote_files").skip_message == "nothing new at footfallcam"
    deliver(delivered, FIRST, 1)
    assert len(tick(home, instance, "footfallcam_remote_files").run_requests) == 1
    run_ingest(home)
    assert tick(home, instance, "footfallcam_remote_files").skip_message == "nothing new at footfallcam"
    for file in (delivered / "counts").iterdir():
        file.unlink()
    (delivered / "counts").rmdir()
    assert "footfallcam_daily: " in (tick(home, instance, "footfallcam_remote_files").skip_message)


def test_touched_days_start_the_transform_once_and_a_newer_warehouse_the_publication(
    home: Settings, delivered: Path, instance: dg.DagsterInstance
):
    assert "no business day changed" in tick(home, instance, "touched_days").skip_message
    home.warehouse.touch()
    assert tick(home, instance, "touched_days").run_requests[0].job_name == "publish"
    deliver(delivered, FIRST, 1)
    run_ingest(home)
    (request,) = tick(home, instance, "touched_days").run_requests
    assert request.job_name == "transform_and_publish"
    assert tick(home, instance, "touched_days").run_requests[0].run_key == request.run_key
