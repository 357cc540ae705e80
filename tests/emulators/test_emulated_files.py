"""What the emulated vendors upload: formats, clock changes, faults in the bytes. Read here by a few lines of csv."""

import csv
import io
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from emulators.uploads import Upload
from emulators.world import World, build_world

DAILY, EXPORT, SALES = "footfallcam_daily", "xovis_export", "sales"
ALL_FAULTS = {
    "bad_sales_rows", "blank_rows", "branch_day_without_sales", "byte_order_mark", "corrected_store_day",
    "device_offline", "device_without_placement", "duplicate_sales_file", "empty_file", "half_uploaded",
    "hostile_name", "late_file", "missing_file", "mixed_line_ends", "nonexistent_local_time", "outage_over_midnight",
    "overlapping_exports", "repeated_minutes", "revised_file", "same_bytes_again", "stuck_at_zero", "temporary_upload",
    "torn_last_line", "torn_row_repeated", "trailing_blank_in_name", "unreadable_file", "unreadable_then_good",
}  # fmt: skip


def uploads_of(world: World, kind: str) -> list[Upload]:
    """The uploads, in order of waves, of the first fault of a kind."""
    fault = next(fault for fault in world.faults if fault.kind == kind)
    return [upload for upload in world.uploads if upload.name == fault.file_name]


def rows_of(upload: Upload) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(upload.content.decode("utf-8-sig"))))


def test_same_seed_builds_the_same_world_to_the_byte(world: World) -> None:
    assert build_world().content_hash() == world.content_hash()


def test_another_seed_builds_another_world(world: World) -> None:
    assert build_world(seed=8).content_hash() != world.content_hash()


def test_every_kind_of_fault_happens(world: World) -> None:
    assert {fault.kind for fault in world.faults} == ALL_FAULTS


def test_a_world_without_faults_is_on_time_and_complete(flawless: World) -> None:
    assert flawless.faults == ()
    assert {row["status"] for row in flawless.truth.rows("delivery")} == {"on_time"}
    assert {row["status"] for row in flawless.truth.rows("branch_traffic_daily")} <= {"complete", "closed"}


@pytest.mark.parametrize(
    ("last_day", "day", "zones"),
    [
        (date(2026, 4, 5), "2026-03-29", {"Europe/Athens": 1380, "Europe/London": 1380, "Asia/Kolkata": 1440}),
        (date(2025, 11, 2), "2025-10-26", {"Europe/Athens": 1500, "Europe/London": 1500, "America/New_York": 1440}),
        (date(2025, 11, 2), "2025-11-02", {"Europe/Athens": 1440, "America/New_York": 1500}),
    ],
)
def test_days_of_clock_changes_have_23_or_25_hours_in_clock_order(last_day: date, day: str, zones: dict) -> None:
    world = build_world(days=9, last_day=last_day, with_faults=False)
    for zone, minutes in zones.items():
        serial = next(
            p.device_id
            for p in world.chain.placements
            if p.source == "footfallcam" and world.chain.branch(p.branch_code).zone == zone
        )
        upload = next(u for u in world.uploads if u.name == f"{serial}_{day.replace('-', '')}.csv")
        times = [row["local_time"] for row in rows_of(upload)]
        assert len(times) == minutes
        assert times[0] == f"{day} 00:00:00"
        assert times[-1] == f"{day} 23:59:00"
        repeated = [time for time, count in Counter(times).items() if count == 2]
        assert len(repeated) == max(0, minutes - 1440)
        steps_back = sum(later < earlier for earlier, later in pairwise(times))
        assert steps_back == (1 if minutes == 1500 else 0)


def test_exports_look_like_the_sensor_writes_them(world: World) -> None:
    for upload in world.uploads:
        if upload.feed == EXPORT:
            lines = upload.content.decode().split("\n")
            assert lines[0] == "from-time,to-time,Forward counter,Backward counter"
            assert lines[-1] != ""
            start, end = (datetime.strptime(text, "%d/%m/%Y - %H:%M") for text in lines[1].split(",")[:2])  # noqa: DTZ007
            assert end - start == timedelta(minutes=1)


def test_an_export_has_no_row_in_the_hour_that_does_not_exist(world: World) -> None:
    export = next(u for u in world.uploads if u.feed == EXPORT and b"29/03/2026 - 01:59," in u.content)
    assert b"29/03/2026 - 01:59,29/03/2026 - 03:00," in export.content
    assert b"29/03/2026 - 02:" not in export.content


def test_the_torn_export_row_comes_again_after_the_clock_stepped_back(world: World) -> None:
    (upload,) = uploads_of(world, "torn_row_repeated")
    lines = upload.content.decode().split("\n")
    torn = next(number for number, line in enumerate(lines) if line.count(",") == 1)
    starts = [line.split(",")[0][-5:] for line in lines[torn : torn + 5]]
    assert starts == ["18:32", "18:33", "18:32", "18:33", "18:34"]


def test_an_offline_device_leaves_out_exactly_its_minutes(world: World) -> None:
    (upload,) = uploads_of(world, "device_offline")
    times = [row["local_time"][11:16] for row in rows_of(upload)]
    assert len(times) == 1440 - 154
    assert times[847 - 1 : 847 + 1] == ["14:06", "16:41"]


def test_repeated_minutes_end_with_the_ones_that_count(world: World) -> None:
    (upload,) = uploads_of(world, "repeated_minutes")
    rows = rows_of(upload)
    twice = [row for row in rows if row["local_time"][11:16] in ("13:28", "13:29")]
    assert [row["local_time"][14:16] for row in twice] == ["28", "29", "28", "29"]
    assert len(rows) == 1442
    assert (twice[0]["in"], twice[0]["out"]) == ("9", "8")


def test_a_half_upload_is_the_head_of_the_whole_file(world: World) -> None:
    half, whole = uploads_of(world, "half_uploaded")
    assert (half.wave, whole.wave) == (1, 2)
    assert whole.content.startswith(half.content)
    assert half.modified_at < whole.modified_at


def test_the_same_bytes_come_again_with_a_new_time(world: World) -> None:
    first, again = uploads_of(world, "same_bytes_again")
    assert first.content == again.content
    assert first.modified_at < again.modified_at


def test_a_revised_file_has_one_name_and_other_bytes(world: World) -> None:
    first, revised = uploads_of(world, "revised_file")
    assert first.content != revised.content
    assert len(rows_of(first)) == len(rows_of(revised)) == 1440


def test_line_ends_blanks_and_byte_order_marks_are_in_the_bytes(world: World) -> None:
    mixed = uploads_of(world, "mixed_line_ends")[0].content
    assert mixed.count(b"\r\n") > 900
    assert mixed.count(b"\n") - mixed.count(b"\r\n") > 400
    assert b"\n\n" in uploads_of(world, "blank_rows")[0].content
    assert uploads_of(world, "byte_order_mark")[0].content.startswith(b"\xef\xbb\xbf")
    assert uploads_of(world, "unreadable_file")[0].content.startswith(b"<!DOCTYPE html>")
    assert uploads_of(world, "empty_file")[0].content == b"serial,local_time,in,out\n"


def test_every_rejected_row_is_the_physical_line_that_is_wrong(world: World) -> None:
    contents = {upload.name: upload.content for upload in reversed(world.uploads)}
    for row in world.truth.rows("rejected_row"):
        line = contents[str(row["file_name"])].decode().splitlines()[int(str(row["line_number"])) - 1]
        match row["reason"]:
            case "missing_columns":
                assert line.count(",") in (1, 2)
            case "nonexistent_local_time":
                assert line.split(",")[1].startswith("2026-03-29 03:")
            case "unknown_store":
                assert line.startswith("9999,")
            case "blank_value":
                assert ",," in line
            case "bad_timestamp":
                assert "25:30" in line
            case "twelve_hour_clock":
                assert "02:20 PM" in line
            case "not_whole":
                assert ",1.5," in line
            case reason:
                assert {"too_many_decimals": "10.005", "refund_not_supported": "-10.00", "negative_count": "-1,",
                        "not_a_number": "one"}[str(reason)] in line  # fmt: skip


def test_most_files_arrive_before_they_are_due(world: World) -> None:
    for shipment in world.shipments:
        if shipment.feed == DAILY and shipment.wave == 1:
            local = shipment.modified_at - shipment.clock.utc(int(shipment.clock.starts[shipment.last + 1]))
            assert timedelta(minutes=30) < local < timedelta(minutes=90)


def test_small_and_large_chains_can_be_built() -> None:
    assert build_world(days=1, branches=1).truth.tables["branch_traffic_daily"]
    large = build_world(days=2, branches=13, counters_per_branch=3, with_faults=False)
    assert len(large.chain.branches) == len({branch.code for branch in large.chain.branches}) == 13
    assert len(large.chain.placements) == 13 * 5
