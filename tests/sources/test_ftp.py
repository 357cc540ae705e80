"""FTP and FTPS folders against real servers (ProFTPD, vsftpd), and against servers that misbehave."""

import ftplib
import os
import ssl
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestration.sources.contract import NotPublished, Refused, SourceError, Unreachable
from orchestration.sources.remote import Folder, HostileName, RemoteSettings, TooLarge, is_hostile, open_remote
from tests.servers.faults import STRANGE_NAMES, CuttingRelay, deaf_port, halves, strange_ftp
from tests.servers.fixtures import HOST, PASSWORD, USER, WRITTEN_AT, FileServer, Pki, folder_with, free_port

pytestmark = pytest.mark.usefixtures("no_waiting", "nothing_leaks")
Opener = Callable[..., Folder]


@pytest.fixture
def opened(request: pytest.FixtureRequest, pki: Pki) -> Opener:
    """Return how to open a server's folder, given its name; keywords change the settings."""

    def open_(name: str, *, password: str = PASSWORD, **changes: object) -> Folder:
        server: FileServer = request.getfixturevalue(name.partition(":")[0])
        port = name.partition(":")[2] or "ftps"
        table: dict[str, object] = {"protocol": "ftp" if port == "ftp" else "ftps", "host": HOST}
        table["port"] = server.ports[port]
        if server.user:
            table |= {"user": server.user, "password_env": "FTP_PASSWORD"}
        if port != "ftp":
            table |= {"ca_file": pki.ca_file, "tls": "implicit" if port == "implicit" else "explicit"}
        settings = RemoteSettings.model_validate({"timeout_seconds": 5} | table | changes)
        return open_remote(settings, SecretStr(password) if settings.names_a_password else None)

    return open_


def plain(port: int, **changes: object) -> Folder:
    table = {"protocol": "ftp", "host": HOST, "port": port, "user": USER, "password_env": "P", "timeout_seconds": 0.5}
    return open_remote(RemoteSettings.model_validate(table | changes), SecretStr(PASSWORD))


def server_of(request: pytest.FixtureRequest, name: str) -> FileServer:
    server: FileServer = request.getfixturevalue(name.partition(":")[0])
    return server


EVERY = ["proftpd:ftps", "proftpd:implicit", "proftpd:ftp", "vsftpd:ftps"]
every_server = pytest.mark.parametrize("name", EVERY)


@every_server
def test_fifty_files_are_listed_and_read_whole(name: str, opened: Opener, request: pytest.FixtureRequest) -> None:
    files = {f"{i:04d}_20260301.csv".encode(): f"{i},".encode() * i for i in range(50)}
    place = f"fifty-{EVERY.index(name)}"
    (folder_with(server_of(request, name), place, files) / "older").mkdir()
    with opened(name, folder=place) as folder:
        listing = folder.list()
        read = {file.name.encode(): folder.read(file.name) for file in listing}
    assert read == files
    assert {file.name.encode(): file.size for file in listing} == {raw: len(text) for raw, text in files.items()}
    assert {file.modified_at for file in listing} == {WRITTEN_AT}


@every_server
def test_names_survive_byte_for_byte(name: str, opened: Opener, request: pytest.FixtureRequest) -> None:
    names = [b"trailing.csv ", b" leading.csv", b"two  blanks.csv", b"a;b=c.csv", b"-rf", b"[x]*.csv", b"%41.csv"]
    names += ["Üsküdar.csv".encode(), "Köln.csv".encode("latin-1")]
    place = f"names-{EVERY.index(name)}"
    folder_with(server_of(request, name), place, {raw: b"of " + raw for raw in names})
    with opened(name, folder=place) as folder:
        read = {file.name: folder.read(file.name) for file in folder.list()}
    assert sorted(read.values()) == sorted(b"of " + raw for raw in names)
    assert {"trailing.csv ", " leading.csv", "Üsküdar.csv", "Köln.csv"} < read.keys()


@every_server
def test_hostile_names_are_shown_and_never_asked_for(name: str, opened: Opener, request: pytest.FixtureRequest) -> None:
    place = f"hostile-{EVERY.index(name)}"
    files = {b"x\r\nDELE good.csv": b"", b"x\nDELE good.csv": b"", b"x\ry": b"", b"a\\b": b"", b"good.csv": b"1"}
    kept = folder_with(server_of(request, name), place, files)
    with opened(name, folder=place) as folder:
        listing = [file.name for file in folder.list()]
        assert "good.csv" in listing
        for hostile in (one for one in listing if is_hostile(one)):
            with pytest.raises(HostileName):
                folder.read(hostile)
        assert folder.read("good.csv") == b"1"
    assert len(list(kept.iterdir())) == len(files)


@pytest.mark.parametrize("name", ["proftpd", "vsftpd"])
def test_server_that_demands_session_reuse_refuses_plain_ftplib_but_not_us(
    name: str, opened: Opener, pki: Pki, request: pytest.FixtureRequest
) -> None:
    server = server_of(request, name)
    folder_with(server, "reuse", {b"a.csv": b"1"})
    context = ssl.create_default_context(cafile=pki.ca_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with ftplib.FTP_TLS(context=context) as stock:
        stock.connect(HOST, server.ports["ftps"])
        stock.login(server.user, PASSWORD)
        stock.prot_p()
        with pytest.raises((ftplib.Error, OSError), match=r"(?i)425|522|reuse|EOF"):
            stock.retrbinary("RETR reuse/a.csv", bytearray().extend)
    with opened(name, folder="reuse") as folder:
        assert folder.read("a.csv") == b"1"


def test_tls_1_3_is_there_for_who_asks(opened: Opener, vsftpd: FileServer) -> None:
    folder_with(vsftpd, "newest", {b"a.csv": b"1"})
    with opened("vsftpd", folder="newest", tls_max_version="1.3") as folder:
        assert [folder.read(file.name) for file in folder.list()] == [b"1"]


def test_active_mode_reads_too(opened: Opener, proftpd: FileServer) -> None:
    folder_with(proftpd, "active", {b"a.csv": b"1"})
    with opened("proftpd", folder="active", passive=False) as folder:
        assert [folder.read(file.name) for file in folder.list()] == [b"1"]


@every_server
def test_empty_folder_lists_nothing_and_a_missing_one_is_refused(
    name: str, opened: Opener, request: pytest.FixtureRequest
) -> None:
    place = f"empty-{EVERY.index(name)}"
    folder_with(server_of(request, name), place, {})
    with opened(name, folder=place) as folder:
        assert folder.list() == []
    with pytest.raises(Refused, match="opening the folder"), opened(name, folder="no-such-folder"):
        pass


def test_wrong_password_is_refused_once_and_never_shown(opened: Opener, proftpd: FileServer) -> None:
    assert proftpd.log is not None
    before = proftpd.log.read_text().count("PASS")
    wrong = "wrong-Sesame-9"
    with pytest.raises(Refused, match="logging in: 530") as caught, opened("proftpd", password=wrong):
        pass
    assert proftpd.log.read_text().count("PASS") == before + 1
    assert wrong not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def test_password_that_the_server_repeats_is_masked(tmp_path: Path) -> None:
    def repeat(handler: object, line: str) -> None:
        handler.respond(f"530 no entry with {line}")  # type: ignore[attr-defined]

    with strange_ftp(tmp_path, ftp_PASS=repeat) as port, pytest.raises(Refused) as caught, plain(port):
        pass
    told = "".join(traceback.format_exception(caught.value))
    assert "no entry with ***" in told
    assert PASSWORD not in told


def test_password_with_a_line_break_is_refused_before_it_is_sent(opened: Opener) -> None:
    broken = "Sesame\r\nDELE a"
    with pytest.raises(Refused, match="line break") as caught, opened("proftpd", password=broken):
        pass
    assert "Sesame" not in "".join(traceback.format_exception(caught.value))


def test_password_that_is_not_there_is_refused_without_connecting() -> None:
    settings = RemoteSettings(protocol="ftp", host=HOST, port=free_port(), user=USER, password_env="FTP_PASSWORD")
    with pytest.raises(Refused, match="password_env"):
        open_remote(settings, SecretStr(""))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ca_file": None}, "certificate refused: .*issuer"),
        ({"host": "127.0.769"}, "certificate refused: .*mismatch"),  # another spelling of 127.0.3.1
        ({"ca_file": "/nonexistent/ca.pem"}, "No such file"),
        ({"tls": "implicit"}, "connecting"),
    ],
)
def test_server_that_cannot_be_trusted_is_refused(changes: dict[str, object], said: str, opened: Opener) -> None:
    with pytest.raises(Refused, match=said), opened("proftpd", **changes):
        pass


def test_certificate_of_another_authority_is_refused(opened: Opener, pki: Pki) -> None:
    with pytest.raises(Refused, match="certificate refused"), opened("vsftpd", ca_file=pki.other_ca_file):
        pass


def test_encryption_is_never_given_up_in_silence(opened: Opener, proftpd: FileServer) -> None:
    with pytest.raises(Refused, match="starting TLS"), opened("proftpd", port=proftpd.ports["ftp"]):
        pass
    with pytest.raises(Refused, match=r"(?i)ssl/tls required"), opened("proftpd:ftp", port=proftpd.ports["ftps"]):
        pass


def test_server_that_is_gone_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="refused"), plain(free_port()):
        pass


def test_server_that_says_nothing_is_unreachable_in_time() -> None:
    with deaf_port() as port, pytest.raises(Unreachable, match="timed out"), plain(port, timeout_seconds=0.1):
        pass


def test_broken_connection_is_tried_as_often_as_the_policy_says(proftpd: FileServer) -> None:
    with CuttingRelay(proftpd.ports["ftp"], [10] * 9) as relay:
        with pytest.raises(Unreachable), plain(relay.port):
            pass
        assert relay.connections == 3
    with CuttingRelay(proftpd.ports["ftp"], [10]) as relay, plain(relay.port, timeout_seconds=5) as folder:
        folder.list()
        assert relay.connections == 2


@pytest.mark.parametrize("name", ["proftpd", "vsftpd"])
def test_file_that_vanished_is_not_published_and_the_next_is_read(
    name: str, opened: Opener, request: pytest.FixtureRequest
) -> None:
    kept = folder_with(server_of(request, name), "vanishing", {b"a.csv": b"1", "ü.csv".encode(): b"2", b"z.csv": b"3"})
    with opened(name, folder="vanishing") as folder:
        assert len(folder.list()) == 3
        (kept / "a.csv").unlink()
        (kept / "ü.csv").unlink()
        for gone in ("a.csv", "ü.csv"):
            with pytest.raises(NotPublished, match="550"):
                folder.read(gone)
        assert folder.read("z.csv") == b"3"


def test_file_that_may_not_be_read_is_refused(opened: Opener, proftpd: FileServer) -> None:
    kept = folder_with(proftpd, "forbidden", {b"a.csv": b"1"})
    (kept / "a.csv").chmod(0)
    if os.access(kept / "a.csv", os.R_OK) and os.geteuid() != 0:
        pytest.skip("this file system knows no permissions")
    with opened("proftpd", folder="forbidden") as folder, pytest.raises(Refused, match="denied"):
        folder.read("a.csv")


@every_server
def test_file_over_the_limit_is_refused_and_the_next_is_read(
    name: str, opened: Opener, request: pytest.FixtureRequest
) -> None:
    place = f"large-{EVERY.index(name)}"
    folder_with(server_of(request, name), place, {b"large.csv": bytes(5_000_001), b"just.csv": bytes(5_000_000)})
    with opened(name, folder=place, max_file_bytes=5_000_000) as folder:
        with pytest.raises(TooLarge):
            folder.read("large.csv")
        assert len(folder.read("just.csv")) == 5_000_000


@pytest.mark.parametrize("last_words", ["426 Connection closed; transfer aborted.", "226 Transfer complete."])
def test_half_a_file_is_never_a_file(last_words: str, tmp_path: Path) -> None:
    content = os.urandom(20_000)
    (tmp_path / "a.csv").write_bytes(content)
    with strange_ftp(tmp_path, **halves(99, last_words)) as port, plain(port) as folder, pytest.raises(Unreachable):
        folder.read("a.csv")
    with strange_ftp(tmp_path, **halves(1, last_words)) as port, plain(port) as folder:
        assert folder.read("a.csv") == content


def test_names_that_no_file_system_holds_are_told_apart(tmp_path: Path) -> None:
    with strange_ftp(tmp_path, **STRANGE_NAMES) as port, plain(port) as folder:
        listing = {file.name: file for file in folder.list()}
    assert {name[:12]: is_hostile(name) for name in listing} == {
        "a.csv": None,
        "no-time.csv": None,
        "../../etc/pa": "path_separator",
        "..": "dot_name",
        "C:\\boot.ini": "path_separator",
        "x" * 12: "too_long",
        "a\rDELE a.csv": "control_character",
        "\x9b31m": "control_character",
    }
    assert listing["a.csv"].modified_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert listing["no-time.csv"].modified_at is None


def test_every_error_is_one_that_callers_know(opened: Opener) -> None:
    with pytest.raises(SourceError, match=r"^ftps://127\.0\.3\.1:\d+/: connecting: "):
        opened("proftpd", port=free_port()).__enter__()
