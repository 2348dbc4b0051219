"""The port: images fetched over real HTTP, measured in real processes, remembered in Postgres."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from psycopg.types.json import Jsonb

from domain.images import ImageReading
from infra.database import Database
from infra.images.inspector import MainImageInspector
from infra.images.workers import Workers
from tests.images import files
from tests.infra.scripted_server import Reply, ScriptedServer, reply

CHECKOUT = Path(__file__).parents[2]


class CountedWorkers(Workers):
    """Workers that count the images that were handed to them."""

    count = 0

    def measure(self, image: bytes) -> ImageReading:
        self.count += 1
        return super().measure(image)


@pytest.fixture
def counted() -> Iterator[CountedWorkers]:
    opened = CountedWorkers()
    yield opened
    opened.close()


@contextmanager
def served(*replies: Reply) -> Iterator[ScriptedServer]:
    with ScriptedServer(*replies) as server:
        yield server


def image_reply(content: bytes) -> list[bytes | float]:
    return reply(200, content, "image/jpeg")


def rows_in(database: Database) -> list[tuple[str, str]]:
    with database.pool("jobs").connection() as connection:
        query = "SELECT sha256, engine FROM asin_sync.image_facts ORDER BY engine"
        return connection.execute(query).fetchall()


def test_the_same_bytes_under_two_addresses_are_measured_once(
    client: httpx.Client, database: Database, counted: CountedWorkers
) -> None:
    with served(image_reply(files.jpeg())) as server:
        inspector = MainImageInspector(client, [server.url], database, counted)
        urls = [f"{server.url}/images/{name}.jpg" for name in ("one", "two", "one")]
        readings = dict(inspector.inspect(urls))
    assert {reading.status for reading in readings.values()} == {"inspected"}
    assert (len(readings), counted.count, len(rows_in(database))) == (2, 1, 1)


def test_what_was_measured_once_is_remembered(
    client: httpx.Client, database: Database, counted: CountedWorkers
) -> None:
    with served(image_reply(files.jpeg())) as server:
        url = f"{server.url}/images/one.jpg"
        first = MainImageInspector(client, [server.url], database, counted)
        again = MainImageInspector(client, [server.url], database, counted)
        assert dict(first.inspect([url])) == dict(again.inspect([url]))
    assert counted.count == 1


def test_facts_of_another_engine_are_not_taken_for_ours(
    client: httpx.Client, database: Database, counted: CountedWorkers
) -> None:
    with served(image_reply(files.jpeg())) as server:
        url = f"{server.url}/images/one.jpg"
        inspector = MainImageInspector(client, [server.url], database, counted)
        facts = dict(inspector.inspect([url]))[url].facts
        assert facts is not None
        older = facts.model_copy(update={"engine": "rules 0", "white_background": 0.0})
        with database.pool("jobs").connection() as connection:
            connection.execute(
                "INSERT INTO asin_sync.image_facts (sha256, engine, facts) VALUES (%s, %s, %s)",
                (older.sha256, older.engine, Jsonb(older.model_dump(mode="json"))),
            )
        later = MainImageInspector(client, [server.url], database, counted)
        assert dict(later.inspect([url]))[url].facts == facts
    assert [engine for _, engine in rows_in(database)] == ["rules 0", facts.engine]


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (files.SVG, "not_an_image"),
        (b"", "empty"),
        (files.jpeg()[:-900], "unreadable"),
        (files.jpeg_with_zip(), "bytes_after_end: 41 bytes"),
        (files.png_of(8000, 8000), "too_many_pixels: 8000 × 8000"),
        (files.png_of(1, 1), "too_small: 1 × 1"),
    ],
)
def test_a_hostile_image_never_raises_and_is_not_remembered(
    client: httpx.Client, database: Database, workers: Workers, content: bytes, detail: str
) -> None:
    with served(image_reply(content)) as server:
        inspector = MainImageInspector(client, [server.url], database, workers)
        url = f"{server.url}/images/one.jpg"
        reading = dict(inspector.inspect([url]))[url]
    assert (reading.status, reading.detail, reading.facts) == ("unusable", detail, None)
    assert rows_in(database) == []


def test_one_bad_address_does_not_hold_up_the_others(
    client: httpx.Client, database: Database, workers: Workers
) -> None:
    with served(image_reply(files.jpeg())) as server:
        inspector = MainImageInspector(client, [server.url], database, workers)
        good, down = f"{server.url}/images/one.jpg", "http://127.0.0.1:9/images/1.jpg"
        readings = dict(inspector.inspect([down, good, "file:///etc/passwd"]))
    statuses = {url: reading.status for url, reading in readings.items()}
    assert statuses == {down: "unusable", good: "inspected", "file:///etc/passwd": "unusable"}


def test_a_server_that_is_down_leaves_the_image_unknown(
    client: httpx.Client, database: Database, workers: Workers
) -> None:
    inspector = MainImageInspector(client, ["http://127.0.0.1:9"], database, workers)
    [(_, reading)] = inspector.inspect(["http://127.0.0.1:9/images/1.jpg"])
    assert reading.status == "unknown"


def test_without_the_extra_every_reading_says_so_and_nothing_is_fetched(
    client: httpx.Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with served(image_reply(files.jpeg())) as server:
        inspector = MainImageInspector(client, [server.url], database)
        [(_, reading)] = inspector.inspect([f"{server.url}/images/one.jpg"])
        assert server.received == []
    assert reading.status == "not_installed"
    assert "image-ocr" in reading.detail


def test_the_service_imports_neither_pillow_nor_numpy() -> None:
    code = (
        "import sys\n"
        "for name in ('numpy', 'PIL', 'cv2', 'onnxruntime', 'rapidocr'):\n"
        "    sys.modules[name] = None\n"
        "import infra.images.inspector, infra.sandbox.images\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True)
