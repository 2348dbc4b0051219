"""A real worker process on a test database, and one seller whose world a test can move."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg

from domain import pricing
from domain import seller as sellers
from domain.application import acting_for
from domain.rules.repricing import PricingRules
from domain.sellers import change_seller
from domain.stamps import Work
from domain.sync_sweep import Finished, SweepKind, Tally
from domain.values import binding_id_of, sweep_id_of
from infra.installation import Installation, passwords_file
from infra.projection_commands import status
from infra.sandbox.goods import asin_of
from infra.settings import Settings
from projections import bindings, submissions, sync_log
from projections.bindings import BindingRow
from projections.sync_log import LogRow
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller, upload_products

ROOT = Path(__file__).parents[2]
WAIT_SECONDS_MAX = 120.0
PRODUCT_COUNT = 3_000
CUT_EVERY_CONNECTION: LiteralString = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def now() -> datetime:
    return datetime.now(UTC)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Fails, saying what, when it does not come true in time."""
    ends_at = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < ends_at, f"it did not happen: {what}"
        time.sleep(0.05)


def environment_of(settings: Settings, passwords: dict[str, str]) -> dict[str, str]:
    """With which another process works on the same installation."""
    passwords_file(settings).write_text(json.dumps(passwords))
    return {
        **os.environ, "DATABASE_URL": settings.database_url, "ASIN_SYNC_DATA": settings.data,
        "ASIN_SYNC_ROLE_PREFIX": settings.role_prefix, "IMAGES": settings.images,
    }  # fmt: skip


@contextmanager
def running_worker(
    installation: Installation, passwords: dict[str, str], **settings: str
) -> Iterator[None]:
    """`asin-sync worker` as a process of its own, some settings changed, ended by SIGTERM."""
    environment = environment_of(installation.settings, passwords) | settings
    process = subprocess.Popen([sys.executable, "-m", "main", "worker"], cwd=ROOT, env=environment)
    try:
        yield
        assert process.poll() is None, "the worker died"
    finally:
        process.terminate()
        try:
            assert process.wait(5) == 0, "the worker did not end well"
        finally:
            process.kill()


class Shop:
    """One seller with the first 3,000 products of the catalogue, seen from all sides."""

    def __init__(self, installation: Installation, sandbox: SandboxServer) -> None:
        self.installation = installation
        self.sandbox = sandbox
        self.work = Work(now, "test", uuid4())
        self.seller: LinkedSeller = linked_seller(
            installation, sandbox, self.work, product_count=PRODUCT_COUNT
        )

    @property
    def seller_id(self) -> UUID:
        return self.seller.seller_id

    def upload(self, numbers: Sequence[int]) -> UUID:
        return upload_products(self.installation.app, self.seller, numbers, self.work)

    def rows(self, submission_id: UUID) -> list[submissions.RowRow]:
        with self.installation.database.reading_for(self.seller_id) as connection:
            return submissions.rows_of(connection, submission_id)

    def is_finished(self, submission_id: UUID) -> bool:
        with self.installation.database.reading_for(self.seller_id) as connection:
            head = submissions.one(connection, submission_id)
        return head is not None and head.status == "finished"

    def finish(self, submission_id: UUID) -> list[submissions.RowRow]:
        """The rows, once each has its fate."""
        wait_until(lambda: self.is_finished(submission_id), "the upload is finished")
        return self.rows(submission_id)

    def catch_up(self) -> None:
        """Wait until every view has folded the whole log."""
        database = self.installation.database
        wait_until(lambda: all(each["lag"] == 0 for each in status(database)), "views catch up")

    def binding(self, asin: str) -> BindingRow:
        with self.installation.database.reading_for(self.seller_id) as connection:
            row = bindings.one(connection, binding_id_of(self.seller_id, asin))
        assert row is not None
        return row

    def log(self, **wanted: Any) -> list[LogRow]:
        """Lines of the sync log, newest first."""
        with self.installation.database.reading_for(self.seller_id) as connection:
            return sync_log.page(connection, sync_log.Filter(**wanted), limit=500)

    def topics(self, asin: str) -> list[str]:
        """The history of a binding, as topics."""
        with acting_for(self.seller_id):
            facts = self.installation.app.facts_of(binding_id_of(self.seller_id, asin))
        return [fact.TOPIC.partition(".")[2] for fact in facts]

    def control(self, path: str, asin: str, **fields: Any) -> Any:
        """Move the world of this seller."""
        return self.sandbox.control(path, seller=self.seller.name, asin=asin, **fields)

    def listings(self, asin: str) -> list[dict[str, Any]]:
        """What the shop shows for this ASIN."""
        return self.sandbox.listings(self.seller.name, asin)

    def listing(self, asin: str) -> dict[str, Any]:
        """The only listing of this ASIN."""
        found = self.listings(asin)
        assert len(found) == 1, found
        return found[0]

    def counts(self) -> dict[str, int]:
        """How many listings the shop has, and how many are on sale."""
        world = self.sandbox.control("world", method="GET")
        mine = next(each for each in world["sellers"] if each["name"] == self.seller.name)
        return dict(mine["listings"])

    def price_by(self, rules: PricingRules) -> None:
        """Change the seller's pricing rules."""
        command = pricing.ChangePricingRules(stamp=self.work.stamp(), rules=rules)
        change_seller(
            self.installation.app, self.seller_id,
            lambda it: pricing.change_rules(it, command),
        )  # fmt: skip

    def ask_for_sweep(self, kind: SweepKind) -> UUID:
        """Ask as the API does; the sweep's id."""
        command = sellers.RequestSweep(stamp=self.work.stamp(), kind=kind)
        change_seller(
            self.installation.app, self.seller_id, lambda it: sellers.request_sweep(it, command)
        )
        return sweep_id_of(self.seller_id, kind, command.stamp.decided_at)

    def sweep(self, kind: SweepKind) -> Tally:
        """Sweep now and wait for its end. A sweep is named by its second, so each gets its own."""
        time.sleep(1.0 - time.time() % 1.0)
        self.refill_account_budget()
        wait_until(lambda: kind not in self.sweeps_under_way(), "the one before has ended")
        sweep_id = self.ask_for_sweep(kind)
        wait_until(lambda: self.ended(sweep_id) is not None, f"the {kind} sweep ends")
        ended = self.ended(sweep_id)
        assert ended is not None
        return ended.tally

    def refill_account_budget(self) -> None:
        """Amazon tells of an account once a minute; these tests stand for hours."""
        self.as_admin(
            "DELETE FROM asin_sync.budget WHERE operation = 'getMarketplaceParticipations'"
        )

    def sweeps_under_way(self) -> set[str]:
        """By kind."""
        with self.installation.database.reading_for(self.seller_id) as connection:
            rows = connection.execute("SELECT kind FROM asin_sync.sweep_run").fetchall()
        return {kind for (kind,) in rows}

    def as_admin(self, statement: LiteralString) -> None:
        """What only a database's superuser can do."""
        url = self.installation.settings.database_url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)

    def cut_every_connection(self) -> None:
        """The worker's and our own; ours are made anew."""
        self.as_admin(CUT_EVERY_CONNECTION)
        for role in ("reader", "writer", "keystore", "projector"):
            self.installation.database.pool(role).check()
        self.installation.app.recorder.datastore.pool.check()

    def ended(self, sweep_id: UUID) -> Finished | None:
        with acting_for(self.seller_id):
            facts = self.installation.app.facts_of(sweep_id)
        return next((fact for fact in facts if isinstance(fact, Finished)), None)


def asins(numbers: Sequence[int]) -> list[str]:
    return [asin_of(number) for number in numbers]
