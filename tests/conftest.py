"""Fixtures: a real Postgres, migrated once and copied for each test; the sandbox over real HTTP."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict

from domain.stamps import Work
from infra.database import Database
from infra.installation import Installation, opened, urls_of
from infra.migrate import FIRST_CELL, migrate
from infra.projection_engine import ProjectionEngine
from infra.roles import ensure_roles
from infra.settings import Settings
from infra.web_desk import WebDesk
from tests import postgres
from tests.foreign import tools
from tests.sampling import SAID, beyond_sample
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller

SLOW_FIRST = {"virtual", "faults", "test_worker.py", "browser", "images"}
CHROMIUM = shutil.which("chromium")
collect_ignore_glob = [] if CHROMIUM else ["browser/*"]


def pytest_report_header() -> str:
    browser = CHROMIUM or "no chromium on this machine: the browser tests are NOT RUN"
    foreign = ", ".join(f"{name} {state}" for name, state in tools.states().items())
    return (
        f"lived: {SAID}\npostgres: {postgres.kind()}\nbrowser: {browser}\n"
        f"foreign verifiers: {foreign}"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that no worker ends alone with it."""
    left_out = beyond_sample(items)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    items.sort(key=lambda item: SLOW_FIRST.isdisjoint(item.path.parts))


@pytest.fixture(scope="session")
def admin_url() -> Iterator[str]:
    """A superuser of the Postgres that this run uses."""
    with postgres.running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def role_prefix() -> str:
    """Roles belong to the cluster, so each test process has its own."""
    return f"t{uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def passwords(
    admin_url: str, role_prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    file = tmp_path_factory.mktemp("roles") / "passwords.json"
    return dict(ensure_roles(admin_url, role_prefix, file))


@pytest.fixture(scope="session")
def migrated_template(admin_url: str, role_prefix: str, passwords: dict[str, str]) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    with postgres.new_database(admin_url) as url:
        migrate(url, role_prefix)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database_url(admin_url: str, migrated_template: str) -> Iterator[str]:
    """A fresh migrated database, as its superuser."""
    with postgres.new_database(admin_url, migrated_template) as url:
        yield url


@pytest.fixture
def settings(database_url: str, role_prefix: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url, role_prefix=role_prefix, data=str(tmp_path), images="no"
    )


@pytest.fixture
def role_urls(settings: Settings, passwords: dict[str, str]) -> dict[str, str]:
    """A login for each role."""
    return urls_of(settings, settings.database_url, passwords)


@pytest.fixture
def database(role_urls: dict[str, str]) -> Iterator[Database]:
    opened_database = Database(role_urls, FIRST_CELL)
    yield opened_database
    opened_database.close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """Both upstreams over real HTTP; each test takes a seller of its own."""
    with SandboxServer(tmp_path_factory.mktemp("sandbox")) as server:
        yield server


@pytest.fixture
def installation(
    settings: Settings, role_urls: dict[str, str], sandbox: SandboxServer
) -> Iterator[Installation]:
    """Stores and keys on a fresh database, with the sandbox as both upstreams."""
    with installed(settings, role_urls, sandbox) as made:
        yield made


@pytest.fixture(scope="module")
def module_installation(
    admin_url: str,
    migrated_template: str,
    role_prefix: str,
    passwords: dict[str, str],
    sandbox: SandboxServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    """The same, for all tests of one file."""
    folder = str(tmp_path_factory.mktemp("installation"))
    with postgres.new_database(admin_url, migrated_template) as url:
        settings = Settings(database_url=url, role_prefix=role_prefix, data=folder, images="no")
        with installed(settings, urls_of(settings, url, passwords), sandbox) as made:
            yield made


@contextmanager
def installed(
    settings: Settings, role_urls: dict[str, str], sandbox: SandboxServer
) -> Iterator[Installation]:
    folder = Path(settings.data) / "sandbox"
    folder.mkdir()
    (folder / "url").write_text(sandbox.url)
    made = opened(settings, role_urls)
    yield made
    made.close()


@pytest.fixture
def work() -> Work:
    """A piece of work of a test."""
    return Work(lambda: datetime.now(UTC), "test", uuid4())


@pytest.fixture
def seller(installation: Installation, sandbox: SandboxServer, work: Work) -> LinkedSeller:
    """A registered, linked and enabled seller with 40 products in the sandbox."""
    return linked_seller(installation, sandbox, work)


@pytest.fixture
def engine(installation: Installation) -> Iterator[ProjectionEngine]:
    """The projection engine, following the log in a thread."""
    stop = threading.Event()
    running = ProjectionEngine(installation.database)
    thread = threading.Thread(target=running.run, args=(stop,))
    thread.start()
    yield running
    stop.set()
    thread.join()


@pytest.fixture
def desk(
    installation: Installation, seller: LinkedSeller, engine: ProjectionEngine
) -> Iterator[WebDesk]:
    """The desk of the web application, with one seller and running views."""
    made = WebDesk(installation, lambda: datetime.now(UTC))
    yield made
    made.stop()
    made.shops.close()
    made.webhooks.close()
    made.consents.close()
    made.sign_ins.close()


@pytest.fixture
def seller_key(installation: Installation, seller: LinkedSeller) -> str:
    """The seller's API key."""
    return installation.api_keys.create("seller", seller.seller_id, "test")[1]


@pytest.fixture
def seller_id(seller: LinkedSeller) -> UUID:
    return seller.seller_id
