"""Local directories (inbox, mounted share) as folders."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.sources.contract import NotPublished, Refused, Unreachable
from orchestration.sources.folder import LocalFolder
from orchestration.sources.remote import HostileName, RemoteFile, RemoteSettings, TooLarge, is_hostile, open_remote

WRITTEN_AT = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_regular_files_are_listed_by_name_and_read(inbox: Path) -> None:
    for name in ("b.csv", "a.csv", "trailing ", "ü.csv"):
        (inbox / name).write_bytes(name.encode())
        os.utime(inbox / name, (WRITTEN_AT.timestamp(), WRITTEN_AT.timestamp()))
    (inbox / "folder").mkdir()
    (inbox / "folder" / "inner.csv").write_bytes(b"1")
    with open_remote(RemoteSettings(protocol="folder", folder=str(inbox))) as folder:
        assert folder.list() == [
            RemoteFile("a.csv", 5, WRITTEN_AT),
            RemoteFile("b.csv", 5, WRITTEN_AT),
            RemoteFile("trailing ", 9, WRITTEN_AT),
            RemoteFile("ü.csv", 6, WRITTEN_AT),
        ]
        assert [folder.read(file.name) for file in folder.list()][2] == b"trailing "
        with pytest.raises(NotPublished):
            folder.read("folder")


def test_name_that_is_not_utf8_is_listed_and_read(inbox: Path) -> None:
    (inbox / os.fsdecode(b"K\xf6ln.csv")).write_bytes(b"1")
    with LocalFolder(inbox) as folder:
        assert [file.name for file in folder.list()] == ["Köln.csv"]
        assert folder.read("Köln.csv") == b"1"


def test_links_that_lead_out_are_neither_listed_nor_read(inbox: Path) -> None:
    (inbox.parent / "secret.csv").write_bytes(b"secret")
    (inbox.parent / "inbox-2").mkdir()
    (inbox.parent / "inbox-2" / "near.csv").write_bytes(b"secret")
    (inbox / "a.csv").write_bytes(b"1")
    links = {
        "out.csv": "../secret.csv",
        "far.csv": "/etc/hostname",
        "near.csv": "../inbox-2/near.csv",
        "to-itself": "to-itself",
    }
    for name, target in links.items():
        (inbox / name).symlink_to(target)
    (inbox / "chain.csv").symlink_to("out.csv")
    (inbox / "inner.csv").symlink_to("a.csv")
    with LocalFolder(inbox) as folder:
        assert [file.name for file in folder.list()] == ["a.csv", "inner.csv"]
        assert folder.read("inner.csv") == b"1"
        for name in (*links, "chain.csv"):
            with pytest.raises(Refused):
                folder.read(name)


def test_directory_that_is_itself_a_link_is_read(inbox: Path) -> None:
    (inbox / "a.csv").write_bytes(b"1")
    (inbox.parent / "mounted").symlink_to(inbox)
    with LocalFolder(inbox.parent / "mounted") as folder:
        assert [folder.read(file.name) for file in folder.list()] == [b"1"]


def test_pipe_is_not_a_file_and_holds_nobody(inbox: Path) -> None:
    os.mkfifo(inbox / "a.csv")
    with LocalFolder(inbox) as folder:
        assert folder.list() == []
        with pytest.raises(NotPublished, match="not a regular file"):
            folder.read("a.csv")


@pytest.mark.parametrize("name", ["../secret.csv", "..", ".", "", "/etc/hostname", "a\\b", "a\0b", "a\nb", "x" * 256])
def test_hostile_name_is_never_opened(name: str, inbox: Path) -> None:
    (inbox.parent / "secret.csv").write_bytes(b"secret")
    with LocalFolder(inbox) as folder, pytest.raises(HostileName):
        folder.read(name)


def test_hostile_names_are_shown(inbox: Path) -> None:
    for name in ("a\nb", "a\\b", "\x1b[2J"):
        (inbox / name).write_bytes(b"1")
    with LocalFolder(inbox) as folder:
        assert all(is_hostile(file.name) for file in folder.list())
        assert len(folder.list()) == 3


def test_file_over_the_limit_is_refused_and_the_next_is_read(inbox: Path) -> None:
    (inbox / "large.csv").write_bytes(bytes(11))
    (inbox / "just.csv").write_bytes(bytes(10))
    with LocalFolder(inbox, max_file_bytes=10) as folder:
        with pytest.raises(TooLarge, match="11 bytes, more than 10"):
            folder.read("large.csv")
        assert folder.read("just.csv") == bytes(10)


def test_file_that_vanished_is_not_published(inbox: Path) -> None:
    (inbox / "a.csv").write_bytes(b"1")
    with LocalFolder(inbox) as folder:
        [file] = folder.list()
        (inbox / "a.csv").unlink()
        with pytest.raises(NotPublished):
            folder.read(file.name)


def test_share_that_is_not_mounted_is_unreachable_and_a_file_is_no_folder(inbox: Path) -> None:
    with pytest.raises(Unreachable, match="No such file"), LocalFolder(inbox / "share"):
        pass
    (inbox / "a.csv").write_bytes(b"1")
    with pytest.raises(Refused, match="not a directory"), LocalFolder(inbox / "a.csv"):
        pass
