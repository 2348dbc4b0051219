"""How many requests a key may send: counted by key, told with every answer, refused beyond."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from infra.budgets import Budgets
from infra.database import Database
from infra.installation import Installation
from infra.projection_engine import ProjectionEngine
from infra.request_limits import RequestLimits
from infra.web_desk import WebDesk
from tests.api.test_problems import assert_problem
from tests.api.visiting import Visitor
from tests.api.web_server import serving
from tests.sellers import LinkedSeller

FEW = 6
TOLD = re.compile(r'"default";r=(\d+);t=(\d+)')


@pytest.fixture
def few(
    installation: Installation, seller: LinkedSeller, engine: ProjectionEngine
) -> Iterator[str]:
    """The address of a service that lets each key send six requests a minute."""
    limited = replace(installation.settings, requests_a_minute=str(FEW))
    made = WebDesk(replace(installation, settings=limited), lambda: datetime.now(UTC))
    with serving(made) as address:
        yield address
    made.stop()
    made.shops.close()
    made.webhooks.close()
    made.consents.close()


def test_a_key_is_told_what_is_left_and_refused_beyond_while_others_go_on(
    few: str, seller_key: str, neighbour_bearer: dict[str, str]
) -> None:
    with httpx.Client(base_url=few, headers={"Authorization": f"Bearer {seller_key}"}) as client:
        answers = [client.get("/v1/bindings") for _ in range(FEW)]
        assert {each.status_code for each in answers} == {200}
        left = [int(TOLD.fullmatch(each.headers["ratelimit"])[1]) for each in answers]
        assert left == sorted(left, reverse=True)
        assert left[-1] == 0
        assert answers[0].headers["ratelimit-policy"] == f'"default";q={FEW};w=60'
        for path in ("/v1/bindings", "/v1/health-score"):
            refused = client.get(path)
            assert_problem(refused, 429, "too-many-requests")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert TOLD.fullmatch(refused.headers["ratelimit"])[1] == "0"
        assert client.post("/v1/sweeps", json={"kind": "status"}).status_code == 429
        assert client.get("/v1/bindings", headers=neighbour_bearer).status_code == 200
        guessed = seller_key[:-9] + "00000000"
        stranger = client.get("/v1/bindings", headers={"Authorization": f"Bearer {guessed}"})
        assert stranger.status_code == 401


def test_a_signed_in_person_is_counted_at_the_api_and_not_at_pages(
    visitor: Visitor, seller_key: str
) -> None:
    browser = visitor(seller_key)
    assert "ratelimit" in browser.get("/v1/bindings").headers
    page = browser.get("/")
    assert (page.status_code, "ratelimit" in page.headers) == (200, False)


def test_two_processes_share_the_bucket_of_a_key_and_it_fills_again(database: Database) -> None:
    moment = [time.time()]
    buckets = Budgets(database, lambda: moment[0], table="request_budget", utilisation=1)
    one, other = (RequestLimits(buckets, 600, lambda: moment[0]) for _ in range(2))
    allowed = 0
    while not (told := (one if allowed % 2 else other).take("k")).retry_after_seconds:
        allowed += 1
    assert 600 - 12 <= allowed <= 600
    moment[0] += told.retry_after_seconds + 0.01
    assert not (one if allowed % 2 else other).take("k").retry_after_seconds


def test_of_many_requests_few_ask_the_database(database: Database) -> None:
    asked = []

    class Counted(Budgets):
        def lease(self, *arguments: object) -> tuple[float, float]:
            asked.append(arguments)
            return super().lease(*arguments)

    limits = RequestLimits(Counted(database, table="request_budget", utilisation=1), 6_000)
    for _ in range(400):
        assert not limits.take("k").retry_after_seconds
    assert len(asked) == 400 // 20


def test_without_a_limit_nothing_is_counted(database: Database) -> None:
    assert RequestLimits(Budgets(database, table="request_budget"), 0).take("k") is None
