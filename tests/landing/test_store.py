"""Landing keeps the vendor's bytes as they are, durably and once, and can tell everything it holds."""

import os
import shutil
import stat
import subprocess
from datetime import UTC, date, datetime, timedelta

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing.store import Landing, safe_name
from orchestration.sources.contract import Channel, Payload

NOW = datetime(2026, 3, 3, 6, 0, 30, tzinfo=UTC)


def payload(content: bytes = b"a,b\r\n1,2", name: str = "a.csv", **override) -> Payload:
    values = {"feed": "daily", "source": "test", "received_at": NOW, "channel": Channel.REMOTE, "device_id": "d1"}
    return Payload(name=name, content=content, **{**values, **override})


def test_a_payload_reads_back_as_it_came(tmp_path):
    landing = Landing(tmp_path)
    sent = payload(modified_at=NOW - timedelta(hours=4), business_date=date(2026, 3, 2), line_id="1000")
    kept = landing.keep([sent])[0]
    assert landing.read(kept.path) == sent
    assert landing.byte_count(kept.path) == len(sent.content)


@given(content=st.binary(max_size=200), name=st.text(max_size=60))
@settings(max_examples=50, deadline=None)
def test_any_bytes_under_any_name_read_back(tmp_path_factory, content, name):
    landing = Landing(tmp_path_factory.mktemp("landing"))
    sent = payload(content, name)
    kept = landing.keep([sent])[0]
    assert landing.read(kept.path).content == content
    assert (landing.root / kept.path).resolve().is_relative_to(landing.root.resolve())


def test_the_file_is_what_every_zstd_tool_reads(tmp_path):
    if not shutil.which("zstd"):
        reader = zstandard.ZstdDecompressor().stream_reader
        kept = Landing(tmp_path).keep([payload()])[0]
        with (tmp_path / kept.path).open("rb") as stream:
            assert reader(stream, read_across_frames=True).read() == payload().content
        return
    kept = Landing(tmp_path).keep([payload()])[0]
    shown = subprocess.run(["zstd", "-dc", tmp_path / kept.path], capture_output=True, check=True)
    assert shown.stdout == payload().content


def test_the_same_observation_is_written_once_and_cannot_be_changed(tmp_path):
    landing = Landing(tmp_path)
    first, second = landing.keep([payload()])[0], landing.keep([payload()])[0]
    assert first == second
    files = list(tmp_path.rglob("*.zst"))
    assert len(files) == 1
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o444


def test_the_same_bytes_of_two_counters_are_two_deliveries_and_of_one_are_one(tmp_path):
    landing = Landing(tmp_path)
    one, other, again = landing.keep([payload(), payload(device_id="d2"), payload(name="b.csv")])
    assert one.delivery_id != other.delivery_id
    assert one.delivery_id == again.delivery_id


def test_damaged_bytes_are_refused_with_what_to_do(tmp_path):
    landing = Landing(tmp_path)
    path = landing.keep([payload(b"x" * 1000)])[0].path
    file = tmp_path / path
    whole = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(whole[:4])
    with pytest.raises(ValueError, match="damaged"):
        landing.read(path)
    file.write_bytes(
        landing.keep([payload(b"y" * 1000)])[0].path.encode() and whole.replace(b'"sha256": "', b'"sha256": "0', 1)
    )
    with pytest.raises((ValueError, zstandard.ZstdError)):
        landing.read(path)


def test_walk_and_asked_tell_all_that_was_received(tmp_path):
    landing = Landing(tmp_path)
    landing.keep([payload(), payload(device_id="d2", received_at=NOW + timedelta(days=2))])
    landing.note_asked("test", "daily", [date(2026, 3, 1), date(2026, 3, 2)], NOW)
    with (tmp_path / "test" / "daily" / "asked.csv").open("a") as stream:
        stream.write("2026-03-03,2026")  # torn by a crash
    assert {item.payload.device_id for item in landing.walk()} == {"d1", "d2"}
    assert {item.payload.device_id for item in landing.walk(date(2026, 3, 4))} == {"d2"}
    assert [day for *_, day, _ in landing.asked()] == [date(2026, 3, 1), date(2026, 3, 2)]


def test_a_temporary_file_of_a_crash_is_no_delivery(tmp_path):
    landing = Landing(tmp_path)
    kept = landing.keep([payload()])[0]
    (tmp_path / kept.path).with_name(".abc.tmp").write_bytes(b"half")
    assert len(list(landing.walk())) == 1


def test_hostile_names_are_shown_escaped_and_bounded():
    assert safe_name("a\r\nb\x1b[2J.csv") == "a\\x0d\\x0ab\\x1b[2J.csv"
    assert len(safe_name("x" * 5000)) == 255
    assert os.sep not in safe_name("x")
