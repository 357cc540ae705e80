"""The shops that are asked over interfaces: they change nothing else, and their truth is honest about silence."""

from datetime import UTC, date, datetime

import pytest

from emulators.interface_chain import ASKED_DAYS
from emulators.pulls import BESPOT_VISITS, SITES, UNKNOWN_STORE
from emulators.templates import INTERFACE_TEMPLATES
from emulators.world import World, build_world

ASKED = {template.code for template in INTERFACE_TEMPLATES}


@pytest.fixture(scope="module")
def asked_world() -> World:
    return build_world(interfaces=True)


def test_shops_that_are_asked_leave_all_others_as_they_are(world: World, asked_world: World) -> None:
    for table in ("branch_traffic_daily", "branch_traffic_hourly", "branch_conversion_daily"):
        others = [row for row in asked_world.truth.tables[table] if row[0] not in ASKED]
        assert others == world.truth.tables[table]
    for table in ("counter_traffic_hourly", "counter_outage"):
        others = [row for row in asked_world.truth.tables[table] if row[3] not in ASKED]
        assert others == world.truth.tables[table]
    files = {upload.name: upload.content for upload in asked_world.uploads if upload.feed != "sales"}
    assert files == {upload.name: upload.content for upload in world.uploads if upload.feed != "sales"}
    assert asked_world.truth.tables["rejected_row"] == world.truth.tables["rejected_row"]


def test_the_same_seed_gives_the_same_answers(asked_world: World) -> None:
    again = build_world(interfaces=True)
    assert again.content_hash() == asked_world.content_hash()
    assert again.pulls.answers == asked_world.pulls.answers
    assert again.pulls.rows == asked_world.pulls.rows


def test_outages_and_received_minutes_still_add_up_to_what_is_expected(asked_world: World) -> None:
    lost = sum(int(str(row["outage_minutes"])) for row in asked_world.truth.rows("counter_outage"))
    hours = asked_world.truth.rows("counter_traffic_hourly")
    missing = sum(
        int(str(row["expected_minutes"])) - (0 if row["state"] == "stuck_zero" else int(str(row["received_minutes"])))
        for row in hours
    )
    assert lost == missing


def test_a_silent_morning_is_unknown_and_a_quiet_minute_is_zero(asked_world: World) -> None:
    (morning,) = (row for row in asked_world.truth.rows("counter_outage") if row["device_id"] == "0501")
    assert (morning["started_at"], morning["outage_minutes"]) == (datetime(2026, 4, 5, 7, tzinfo=UTC), 180)
    hours = [r for r in asked_world.truth.rows("counter_traffic_hourly") if r["device_id"] == "0501"]
    living = [r for r in hours if r["state"] == "received"]
    assert {r["received_minutes"] for r in living} <= {30, 60}
    rows = sum(a.row_count for a in asked_world.pulls.answers if a.feed == BESPOT_VISITS and not a.is_copy)
    assert rows < sum(int(str(r["received_minutes"])) for r in living)


def test_a_sensor_that_answers_late_is_late_and_one_that_never_does_is_missing(asked_world: World) -> None:
    stitched = next(p.device_id for p in asked_world.chain.placements if p.device_id.endswith("/multisensors/1"))
    last = date(2026, 4, 5)

    def states(wave: int, device: str) -> set[object]:
        rows = asked_world.truth_after_wave(wave).rows("counter_traffic_hourly")
        return {r["state"] for r in rows if (r["device_id"], r["business_date"]) == (device, last)} - {"closed"}

    assert states(1, stitched) == {"received", "device_offline"}  # one hour of live readings
    assert states(2, stitched) == {"received_late"}
    assert states(2, UNKNOWN_STORE) == {"delivery_missing"}


def test_what_the_vendor_says_of_a_whole_site_is_no_traffic(asked_world: World) -> None:
    assert {a.device_id for a in asked_world.pulls.answers if "cube" in a.feed or "export" in a.feed} == {SITES}
    assert not any(s.feed in ("footfallcam_cube", "footfallcam_export_api") for s in asked_world.pulls.shipments)


def test_worlds_of_any_length_can_be_asked() -> None:
    for days in range(1, ASKED_DAYS + 2):
        world = build_world(days=days, interfaces=True)
        assert len([moment for moment in world.pulls.moments if moment.wave == 1 and moment.indexes]) == min(
            days, ASKED_DAYS
        )
        assert world.truth.tables["branch_traffic_daily"]
    assert not build_world(days=2, interfaces=True, with_faults=False).pulls.silences
