"""The `[feeds.<name>.remote]` table, and the rules about names that every file server shares."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestration.sources.fileserver import decode_name, spellings
from orchestration.sources.remote import RemoteSettings, is_hostile, temporary

FTP = {"protocol": "ftp", "host": "files.example"}
SFTP = {"protocol": "sftp", "host": "files.example", "user": "u", "password_env": "P"}
PIN = "SHA256:" + "A" * 43


@pytest.mark.parametrize(
    ("table", "address"),
    [
        (FTP, ("files.example", 21)),
        (FTP | {"protocol": "ftps"}, ("files.example", 21)),
        (FTP | {"protocol": "ftps", "tls": "implicit"}, ("files.example", 990)),
        (SFTP | {"host_key": PIN}, ("files.example", 22)),
        (SFTP | {"host_key": PIN, "port": 2222}, ("files.example", 2222)),
    ],
)
def test_port_is_the_protocols_own_unless_set(table: dict[str, object], address: tuple[str, int]) -> None:
    assert RemoteSettings.model_validate(table).address == address


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"protocol": "gopher"}, "'ftp', 'ftps', 'sftp' or 'folder'"),
        (FTP | {"colour": "red"}, "colour"),
        (FTP | {"host": ""}, "needs host"),
        (FTP | {"host": "ftp://files.example/"}, "needs host"),
        (FTP | {"host": "a\r\nb"}, "control character"),
        (FTP | {"folder": "a\r\nDELE b"}, "control character"),
        (FTP | {"port": 70000}, "65535"),
        (FTP | {"user": "u"}, "give user together with password_env"),
        (FTP | {"password_env": "P"}, "give user together with password_env"),
        (FTP | {"user": "u", "password_env": "P", "password_file": "p"}, "not both"),
        (FTP | {"ca_file": "ca.pem"}, "ca_file means nothing with protocol 'ftp'"),
        (FTP | {"host_key": PIN}, "host_key means nothing with protocol 'ftp'"),
        (SFTP, "needs known_hosts or host_key"),
        (SFTP | {"host_key": PIN, "known_hosts": "k"}, "one of them"),
        (SFTP | {"host_key": "ed25519"}, "host_key is 'SHA256:"),
        (SFTP | {"host_key": PIN, "user": ""}, "needs user"),
        (SFTP | {"host_key": PIN, "password_env": ""}, "needs key_file, or password_env"),
        (SFTP | {"host_key": PIN, "passive": False}, "passive means nothing with protocol 'sftp'"),
        ({"protocol": "folder"}, "needs folder"),
        ({"protocol": "folder", "folder": "/mnt/share", "host": "a"}, "host means nothing with protocol 'folder'"),
    ],
)
def test_table_that_makes_no_sense_says_why(table: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RemoteSettings.model_validate(table)


def test_password_written_into_the_table_is_refused_and_not_repeated() -> None:
    table = FTP | {"user": "u", "password": "open-Sesame"}
    with pytest.raises(ValidationError, match="name it with password_env or password_file") as caught:
        RemoteSettings.model_validate(table)
    assert "Sesame" not in str(caught.value) + repr(caught.value)


def test_relative_paths_start_from_home(tmp_path: Path) -> None:
    settings = RemoteSettings.model_validate(
        {"protocol": "ftps", "host": "a", "user": "u", "password_file": "secrets/p", "ca_file": "/etc/ca.pem"}
    ).resolved(tmp_path)
    assert (settings.password_file, settings.ca_file) == (tmp_path / "secrets/p", Path("/etc/ca.pem"))
    assert settings.folder == "."
    assert RemoteSettings(protocol="folder", folder="in").resolved(tmp_path).folder == str(tmp_path / "in")


def test_names_are_hostile_for_a_reason() -> None:
    reasons = {
        "a\rb": "control_character",
        "a\0": "control_character",
        "\x85": "control_character",
        "a\u2028b": "control_character",
        "\ud800": "control_character",
        "a/b": "path_separator",
        "a\\b": "path_separator",
        "": "dot_name",
        ".": "dot_name",
        "..": "dot_name",
        "x" * 256: "too_long",
        "€" * 86: "too_long",
    }
    assert {name: is_hostile(name) for name in reasons} == reasons
    for fine in ("a.csv", " a.csv ", "...", "x" * 255, "€" * 85, "ü" * 127, "-rf", "~a", "a:b"):
        assert is_hostile(fine) is None


def test_names_of_unfinished_uploads_are_known() -> None:
    unfinished = [
        "a.part",
        "a.csv.PART",
        "a.tmp",
        "a.filepart",
        "a.crdownload",
        "a.uploading",
        ".a.csv",
        "~a.csv",
        "a.csv~",
    ]
    assert all(temporary(name) for name in unfinished)
    assert not any(temporary(name) for name in ("a.csv", "part.csv", "a.tmp.csv", "a~b.csv", "apart"))


@pytest.mark.parametrize("raw", [b"a.csv", "Üsküdar.csv".encode(), b"K\xf6ln.csv", b"\xff\xfe", b" a "])
def test_every_name_can_be_asked_for_in_its_own_bytes(raw: bytes) -> None:
    assert raw in spellings(decode_name(raw))
