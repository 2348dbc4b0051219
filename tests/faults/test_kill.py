"""kill -9 in the middle of the 500-row upload loses nothing and does nothing twice; Ctrl-C."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from domain.application import acting_for
from domain.submission import Finished, Received, RowsSettled
from domain.values import seller_id_of, submission_id_of
from infra.demo import SELLER_NAME
from infra.installation import Installation, connect
from infra.projection_commands import check
from infra.sandbox.goods import IMAGE_FLAWS, flaw_of
from infra.sandbox.world import amazon_seller_id_of
from infra.settings import Settings
from tests.faults.running_service import RunningService, is_alive, wait_until
from tests.sampling import ALL_ONLY

ROWS = 500
SOUND = sum(flaw_of(number) in (None, *IMAGE_FLAWS) for number in range(ROWS))
"""Rows that can be listed where main images are not inspected."""
UPLOAD_SECONDS_MAX = 120.0
SELLER_ID = seller_id_of(amazon_seller_id_of(SELLER_NAME))
UPLOAD_ID = submission_id_of(SELLER_ID, "demonstration")
LISTED_COUNTS = """
    SELECT count(*), count(DISTINCT originator_id) FROM asin_sync_events
    WHERE topic = 'asin_binding.listed'
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    made = RunningService(tmp_path)
    yield made
    made.remove()


@contextmanager
def inside(service: RunningService) -> Iterator[Installation]:
    """The service's own database, beside it."""
    found = connect(Settings(data=str(service.data)))
    try:
        yield found
    finally:
        found.close()


def reach(service: RunningService, count: int) -> None:
    wait_until(
        lambda: service.settled_count() >= count, UPLOAD_SECONDS_MAX, f"{count} rows settled"
    )


def assert_every_row_came_to_one_fate(service: RunningService) -> None:
    """By the answers of the service, by its log, and by the shop itself."""
    upload = service.get("/submissions")["items"][0]
    shown = service.get(f"/submissions/{upload['id']}")
    assert (shown["status"], shown["settled_count"]) == ("finished", ROWS)
    assert [row["row"] for row in shown["rows"]] == list(range(1, ROWS + 1))
    assert Counter(row["fate"] for row in shown["rows"]) == shown["counts"]
    assert shown["counts"] == {"listed": SOUND, "rejected": 500 - SOUND}
    with inside(service) as installation:
        assert_the_log_settles_each_row_once(installation)
        assert_views_equal_the_log(installation)
        assert_the_shop_has_one_listing_a_row(service, installation)


def assert_the_log_settles_each_row_once(installation: Installation) -> None:
    with acting_for(SELLER_ID):
        facts = installation.app.facts_of(UPLOAD_ID)
    assert [type(fact) for fact in facts].count(Received) == 1
    assert [type(fact) for fact in facts].count(Finished) == 1
    settled = [
        fate.number for fact in facts if isinstance(fact, RowsSettled) for fate in fact.fates
    ]
    assert sorted(settled) == list(range(1, ROWS + 1))
    with installation.database.connect("projector") as connection:
        assert connection.execute(LISTED_COUNTS).fetchone() == (SOUND, SOUND)


def assert_views_equal_the_log(installation: Installation) -> None:
    def stand_at_one_position() -> bool:
        """They are checked one after the other, and the log may have grown in between."""
        results = list(check(installation.database))
        assert [(result.name, result.differences) for result in results if result.differences] == []
        return all(result.position == results[0].position > 0 for result in results)

    wait_until(stand_at_one_position, 20, "the views stand at one position")


def assert_the_shop_has_one_listing_a_row(
    service: RunningService, installation: Installation
) -> None:
    with installation.database.reading_for(SELLER_ID) as connection:
        listed = connection.execute(
            "SELECT count(*), count(DISTINCT listing_id) FROM live_bindings WHERE is_on_sale"
        ).fetchone()
    url = (service.data / "sandbox" / "url").read_text("utf-8")
    world = httpx.get(f"{url}/_sandbox/world", timeout=5).json()
    assert listed == (SOUND, SOUND)
    assert world["sellers"][0]["listings"] == {"total": SOUND, "on_sale": SOUND}


@ALL_ONLY
def test_killing_worker_and_postgres_during_an_upload_ends_with_exactly_500_fates(
    service: RunningService,
) -> None:
    service.start()
    reach(service, 30)
    service.kill_worker()
    reach(service, 130)
    service.kill_postgres()
    reach(service, 230)
    service.kill_worker()
    reach(service, ROWS)
    assert_every_row_came_to_one_fate(service)


class OpenStream:
    """An event stream that somebody has open."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self.has_begun = threading.Event()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()
        assert self.has_begun.wait(5)

    def _follow(self) -> None:
        headers = {"Authorization": f"Bearer {self._service.key}"}
        url = f"{self._service.url}/v1/sync-log/stream"
        with suppress(httpx.HTTPError), httpx.stream("GET", url, headers=headers, timeout=30) as it:
            for _ in it.iter_lines():
                self.has_begun.set()

    def is_open(self) -> bool:
        return self._thread.is_alive()


def test_killing_everything_loses_nothing_and_ctrl_c_ends_it_in_time(
    service: RunningService,
) -> None:
    service.start()
    reach(service, 150)
    service.kill_everything()
    service.start()
    reach(service, ROWS)
    assert_every_row_came_to_one_fate(service)
    key = service.key

    streams = [OpenStream(service), OpenStream(service)]
    children = [service.child("worker"), service.child("sandbox")]
    assert all(map(is_alive, children))
    service.interrupt()
    began = time.monotonic()
    wait_until(lambda: not any(map(is_alive, children)), 2.0, "worker and sandbox are gone")
    wait_until(lambda: not any(it.is_open() for it in streams), 0.5, "the streams are closed")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{service.url}/livez", timeout=1)
    assert time.monotonic() - began <= 2.0
    with suppress(subprocess.TimeoutExpired):
        service.process.wait(10)
    assert service.process.returncode == 0, "Postgres took more than ten seconds"
    assert not service.postgres.is_running()

    service.start()
    assert service.key == key
    assert service.settled_count() == ROWS
    assert "is served already" in " ".join(service.second_start().split())
    assert service.settled_count() == ROWS, "a second server did something to the first"
