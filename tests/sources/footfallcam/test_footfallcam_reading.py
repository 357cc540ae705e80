"""Answers in hand, read without any server: what no emulated vendor happens to send."""

import json
from datetime import date

import pytest

from orchestration.sources.contract import Connector, Parsed
from orchestration.sources.footfallcam import open_feed
from orchestration.sources.footfallcam.settings import DeviceSettings
from orchestration.steps import dry_run

CUBE = {"user": "a@b.example", "password_env": "X"}
EXPORT = {"url_env": "X", "data_aggregation": "site", "time_aggregation": "hourly"}


def connector(feed: str, **table: object) -> Connector:
    found = open_feed(feed, table)
    assert found is not None
    return found


def read(feed: Connector, tmp_path, content: object, name: str = "d1_2026-03-02.json") -> Parsed:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return dry_run(feed, [path])


def outcome(parsed: Parsed) -> tuple[str, str]:
    return parsed.outcomes[0].state, parsed.outcomes[0].reason


def rejected(parsed: Parsed) -> list[str]:
    return [row["reason"] for row in parsed.rejections.to_pylist()]


def test_other_feeds_are_not_ours():
    assert open_feed("sales", {}) is None
    assert open_feed("north", {"interface": "footfallcam_device"}) is not None


def test_a_saved_answer_says_its_counter_and_day_by_its_name(tmp_path):
    feed = connector("footfallcam_device", data_format="hour")
    parsed = read(feed, tmp_path, [{"Timestamp": "2026-03-02 10:00", "ValueIn": "7", "ValueOut": 6.0}])
    (row,) = parsed.rows.to_pylist()
    assert (row["device_id"], row["ValueIn"], row["ValueOut"], row["interval_seconds"]) == ("d1", 7, 6, 3600)
    assert row["_business_date"] == date(2026, 3, 2)
    assert outcome(read(feed, tmp_path, [], "answer.json")) == ("unreadable", "device_not_named")


def test_a_run_of_typed_counts_starts_at_its_start(tmp_path):
    counts = [{"type": 3, "values": [1, 2]}, {"type": 4, "values": [3, 4]}]
    body = {"countsets": [{"start": "2026-03-02 10:00:00", "delta": 15, "counts": counts}]}
    feed = connector("footfallcam_device", resolution_min=15)
    rows = read(feed, tmp_path, body).rows.to_pylist()
    found = [(f"{row['interval_start_local']:%H:%M}", row["ValueIn"], row["ValueOut"]) for row in rows]
    assert found == [("10:00", 1, 3), ("10:15", 2, 4)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"countsets": [{"start": "2026-03-02 10:00:00", "delta": 7, "counts": []}]}, "unexpected_delta"),
        (
            {"countsets": [{"start": "2026-03-02 10:00:00", "delta": 1, "counts": [{"type": 3, "value": 1}]}]},
            "unknown_shape",
        ),
        ({"error": "busy"}, "error_answer"),
        ([7], "unknown_shape"),
        ("<Data><a>1</a></Data>", "unknown_shape"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Data/>', "xml_forbidden"),
    ],
)
def test_what_is_not_known_is_not_guessed(tmp_path, body, reason):
    assert outcome(read(connector("footfallcam_device"), tmp_path, body)) == ("unreadable", reason)


def test_a_declared_shape_is_the_only_one_taken(tmp_path):
    row = {"Timestamp": "2026-03-02 10:00:00", "ValueIn": 1, "ValueOut": 1}
    feed = connector("footfallcam_device", body="wrapped")
    assert outcome(read(feed, tmp_path, [row])) == ("unreadable", "unknown_shape")
    assert outcome(read(feed, tmp_path, {"Data": [row]})) == ("parsed", "")


def test_times_may_have_a_pattern_of_their_own(tmp_path):
    feed = connector("footfallcam_device", time_format="%d.%m.%Y %H:%M")
    parsed = read(feed, tmp_path, [{"Timestamp": "02.03.2026 10:07", "ValueIn": 1, "ValueOut": 1}])
    assert [str(at) for at in parsed.rows["interval_start_local"].to_pylist()] == ["2026-03-02 10:07:00"]


def test_a_time_with_an_offset_is_rejected_because_labels_are_local(tmp_path):
    parsed = read(connector("footfallcam_device"), tmp_path, [
        {"Timestamp": "2026-03-02T10:00:00+01:00", "ValueIn": 1, "ValueOut": 1},
        {"Timestamp": "2026-03-02T10:00:00", "ValueIn": True, "ValueOut": 1},
        {"Timestamp": "2026-03-02T10:00:00", "ValueIn": 1e300, "ValueOut": 1},
    ])  # fmt: skip
    assert rejected(parsed) == ["bad_timestamp", "not_a_number", "not_a_number"]


def test_settings_that_change_the_reading_change_the_fingerprint():
    plain = connector("footfallcam_device")
    assert plain.fingerprint == connector("footfallcam_device", max_connections=3).fingerprint
    assert plain.fingerprint != connector("footfallcam_device", bucket_label="end").fingerprint
    assert (
        connector("footfallcam_cube", **CUBE).fingerprint != connector("footfallcam_cube", **CUBE, cube="x").fingerprint
    )
    assert connector("footfallcam_export_api", **EXPORT).fingerprint


def test_a_device_id_cannot_leave_the_folder_of_secrets():
    from orchestration.sources.contract import Refused

    settings = DeviceSettings(password_file="secrets/{device_id}")
    assert settings.secret_place("00000000abcd1234") == ("", "secrets/00000000abcd1234")
    with pytest.raises(Refused):
        settings.secret_place("../../etc/passwd")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"data": [{}], "error": "x"}, "error_answer"),
        ({"results": [{"rows": []}]}, "unknown_shape"),
        ({"rows": []}, "unknown_shape"),
        ([7], "unknown_shape"),
    ],
)
def test_cube_answers_of_another_shape_are_unreadable(tmp_path, body, reason):
    assert outcome(read(connector("footfallcam_cube", **CUBE), tmp_path, body)) == ("unreadable", reason)


def test_cube_rows_that_cannot_be_counted_are_rejected(tmp_path):
    def row(**members: object) -> dict[str, object]:
        usual = {"SiteId": 7, "Time": "2026-03-02T10:00:00.000", "A01": "5", "A02": 4}
        return {f"ffc_site_summary.{name}": value for name, value in {**usual, **members}.items()}

    rows = [row(), row(A01=None), row(A01="-1"), row(SiteId=None), row(Time="2026-03-02T10:30:00.000"), row(A02="x")]
    parsed = read(connector("footfallcam_cube", **CUBE), tmp_path, {"data": rows}, "saved.json")
    assert parsed.rows.num_rows == 1
    assert rejected(parsed) == ["blank_value", "negative_count", "blank_value", "off_grid", "not_a_number"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([{"BranchId": 7}], ("parsed", "")),
        ({"Sites": [{"SiteId": "7"}]}, ("parsed", "")),
        ({"error": "Invalid token"}, ("unreadable", "error_answer")),
        ({"a": [], "b": []}, ("unreadable", "unknown_shape")),
        ([{"Name": "x"}], ("unreadable", "every_row_rejected")),
    ],
)
def test_lists_of_sites_are_read_bare_or_under_one_key(tmp_path, body, expected):
    assert outcome(read(connector("footfallcam_sites", **CUBE), tmp_path, body, "sites.json")) == expected


@pytest.mark.parametrize(("body", "reason"), [([], "unknown_shape"), ({"error": "x", "message": "y"}, "error_answer")])
def test_exports_of_another_shape_are_unreadable(tmp_path, body, reason):
    assert outcome(read(connector("footfallcam_export_api", **EXPORT), tmp_path, body, "e.json")) == (
        "unreadable",
        reason,
    )
