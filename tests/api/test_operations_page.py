"""The operations page: across sellers for those who run the service, its own part for a seller."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from api.desk import Desk
from api.ids import public_id
from domain.error_codes import LANGUAGES
from infra.installation import Installation
from infra.sandbox.goods import product_of
from tests.api.sync_scene import SyncScene, held_changes
from tests.api.test_validator_page import check
from tests.api.visiting import Visitor
from tests.sellers import LinkedSeller

HEADINGS = {"zh": "目前无需运维处理。", "ja": "運用担当者の対応が必要なものはありません。",
            "en": "Nothing here needs an operator."}  # fmt: skip
OWN_HEADINGS = {"zh": "调用额度", "ja": "呼び出し枠", "en": "Call budgets"}


@pytest.fixture
def admin(desk: Desk, visitor: Visitor) -> httpx.Client:
    """An operator's browser."""
    return visitor(desk.keys.create("admin", None, "operator")[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_operators_are_told_in_each_language_that_nothing_needs_them(
    admin: httpx.Client, language: str
) -> None:
    answer = admin.get("/operations", headers={"accept-language": language})
    assert (answer.status_code, HEADINGS[language] in answer.text) == (200, True)
    assert "sync_log" in answer.text
    assert 'href="/operations"' in admin.get("/tickets").text


def test_a_stopped_view_comes_first_with_its_error_and_the_command_that_mends_it(
    admin: httpx.Client, installation: Installation
) -> None:
    with installation.database.pool("projector").connection() as connection:
        connection.execute(
            "UPDATE projection_positions SET error = %s, stopped_at_position = 7"
            " WHERE name = 'bindings'",
            ("KeyError: <b>sku</b>",),
        )
    page = admin.get("/operations").text
    assert "1 view has stopped" in page
    assert "Stopped at event #7:" in page
    assert "KeyError: &lt;b&gt;sku&lt;/b&gt;" in page
    assert "asin-sync projections retry bindings" in page


def test_what_is_paused_held_or_late_at_any_seller_is_listed_by_seller(
    admin: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    scene = SyncScene(desk, seller.seller_id)
    scene.pause("amazon", "E-901", minutes_ago=90.5)
    scene.brake("status", held_changes("B0BRAKED01"))
    scene.delay("stock_price")
    page = admin.get("/operations").text
    for said in ("Left alone", "Changes held", "E-901", "E-905", "E-907", "1 h 31 min"):
        assert said in page, said
    assert f'href="/operations?seller_id={public_id("sel", seller.seller_id)}"' in page


def test_jobs_are_counted_by_state_with_the_age_of_the_oldest(
    admin: httpx.Client, installation: Installation
) -> None:
    with installation.database.pool("jobs").connection() as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, status) VALUES"
            " ('drain_effects', 'default', 'failed'), ('sweep_page', 'default', 'todo')"
        )
        connection.execute("UPDATE procrastinate_events SET at = at - interval '90 s'")
    page = admin.get("/operations").text
    for said in ("1 job failed for good", "Mercari is brought in line", "A page of a sweep",
                 "In the queue", "2 min"):  # fmt: skip
        assert said in page, said


def test_webhooks_that_fail_and_mails_that_wait_are_counted(
    admin: httpx.Client, installation: Installation, seller: LinkedSeller
) -> None:
    with installation.database.pool("integrator").connection() as connection:
        connection.execute(
            "INSERT INTO webhook_endpoints (webhook_id, seller_id, types, is_enabled,"
            " failing_since) VALUES (%s, %s, '{}', true, now())",
            (uuid4(), seller.seller_id),
        )
    page = admin.get("/operations").text
    assert "No endpoint fails." not in page
    assert "Tried again" in page
    assert "No mail server is set" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_seller_sees_its_own_sweeps_breakers_and_budgets_and_nothing_of_others(
    seller_key: str, visitor: Visitor, desk: Desk, neighbour: LinkedSeller, language: str
) -> None:
    SyncScene(desk, neighbour.seller_id).pause("mercari", "E-901")
    browser = visitor(seller_key)
    check(browser, product_of(0).asin)
    page = browser.get("/operations", params={"lang": language}).text
    assert OWN_HEADINGS[language] in page
    assert "searchCatalogItems" in page
    assert "E-901" not in page
    assert "projections retry" not in page
    assert 'href="/operations"' in page


def test_a_sellers_own_breaker_is_shown_to_it_and_to_staff_who_look(
    admin: httpx.Client, seller_key: str, visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    SyncScene(desk, seller.seller_id).pause("amazon", "E-901")
    named = {"seller_id": public_id("sel", seller.seller_id)}
    for page in (visitor(seller_key).get("/operations"), admin.get("/operations", params=named)):
        assert "Amazon has been left alone since" in page.text


@pytest.mark.parametrize("role", ["reviewer", "auditor"])
def test_who_does_not_run_the_service_sees_no_sellers_here(
    visitor: Visitor, desk: Desk, role: str
) -> None:
    browser = visitor(desk.keys.create(role, None, "desk")[1])  # type: ignore[arg-type]
    answer = browser.get("/operations")
    assert answer.status_code == 403
    assert "Administrator" in answer.text
    assert 'href="/operations"' not in browser.get("/tickets").text
    assert visitor().get("/operations").headers["location"].startswith("/sign-in")
