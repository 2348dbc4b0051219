"""Sends what changed to whoever asked for it: late, twice and out of order where told to.

Who wants what lives in the world's SQLite file; what is not delivered yet is lost with the process.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import httpx
import orjson

from infra.sandbox.amazon_answers import Json
from infra.sandbox.notifications import Spelling, notification, order_created, spelt
from infra.sandbox.world import Seller, World

TRIES_MAX = 5
RETRY_SECONDS = 1.0
SHUFFLE_SECONDS = 0.5
SEND_SECONDS_MAX = 10.0
log = logging.getLogger(__name__)

_SCHEMA = "CREATE TABLE IF NOT EXISTS forwarder (seller INTEGER PRIMARY KEY, content TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Where a seller's notifications go, and how well they travel."""

    url: str = ""
    key: str = ""
    mercari_url: str = ""
    spelling: Spelling = "own"
    duplicates: int = 0
    shuffle: bool = False
    delay_seconds: float = 0.0
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request on its way."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    tries: int = 0


class Postman:
    """Queues parcels by the time they are due; one thread delivers them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._world.database.execute(_SCHEMA)
        self._due: list[tuple[float, int, Parcel]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="postman", daemon=True).start()

    def forwarder(self, seller: Seller) -> Forwarder:
        row = self._world.database.execute(
            "SELECT content FROM forwarder WHERE seller = ?", (seller.number,)
        ).fetchone()
        return Forwarder(**orjson.loads(row["content"])) if row else Forwarder()

    def change(self, seller: Seller, changes: Mapping[str, Any]) -> Forwarder:
        """Change the fields given."""
        changed = replace(self.forwarder(seller), **changes)
        self._world.database.execute(
            "INSERT INTO forwarder VALUES (?, ?) ON CONFLICT (seller) DO UPDATE SET"
            " content = excluded.content",
            (seller.number, orjson.dumps(asdict(changed)).decode()),
        )
        return changed

    def tell(self, seller: Seller, kind: str, payload: Json) -> Json | None:
        """Send a notification of this type; None where nobody wants it."""
        forwarder = self.forwarder(seller)
        if not (forwarder.is_on and forwarder.url):
            return None
        whole = notification(kind, payload, self._world.clock())
        headers = {"Authorization": f"Bearer {forwarder.key}", "Content-Type": "application/json"}
        self._send(forwarder, Parcel(forwarder.url, spelt(whole, forwarder.spelling), headers))
        return whole

    def tell_sold(self, seller: Seller, listing_id: str, sku_code: str, quantity: int) -> None:
        """Send the shop's order webhook."""
        forwarder = self.forwarder(seller)
        if forwarder.is_on and forwarder.mercari_url:
            body = order_created(listing_id, sku_code, quantity, self._world.clock())
            headers = {"Content-Type": "application/json"}
            self._send(forwarder, Parcel(forwarder.mercari_url, orjson.dumps(body), headers))

    def _send(self, forwarder: Forwarder, parcel: Parcel) -> None:
        """The parcel and its duplicates, each after its own delay where they are shuffled."""
        for _ in range(1 + forwarder.duplicates):
            delay = forwarder.delay_seconds
            if forwarder.shuffle:
                delay = random.uniform(0.0, delay or SHUFFLE_SECONDS)
            self._put(delay, parcel)

    def _put(self, delay_seconds: float, parcel: Parcel) -> None:
        due = (time.monotonic() + delay_seconds, next(self._numbers), parcel)
        with self._changed:
            heapq.heappush(self._due, due)
            self._changed.notify()

    def _run(self) -> None:
        with httpx.Client(timeout=SEND_SECONDS_MAX) as client:
            while True:
                self._deliver(client, self._next())

    def _next(self) -> Parcel:
        """Wait for the parcel that is due first."""
        with self._changed:
            while not self._due or self._due[0][0] > time.monotonic():
                wait = self._due[0][0] - time.monotonic() if self._due else None
                self._changed.wait(wait)
            return heapq.heappop(self._due)[2]

    def _deliver(self, client: httpx.Client, parcel: Parcel) -> None:
        """What is not taken is sent again a few times, unless it was refused."""
        try:
            answer = client.post(parcel.url, content=parcel.body, headers=parcel.headers)
            is_settled, said = answer.status_code < 500, f"HTTP {answer.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            is_settled, said = False, str(error)
        if not is_settled and parcel.tries + 1 < TRIES_MAX:
            self._put(RETRY_SECONDS, replace(parcel, tries=parcel.tries + 1))
        elif said != "HTTP 202":
            log.warning("%s did not take a notification: %s", parcel.url, said)
