"""`serve`: Postgres, sandbox, worker and web brought up together, watched, and taken down."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from domain.ports import Clock
from infra.demo import (
    ensure_demo,
    forward_notifications,
    invite_made_up_people,
    upload_sample,
)
from infra.installation import Installation, embedded, prepare, sandbox_url_file
from infra.roles import write_private
from infra.settings import Settings
from infra.supervisor import Child, Supervisor
from infra.web_desk import WebDesk
from infra.web_server import serve_app

SANDBOX_SECONDS_MAX = 30.0
CHILD_STOP_SECONDS = 2.0
POSTGRES_WATCH_SECONDS = 1.0
log = logging.getLogger(__name__)


class AlreadyServed(OSError):
    """Another server holds the data folder: a second would stop its Postgres on the way out."""


class PortTaken(OSError):
    """Somebody listens there, or this user may not."""


BuildApp = Callable[[Any], Any]
Say = Callable[[str], None]


def serve(
    settings: Settings, build_app: BuildApp, clock: Clock, say: Say, *, is_demo: bool
) -> None:
    """Serve until SIGINT, SIGTERM or the terminal's end. Raises AlreadyServed, PortTaken."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    with alone_in(settings.data_folder):
        ensure_port_free(settings.host, int(settings.port))
        serve_alone(settings, build_app, clock, say, is_demo=is_demo)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else serves this data meanwhile. Raises AlreadyServed.

    The kernel's lock ends with the process, however that ends.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "serve.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = f"{folder} is served already. Stop that server, or name another folder: "
            raise AlreadyServed(f"{told}ASIN_SYNC_DATA=…") from None
        yield


def ensure_port_free(host: str, port: int) -> None:
    """Asked before anything is started. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        told = f"{host}:{port} can't be listened on ({error.strerror}). Name another port: "
        raise PortTaken(f"{told}ASIN_SYNC_PORT=8001") from None


def serve_alone(
    settings: Settings, build_app: BuildApp, clock: Clock, say: Say, *, is_demo: bool
) -> None:
    """Everything, from Postgres up, and down again in the end."""
    say("starting Postgres and migrating…")
    installation = prepare(settings)
    stop = threading.Event()
    watcher = threading.Thread(target=keep_postgres, args=(settings, stop, say), daemon=True)
    watcher.start()
    supervisor = Supervisor(children_of(settings), log.info)
    supervisor.start()
    try:
        say("starting worker" + (" and sandbox…" if settings.is_sandbox else "…"))
        if settings.is_sandbox:
            wait_for_sandbox(sandbox_url_file(settings).read_text("utf-8"))
        run_web(settings, installation, build_app, clock, say, is_demo=is_demo)
    except KeyboardInterrupt:
        say("stopping…")
    finally:
        stop.set()
        supervisor.stop(CHILD_STOP_SECONDS)
        installation.close()
        run_file(settings).unlink(missing_ok=True)
        if not settings.database_url:
            embedded(settings).stop()
        say("stopped")


def interrupt(*_: object) -> None:
    """Whatever asks us to end is taken as Ctrl-C is."""
    raise KeyboardInterrupt


def run_web(
    settings: Settings,
    installation: Installation,
    build_app: BuildApp,
    clock: Clock,
    say: Say,
    *,
    is_demo: bool,
) -> None:
    """The web server in this process; the demonstration begins once it answers."""
    desk = WebDesk(installation, clock)

    def on_ready(port: int) -> None:
        url = f"http://{settings.host}:{port}"
        threading.Thread(target=tell_ready, args=(url,), daemon=True).start()

    def tell_ready(url: str) -> None:
        tell_setup(desk, settings, say)
        if not (is_demo and settings.is_sandbox):
            write_run_file(settings, url, "")
            say(f"ready {url}")
            return
        sandbox_url = sandbox_url_file(settings).read_text("utf-8")
        demo = ensure_demo(installation, sandbox_url, clock)
        forward_notifications(installation, demo, url, sandbox_url, clock)
        if not settings.oidc_issuer:
            invite_made_up_people(desk.people, demo, clock)
        write_run_file(settings, url, demo.key)
        print(f"ready {url} seller=demo key={demo.key}", flush=True)
        way = "give the key" if settings.oidc_issuer else "give the key, or be somebody made up"
        say(f"open {url}/sign-in and {way}; the sample fills in as you watch")
        upload_sample(installation, demo, clock)

    serve_app(
        build_app(desk), settings.host, int(settings.port), on_ready=on_ready, on_stop=desk.stop
    )
    desk.shops.close()
    desk.webhooks.close()
    desk.consents.close()
    desk.sign_ins.close()


def tell_setup(desk: WebDesk, settings: Settings, say: Say) -> None:
    """Where an identity provider is set and nobody is administrator: how somebody becomes it."""
    code = desk.sign_ins.make_setup_code() if settings.oidc_issuer else None
    if code is not None:
        say(f"no administrator yet: open {settings.base_url}/sign-in, sign in with the provider")
        say(f"and give this set-up code, which is good once: {code}")


def children_of(settings: Settings) -> Sequence[Child]:
    """The worker, and the sandbox where no real upstream is named."""
    program = [sys.executable, "-m", "main"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    worker = Child("worker", [*program, "worker"], environment)
    if not settings.is_sandbox:
        return [worker]
    port = sandbox_port(settings)
    return [Child("sandbox", [*program, "sandbox", "serve", str(port)], environment),
            worker]  # fmt: skip


def sandbox_port(settings: Settings) -> int:
    """The port the sandbox had before, so that image addresses stay; else one that is free."""
    file = sandbox_url_file(settings)
    before = file.read_text("utf-8").rpartition(":")[2] if file.exists() else ""
    for port in (int(before or 0), 0):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            chosen = int(probe.getsockname()[1])
            write_private(file, f"http://127.0.0.1:{chosen}".encode())
            return chosen
    raise RuntimeError("no free port for the sandbox")


def wait_for_sandbox(url: str) -> None:
    """Raises TimeoutError when the sandbox does not come up."""
    ends_at = time.monotonic() + SANDBOX_SECONDS_MAX
    while time.monotonic() < ends_at:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/_sandbox/calls", timeout=2).status_code < 500:
                return
        time.sleep(0.1)
    raise TimeoutError(f"the sandbox at {url} did not come up")


def keep_postgres(settings: Settings, stop: threading.Event, say: Say) -> None:
    """Start the embedded Postgres again should it die; clients reconnect by themselves."""
    if settings.database_url:
        return
    server = embedded(settings)
    while not stop.wait(POSTGRES_WATCH_SECONDS):
        if not server.is_running() and not stop.is_set():
            say("Postgres died: starting it again")
            server.start()


def run_file(settings: Settings) -> Path:
    """Where the CLI finds a running server beside it."""
    return settings.data_folder / "run.json"


def write_run_file(settings: Settings, url: str, key: str) -> None:
    content = json.dumps({"url": url, "key": key, "pid": os.getpid()})
    write_private(run_file(settings), content.encode())
