"""The page of webhooks, for a browser without JavaScript, in three languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from api.desk import Desk
from api.ids import public_id
from domain.error_codes import LANGUAGES
from infra.installation import Installation
from infra.web_desk import WebDesk
from tests.api.test_webhook_routes import follow
from tests.api.visiting import Visitor, csrf_in
from tests.infra.scripted_server import ScriptedServer, reply
from tests.sellers import LinkedSeller

HEADINGS = {
    "zh": "还没有端点。",
    "ja": "エンドポイントはまだありません。",
    "en": "No endpoint yet.",
}


@pytest.fixture
def receiver() -> Iterator[ScriptedServer]:
    with ScriptedServer(reply(204)) as server:
        yield server


def send(browser: httpx.Client, **fields: object) -> httpx.Response:
    data = {"csrf": csrf_in(browser.get("/webhooks").text), **fields}
    return browser.post("/webhooks", data=data)


def endpoint_in(html: str) -> str:
    found = re.search(r"whk_1_[0-9a-f]{32}", html)
    assert found
    return found[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_answers_in_each_language_and_is_in_the_navigation(
    seller_key: str, visitor: Visitor, language: str
) -> None:
    browser = visitor(seller_key)
    answer = browser.get("/webhooks", headers={"accept-language": language})
    assert (answer.status_code, HEADINGS[language] in answer.text) == (200, True)
    assert 'href="/webhooks"' in browser.get("/").text


def test_the_secret_is_in_the_answer_alone(
    seller_key: str, visitor: Visitor, desk: WebDesk
) -> None:
    browser = visitor(seller_key)
    made = send(browser, action="add", url="https://hooks.example.com/", types=["asin_binding."])
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    found = re.search(r"whsec_[A-Za-z0-9+/=]{44}", made.text)
    assert found
    shown = browser.get("/webhooks")
    assert "hooks.example.com" in shown.text
    assert "whsec_" not in shown.text


def test_a_refused_address_is_shown_again_with_the_rule(seller_key: str, visitor: Visitor) -> None:
    browser = visitor(seller_key)
    url = "https://10.0.0.1/&quot;><b>"
    answer = send(browser, action="add", url=url)
    assert answer.status_code == 422
    assert "public host name" in answer.text
    assert "><b>" not in answer.text
    assert "No endpoint yet." in answer.text


def test_an_endpoint_is_tried_switched_off_and_on_and_removed(
    seller_key: str, visitor: Visitor, desk: WebDesk, installation: Installation,
    receiver: ScriptedServer,
) -> None:  # fmt: skip
    browser = visitor(seller_key)
    webhook_id = endpoint_in(send(browser, action="add", url=receiver.url).text)
    with installation.database.pool("projector").connection() as connection:
        row = connection.execute("SELECT max(notification_id) FROM asin_sync_events").fetchone()
    follow(installation, desk, int(row[0]) if row else 0)
    assert "Nothing was sent yet." in browser.get("/webhooks").text
    assert send(browser, action="test", webhook_id=webhook_id).status_code == 303
    shown = browser.get("/webhooks").text
    assert "HTTP 204" in shown
    assert "Delivered" in shown
    for action, words in (("disable", "Switched off by you"), ("enable", "Switched on")):
        assert send(browser, action=action, webhook_id=webhook_id).status_code == 303
        assert words in browser.get("/webhooks").text
    send(browser, action="remove", webhook_id=webhook_id)
    assert "No endpoint yet." in browser.get("/webhooks").text


def test_a_form_from_elsewhere_or_of_another_seller_changes_nothing(
    seller_key: str, visitor: Visitor, desk: Desk, neighbour: LinkedSeller
) -> None:
    browser = visitor(seller_key)
    webhook_id = endpoint_in(send(browser, action="add", url="https://hooks.example.com/").text)
    forged = browser.post("/webhooks", data={"action": "remove", "webhook_id": webhook_id})
    assert forged.headers["location"].startswith("/sign-in")
    other = visitor(desk.keys.create("seller", neighbour.seller_id, "test")[1])
    assert send(other, action="remove", webhook_id=webhook_id).status_code == 404
    assert send(browser, action="explode", webhook_id=webhook_id).status_code == 409
    assert "hooks.example.com" in browser.get("/webhooks").text


def test_staff_see_the_endpoints_and_no_form(
    seller_key: str, visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    send(visitor(seller_key), action="add", url="https://hooks.example.com/")
    staff = visitor(desk.keys.create("support", None, "desk")[1])
    page = staff.get("/webhooks", params={"seller_id": public_id("sel", seller.seller_id)}).text
    assert "hooks.example.com" in page
    assert 'action="/webhooks"' not in page
