"""Inspects main images: fetched a few at a time, measured once for the same bytes, remembered.

Where the extra `image` is missing every reading says so, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from hashlib import sha256
from threading import Lock

import httpx

from domain.images import ImageReading
from infra.database import Database
from infra.images.cache import FactsCache
from infra.images.engine import can_measure, engine_name
from infra.images.fetching import ImageFetcher, ImageUnavailable, UnusableImage
from infra.images.workers import Workers

FETCHES_MAX = 6
NOT_INSTALLED = ImageReading(
    status="not_installed", detail="install the extra: pip install 'asin-sync[image-ocr]'"
)


class MainImageInspector:
    """Implements the port `ImageInspector`; one a process, shared by its threads. Close it."""

    def __init__(
        self,
        client: httpx.Client,
        origins: Sequence[str],
        database: Database,
        workers: Workers | None = None,
        *,
        is_wanted: bool = True,
    ) -> None:
        """`client` from `open_client`; `origins` as `installation.image_origins` gives them.

        Where it is not wanted (`IMAGES=no`) it reads as not installed.
        """
        self._is_installed = is_wanted and can_measure()
        self._fetcher = ImageFetcher(client, origins)
        self._cache = FactsCache(database)
        self._workers = workers or Workers()
        self._engine = engine_name() if self._is_installed else ""
        self._lock = Lock()
        self._measuring: dict[str, Future[ImageReading]] = {}

    def inspect(self, urls: Collection[str]) -> Iterator[tuple[str, ImageReading]]:
        """Each image's reading as it is ready. Raises psycopg.Error where the cache is gone."""
        if not self._is_installed:
            yield from ((url, NOT_INSTALLED) for url in dict.fromkeys(urls))
            return
        threads = ThreadPoolExecutor(FETCHES_MAX, thread_name_prefix="image")
        try:
            asked = {threads.submit(self.read, url): url for url in dict.fromkeys(urls)}
            for done in as_completed(asked):
                yield asked[done], done.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def read(self, url: str) -> ImageReading:
        """One image, fetched and measured."""
        try:
            image = self._fetcher.fetch(url)
        except UnusableImage as fault:
            return ImageReading(status="unusable", detail=str(fault))
        except ImageUnavailable as error:
            return ImageReading(status="unknown", detail=str(error))
        return self._measured_once(sha256(image).hexdigest(), image)

    def close(self) -> None:
        self._workers.close()

    def _measured_once(self, digest: str, image: bytes) -> ImageReading:
        """Threads that hold the same bytes at the same time wait for the first of them."""
        with self._lock:
            running = self._measuring.get(digest)
            mine: Future[ImageReading] = Future()
            if running is None:
                self._measuring[digest] = mine
        if running is not None:
            return running.result()
        try:
            mine.set_result(self._known_or_measured(digest, image))
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._measuring[digest]
        return mine.result()

    def _known_or_measured(self, digest: str, image: bytes) -> ImageReading:
        if facts := self._cache.find(digest, self._engine):
            return ImageReading(status="inspected", facts=facts)
        reading = self._workers.measure(image)
        if reading.facts:
            self._cache.keep(reading.facts)
        return reading
