"""SFTP folders against real servers: OpenSSH with a key, ProFTPD's mod_sftp with a password."""

import os
import shutil
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from orchestration.sources.contract import NotPublished, Refused, Unreachable
from orchestration.sources.remote import Folder, HostileName, RemoteSettings, TooLarge, is_hostile, open_remote
from tests.servers.faults import CuttingRelay, deaf_port
from tests.servers.fixtures import HOST, PASSWORD, WRITTEN_AT, FileServer, folder_with, free_port, ssh_key

pytestmark = pytest.mark.usefixtures("no_waiting", "nothing_leaks")
Opener = Callable[..., Folder]
both_servers = pytest.mark.parametrize("name", ["sshd", "proftpd"])


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Opener:
    """Return how to open a server's folder, given its name; keywords change the settings, None takes one out."""

    def open_(name: str, place: str = "", *, password: str = PASSWORD, **changes: object) -> Folder:
        server: FileServer = request.getfixturevalue(name)
        folder = str(Path(server.remote_folder) / place) if place else server.remote_folder
        table: dict[str, object] = {"protocol": "sftp", "host": HOST, "port": server.ports["sftp"], "folder": folder}
        table |= {"user": server.user, "host_key": server.host_keys["ed25519"], "timeout_seconds": 5}
        table |= {"key_file": server.key_file} if server.key_file else {"password_env": "SFTP_PASSWORD"}
        wanted = {field: value for field, value in (table | changes).items() if value is not None}
        settings = RemoteSettings.model_validate(wanted)
        return open_remote(settings, SecretStr(password) if settings.names_a_password else None)

    return open_


@both_servers
def test_fifty_files_are_listed_and_read_whole(name: str, opened: Opener, request: pytest.FixtureRequest) -> None:
    files = {f"{i:04d}_20260301.csv".encode(): f"{i},".encode() * i * 400 for i in range(50)}
    place = folder_with(request.getfixturevalue(name), "sftp-fifty", files)
    (place / "older").mkdir()
    (place / "link.csv").symlink_to("/etc/hostname")
    with opened(name, "sftp-fifty") as folder:
        listing = folder.list()
        read = {file.name.encode(): folder.read(file.name) for file in listing}
    assert read == files
    assert {file.name.encode(): file.size for file in listing} == {raw: len(text) for raw, text in files.items()}
    assert {file.modified_at for file in listing} == {WRITTEN_AT}


@both_servers
@pytest.mark.parametrize("size", [0, 32767, 32768, 32769, 5_000_001])
def test_every_size_arrives_byte_for_byte(name: str, size: int, opened: Opener, request: pytest.FixtureRequest) -> None:
    content = os.urandom(size)
    folder_with(request.getfixturevalue(name), f"size-{size}", {b"a.bin": content})
    with opened(name, f"size-{size}") as folder:
        assert folder.read("a.bin") == content


@both_servers
def test_names_survive_byte_for_byte(name: str, opened: Opener, request: pytest.FixtureRequest) -> None:
    names = [b"trailing.csv ", b" leading.csv", b"a;b=c.csv", b"-rf", b"[x]*.csv", "Üsküdar.csv".encode()]
    names += ["Köln.csv".encode("latin-1")]
    folder_with(request.getfixturevalue(name), "sftp-names", {raw: b"of " + raw for raw in names})
    with opened(name, "sftp-names") as folder:
        read = {file.name: folder.read(file.name) for file in folder.list()}
    assert sorted(read.values()) == sorted(b"of " + raw for raw in names)
    assert {"trailing.csv ", "Üsküdar.csv", "Köln.csv"} < read.keys()


@both_servers
def test_hostile_names_are_shown_and_never_asked_for(name: str, opened: Opener, request: pytest.FixtureRequest) -> None:
    files = {b"x\r\ny": b"", b"a\\b": b"", b"\x1b[31m": b"", b"good.csv": b"1"}
    folder_with(request.getfixturevalue(name), "sftp-hostile", files)
    with opened(name, "sftp-hostile") as folder:
        hostile = [file.name for file in folder.list() if is_hostile(file.name)]
        assert len(hostile) == 3
        for one in [*hostile, "..", "../sftp-hostile/good.csv"]:
            with pytest.raises(HostileName):
                folder.read(one)
        assert folder.read("good.csv") == b"1"


def test_wrong_password_is_refused_once_and_never_shown(opened: Opener, proftpd: FileServer) -> None:
    assert proftpd.log is not None
    before = proftpd.log.read_text().count("PASS")
    wrong = "wrong-Sesame-9"
    with pytest.raises(Refused, match="logging in") as caught, opened("proftpd", password=wrong):
        pass
    assert proftpd.log.read_text().count("PASS") == before + 1
    assert wrong not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


def test_key_that_the_server_does_not_know_is_refused(opened: Opener, tmp_path: Path) -> None:
    ssh_key(tmp_path / "stranger")
    with pytest.raises(Refused, match="logging in"), opened("sshd", key_file=tmp_path / "stranger"):
        pass


def test_key_file_may_need_a_passphrase(opened: Opener, sshd: FileServer, tmp_path: Path) -> None:
    assert sshd.key_file is not None
    sealed = tmp_path / "sealed"
    shutil.copy(sshd.key_file, sealed)
    change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSWORD, "-f", str(sealed)]
    subprocess.run(change, check=True, stdout=subprocess.DEVNULL)
    with opened("sshd", key_file=sealed, password_env="KEY_PASSPHRASE") as folder:
        folder.list()
    with pytest.raises(Refused, match="needs its passphrase"), opened("sshd", key_file=sealed):
        pass
    wrong = opened("sshd", key_file=sealed, password_env="KEY_PASSPHRASE", password="wrong-Sesame-9")
    with pytest.raises(Refused, match="passphrase is wrong"), wrong:
        pass
    with pytest.raises(Refused, match="No such file"), opened("sshd", key_file=tmp_path / "nothing"):
        pass


def known_hosts(path: Path, *lines: str) -> dict[str, object]:
    path.write_text("".join(line + "\n" for line in lines))
    return {"host_key": None, "known_hosts": path}


def test_known_host_is_let_in(opened: Opener, sshd: FileServer, tmp_path: Path) -> None:
    address, keys, file = f"[{HOST}]:{sshd.ports['sftp']}", sshd.host_keys, tmp_path / "known_hosts"
    stranger = ssh_key(tmp_path / "stranger")
    for lines in (
        [f"{address} {keys['ed25519']}"],
        ["# a comment", "", f"elsewhere,{address} {keys['ed25519']} with a comment", "damaged ssh-ed25519 AAAA"],
        [f"{address} {keys['rsa']}"],  # the server would rather show ed25519: it must not be asked for
        [f"{address} {stranger}", f"{address} {keys['ed25519']}"],  # a key is being replaced
    ):
        with opened("sshd", **known_hosts(file, *lines)) as folder:
            folder.list()
    file.write_text(f"{address} {keys['ed25519']}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    assert "|1|" in file.read_text()
    with opened("sshd", host_key=None, known_hosts=file) as folder:
        folder.list()


@pytest.mark.parametrize("pin", ["ed25519", "rsa", "fingerprint", "both"])
def test_pinned_host_is_let_in(pin: str, opened: Opener, sshd: FileServer) -> None:
    told = subprocess.run(
        ["ssh-keygen", "-lf", "-"], input=sshd.host_keys["ed25519"], capture_output=True, text=True, check=True
    )
    prints = {**sshd.host_keys, "fingerprint": told.stdout.split()[1], "both": list(sshd.host_keys.values())}
    with opened("sshd", host_key=prints[pin]) as folder:
        folder.list()


def test_host_that_is_not_the_known_one_gets_no_password(opened: Opener, proftpd: FileServer, tmp_path: Path) -> None:
    assert proftpd.log is not None
    other, before = ssh_key(tmp_path / "other"), proftpd.log.read_text().count("PASS")
    address, key = f"[{HOST}]:{proftpd.ports['sftp']}", proftpd.host_keys["ed25519"]
    revoked = [f"{address} {key}", f"@revoked {address} {key}"]
    for changes, said in (
        ({"host_key": other}, r"shows ssh-ed25519 SHA256:\S+; known is SHA256:"),
        ({"host_key": "SHA256:" + "A" * 43}, "known is SHA256:AAAA"),
        (known_hosts(tmp_path / "changed", f"{address} {other}"), "the server shows"),
        (known_hosts(tmp_path / "other-port", f"{HOST} {key}"), "unknown host key"),
        (known_hosts(tmp_path / "empty"), "unknown host key"),
        (known_hosts(tmp_path / "revoked", *revoked), "unknown host key"),
        ({"host_key": None, "known_hosts": tmp_path / "nothing"}, "No such file"),
    ):
        with pytest.raises(Refused, match=said), opened("proftpd", **changes):
            pass
    assert proftpd.log.read_text().count("PASS") == before
    with opened("proftpd"):
        pass
    assert proftpd.log.read_text().count("PASS") == before + 1


def test_host_without_the_known_kind_of_key_is_refused(opened: Opener, tmp_path: Path) -> None:
    ecdsa = tmp_path / "ecdsa"
    make = ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(ecdsa)]
    subprocess.run(make, check=True)
    line = " ".join((tmp_path / "ecdsa.pub").read_text().split()[:2])
    with pytest.raises(Refused, match="connecting"), opened("sshd", host_key=line):
        pass


def test_host_that_only_knows_weak_algorithms_is_refused(opened: Opener) -> None:
    with pytest.raises(Refused, match=r"(?i)no acceptable|incompatible"), opened("weak_sshd"):
        pass


def test_server_that_is_gone_or_silent_is_unreachable(opened: Opener) -> None:
    with pytest.raises(Unreachable, match="refused"), opened("sshd", port=free_port()):
        pass
    with deaf_port() as port, pytest.raises(Unreachable), opened("sshd", port=port, timeout_seconds=0.2):
        pass


@pytest.mark.parametrize("cut", [10, 2_000, 400_000])
def test_connection_cut_anywhere_is_tried_again_and_never_half_a_file(
    cut: int, opened: Opener, sshd: FileServer
) -> None:
    content = os.urandom(1_000_000)
    folder_with(sshd, f"cut-{cut}", {b"a.bin": content})
    with CuttingRelay(sshd.ports["sftp"], [cut]) as relay, opened("sshd", f"cut-{cut}", port=relay.port) as folder:
        assert folder.read("a.bin") == content
        assert relay.connections == 2
    with CuttingRelay(sshd.ports["sftp"], [cut] * 99) as relay:
        with pytest.raises(Unreachable), opened("sshd", f"cut-{cut}", port=relay.port) as folder:
            folder.read("a.bin")
        assert 3 <= relay.connections <= 4  # the first may have lasted until the file was asked for


@both_servers
def test_file_that_vanished_is_not_published_and_the_next_is_read(
    name: str, opened: Opener, request: pytest.FixtureRequest
) -> None:
    files = {b"a.csv": b"1", "ü.csv".encode(): b"2", b"z.csv": b"3"}
    kept = folder_with(request.getfixturevalue(name), "sftp-vanishing", files)
    with opened(name, "sftp-vanishing") as folder:
        assert len(folder.list()) == 3
        for gone in ("a.csv", "ü.csv"):
            (kept / gone).unlink()
            with pytest.raises(NotPublished):
                folder.read(gone)
        assert folder.read("z.csv") == b"3"


@both_servers
def test_file_that_may_not_be_read_and_folder_that_is_missing_are_refused(
    name: str, opened: Opener, request: pytest.FixtureRequest
) -> None:
    kept = folder_with(request.getfixturevalue(name), "sftp-forbidden", {b"a.csv": b"1"})
    (kept / "a.csv").chmod(0)
    with opened(name, "sftp-forbidden") as folder, pytest.raises(Refused, match=r"(?i)denied"):
        folder.read("a.csv")
    with opened(name, "no-such-folder") as folder, pytest.raises(Refused, match="no such folder"):
        folder.list()


@both_servers
def test_file_over_the_limit_is_refused_and_the_next_is_read(
    name: str, opened: Opener, request: pytest.FixtureRequest
) -> None:
    files = {b"large.csv": bytes(100_001), b"just.csv": bytes(100_000)}
    folder_with(request.getfixturevalue(name), "sftp-large", files)
    with opened(name, "sftp-large", max_file_bytes=100_000) as folder:
        with pytest.raises(TooLarge):
            folder.read("large.csv")
        assert len(folder.read("just.csv")) == 100_000
    with opened(name, "sftp-large", max_file_bytes=10) as folder, pytest.raises(TooLarge):
        folder.read("just.csv")


def test_file_that_grows_while_it_is_read_is_read_to_its_end(opened: Opener, sshd: FileServer) -> None:
    kept = folder_with(sshd, "growing", {b"a.csv": b"1" * 40_000})
    with opened("sshd", "growing") as folder:
        [file] = folder.list()
        with (kept / "a.csv").open("ab") as writer:
            writer.write(b"2")
        assert len(folder.read("a.csv")) == file.size + 1
