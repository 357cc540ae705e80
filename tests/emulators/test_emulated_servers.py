"""The emulated file servers, driven by independent clients over the real protocols."""

import base64
import ftplib
import io
import socket
import ssl
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from emulators.endpoint import Endpoint
from emulators.file_server import Servers, serve
from emulators.world import World, build_world

DAILY, EXPORT, SALES = "footfallcam_daily", "xovis_export", "sales"
CONTRACT = {
    "branches.csv": {
        "branch_code", "branch_name", "country", "region", "city", "timezone", "currency_code", "floor_area_m2",
        "visitor_basis", "opened_on", "closed_on",
    },
    "counters.csv": {
        "source", "device_id", "line_id", "branch_code", "placement", "direction", "label", "address", "timezone",
        "valid_from", "valid_to",
    },
    "opening_hours.csv": {"branch_code", "weekday", "opens", "closes", "valid_from", "valid_to"},
    "special_days.csv": {"branch_code", "date", "opens", "closes"},
}  # fmt: skip


class ReusingFTPS(ftplib.FTP_TLS):
    """Resumes the control connection's TLS session on data connections, as servers in the field demand."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session), size  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def servers(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serve(world, tmp_path_factory.mktemp("servers")) as running:
        yield running


@contextmanager
def sftp_to(at: Endpoint, password: str | None = None) -> Iterator[paramiko.SFTPClient]:
    sock = socket.create_connection((at.host, at.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = paramiko.SSHClient()
    kind, key = at.host_key.split()
    pinned = paramiko.PKey.from_type_string(kind, base64.b64decode(key))
    client.get_host_keys().add(f"[{at.host}]:{at.port}", kind, pinned)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    with client:
        client.connect(
            at.host, at.port, at.user, password or at.password, sock=sock, look_for_keys=False, allow_agent=False
        )
        yield client.open_sftp()


@contextmanager
def ftps_to(at: Endpoint) -> Iterator[ftplib.FTP]:
    context = ssl.create_default_context(cafile=at.ca_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with ReusingFTPS(context=context) as client:
        client.connect(at.host, at.port)
        client.login(at.user, at.password)
        client.prot_p()
        client.cwd(at.folder)
        yield client


def read(client: ftplib.FTP, name: str) -> bytes:
    content = io.BytesIO()
    client.retrbinary(f"RETR {name}", content.write)
    return content.getvalue()


def test_sftp_serves_the_daily_files_as_uploaded(servers: Servers, world: World) -> None:
    uploads = {u.name: u for u in world.uploads if u.feed == DAILY and u.wave == 1}
    with sftp_to(servers.endpoints[DAILY]) as client:
        listing = {entry.filename: entry for entry in client.listdir_attr(servers.endpoints[DAILY].folder)}
        assert listing.keys() == uploads.keys()
        for name, upload in list(uploads.items())[::40]:
            assert listing[name].st_mtime == int(upload.modified_at.timestamp())
            with client.open(f"{servers.endpoints[DAILY].folder}/{name}") as file:
                assert file.read() == upload.content


def test_hostile_names_lie_on_the_server_under_their_own_names(servers: Servers, world: World) -> None:
    hostile = {f.file_name for f in world.faults if f.kind == "hostile_name" and f.feed == DAILY}
    assert any(len(name.encode()) == 255 for name in hostile)
    assert any("\n" in name for name in hostile)
    assert hostile <= {path.name for path in servers.directory(DAILY).iterdir()}
    assert not (servers.root / "reference").exists()


def test_ftps_serves_the_sales_files_as_uploaded(servers: Servers, world: World) -> None:
    with ftps_to(servers.endpoints[SALES]) as client:
        listed = {name: facts for name, facts in client.mlsd() if facts.get("type") == "file"}
        for upload in world.uploads:
            if upload.feed == SALES and upload.wave == 1 and upload.name.startswith("sales_"):
                assert listed[upload.name]["modify"] == f"{upload.modified_at:%Y%m%d%H%M%S}"
                assert read(client, upload.name) == upload.content


def test_ftp_serves_the_exports_as_uploaded(servers: Servers, world: World) -> None:
    at = servers.endpoints[EXPORT]
    with ftplib.FTP() as client:
        client.connect(at.host, at.port)
        client.login(at.user, at.password)
        for upload in world.uploads:
            if upload.feed == EXPORT and upload.wave == 1:
                assert read(client, upload.name) == upload.content


def test_a_wrong_password_is_refused(servers: Servers) -> None:
    with pytest.raises(paramiko.AuthenticationException), sftp_to(servers.endpoints[DAILY], "wrong"):
        pass
    at = servers.endpoints[EXPORT]
    with ftplib.FTP() as client:
        client.connect(at.host, at.port)
        with pytest.raises(ftplib.error_perm):
            client.login(at.user, "wrong")


def test_sales_are_not_served_without_tls(servers: Servers) -> None:
    at = servers.endpoints[SALES]
    with ftplib.FTP() as client:
        client.connect(at.host, at.port)
        with pytest.raises(ftplib.error_perm):
            client.login(at.user, at.password)


def test_the_second_wave_replaces_and_adds_files(tmp_path: Path) -> None:
    world = build_world(days=14, branches=6)
    second = [upload for upload in world.uploads if upload.wave == 2]
    with serve(world, tmp_path) as servers:
        half = next(fault for fault in world.faults if fault.kind == "half_uploaded")
        path = servers.directory(DAILY) / half.file_name
        before = path.read_bytes()
        assert servers.advance(2) == second
        assert servers.advance(2) == []
        assert path.read_bytes() != before
        for upload in second:
            served = servers.directory(upload.feed) / upload.name
            assert served.read_bytes() == upload.content
            assert served.stat().st_mtime == upload.modified_at.timestamp()


def test_servers_leave_no_thread_behind_even_with_a_client_connected(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with serve(build_world(days=1, branches=1), tmp_path) as servers:
        at = servers.endpoints[EXPORT]
        client = ftplib.FTP()
        client.connect(at.host, at.port)
    client.close()
    assert [
        t.name for t in set(threading.enumerate()) - before if t.name.startswith(("ftp-", "sftp-", "asyncio"))
    ] == []


def test_feeds_toml_says_where_and_how_to_log_in(servers: Servers, world: World, tmp_path: Path) -> None:
    world.write_reference(tmp_path, servers.endpoints)
    feeds = tomllib.loads((tmp_path / "feeds.toml").read_text(encoding="utf-8"))["feeds"]
    assert feeds.keys() == {DAILY, SALES, EXPORT}
    remote = feeds[DAILY].pop("remote")
    assert feeds[DAILY] == {}
    common = {"protocol", "host", "port", "user", "password_file", "folder", "settle_seconds"}
    assert remote.keys() == common | {"host_key"}
    assert feeds[SALES]["remote"].keys() == common | {"ca_file"}
    assert feeds[EXPORT]["remote"].keys() == common
    secret = Path(remote["password_file"])
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text(encoding="utf-8").strip() == servers.endpoints[DAILY].password
    assert servers.endpoints[DAILY].password not in repr(servers)


def test_reference_files_have_the_contract_columns(world: World, tmp_path: Path) -> None:
    world.write_reference(tmp_path)
    head = {path.name: path.read_text(encoding="utf-8").splitlines()[0] for path in tmp_path.iterdir()}
    assert {name: set(line.split(",")) for name, line in head.items()} == CONTRACT
    assert "\n0101,Athens Ermou," in (tmp_path / "branches.csv").read_text(encoding="utf-8")
    assert ",12:00,26:00," in (tmp_path / "opening_hours.csv").read_text(encoding="utf-8")


def test_truth_is_written_as_one_file_a_table(world: World, tmp_path: Path) -> None:
    world.write_truth(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(world.truth.tables)
    assert (
        (tmp_path / "counter_outage.csv").read_text(encoding="utf-8").splitlines()[0].endswith("outage_minutes,reason")
    )
