"""The page of integration, the way to Amazon's consent and back, and the command that does both."""

from __future__ import annotations

import gc
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

from api.cli.client import Exit, Server
from api.cli.sandbox import add_sandbox_commands
from api.cli.sellers import add_seller_links
from api.desk import Desk
from api.ids import public_id
from domain.consents import CALLBACK_PATH
from domain.error_codes import LANGUAGES
from infra.amazon.consent import AmazonConsents
from infra.installation import Installation, consent_access
from infra.web_desk import WebDesk
from tests.api.sync_scene import SyncScene
from tests.api.visiting import Visitor, csrf_in
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller

PAGE = "/settings/integration"
HEADINGS = {"zh": "绝不读取的内容", "ja": "決して読み取らない項目", "en": "What is never read"}
DENIED = {"zh": "不授权", "ja": "認可されなかった", "en": "Permission was declined"}

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def send(browser: httpx.Client, **fields: object) -> httpx.Response:
    data = {"csrf": csrf_in(browser.get(PAGE).text), **fields}
    return browser.post(PAGE, data=data)


@pytest.fixture
def consented(sandbox: SandboxServer, seller: LinkedSeller) -> Callable[..., str]:
    """Path and query that the sandbox's page leads back to for this consent."""

    def lead(url: str, name: str | None = None, **fields: object) -> str:
        leads_to = sandbox.control("consent", seller=name or seller.name, url=url, **fields)
        parts = urlsplit(leads_to["leads_to"])
        assert parts.path == CALLBACK_PATH
        return f"{parts.path}?{parts.query}"

    return lead


Consented = Callable[..., str]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_answers_in_each_language_and_is_in_the_navigation(
    seller_key: str, visitor: Visitor, language: str
) -> None:
    browser = visitor(seller_key)
    answer = browser.get(PAGE, headers={"accept-language": language})
    assert (answer.status_code, HEADINGS[language] in answer.text) == (200, True)
    assert f'href="{PAGE}"' in browser.get("/").text


def test_a_seller_links_amazon_by_page_and_the_answer_shows_no_code(
    seller_key: str, visitor: Visitor, consented: Consented, sandbox: SandboxServer
) -> None:
    browser = visitor(seller_key)
    asked = send(browser, action="amazon")
    assert asked.status_code == 303
    assert asked.headers["location"].startswith(f"{sandbox.url}/apps/authorize/consent?")
    back = consented(asked.headers["location"])
    answer = browser.get(back)
    assert (answer.status_code, "Amazon.co.jp is linked" in answer.text) == (200, True)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "form-action 'self';" in answer.headers["content-security-policy"]
    for value in (part.partition("=")[2] for part in back.partition("?")[2].split("&")):
        assert value not in answer.text
    again = browser.get(back)
    assert (again.status_code, "used already" in again.text) == (409, True)


def test_the_pages_form_may_lead_to_amazons_page_and_nowhere_else(
    seller_key: str, visitor: Visitor, sandbox: SandboxServer
) -> None:
    browser = visitor(seller_key)
    policy = browser.get(PAGE).headers["content-security-policy"]
    assert f"form-action 'self' {sandbox.url};" in policy
    assert "form-action 'self';" in browser.get("/webhooks").headers["content-security-policy"]


def test_an_answer_without_the_session_that_asked_links_nothing_and_spends_nothing(
    seller_key: str, visitor: Visitor, consented: Consented, desk: Desk, neighbour: LinkedSeller,
    head: Callable[[], int],
) -> None:  # fmt: skip
    browser = visitor(seller_key)
    back = consented(send(browser, action="amazon").headers["location"])
    before = head()
    stranger = visitor(desk.keys.create("seller", neighbour.seller_id, "test")[1])
    for other, words in (
        (visitor(), "not in this browser"), (visitor(seller_key), "not in this browser"),
        (stranger, "Another seller asked"),
    ):  # fmt: skip
        answer = other.get(back)
        assert (answer.status_code, words in answer.text) == (409, True)
        assert "E-401" in answer.text
    assert head() == before
    assert browser.get(back).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_no_is_shown_with_the_next_step_in_each_language(
    seller_key: str, visitor: Visitor, consented: Consented, language: str
) -> None:
    browser = visitor(seller_key)
    back = consented(send(browser, action="amazon").headers["location"], allow=False)
    answer = browser.get(back, headers={"accept-language": language})
    assert (answer.status_code, DENIED[language] in answer.text) == (409, True)
    assert f'href="{PAGE}"' in answer.text


def test_the_account_to_sign_in_with_is_named_where_another_one_answered(
    seller_key: str, visitor: Visitor, consented: Consented, seller: LinkedSeller,
    neighbour: LinkedSeller,
) -> None:  # fmt: skip
    browser = visitor(seller_key)
    back = consented(send(browser, action="amazon").headers["location"], neighbour.name)
    answer = browser.get(back)
    assert (answer.status_code, seller.amazon_seller_id in answer.text) == (409, True)
    assert neighbour.amazon_seller_id not in answer.text


@pytest.mark.parametrize("name", ["state", "selling_partner_id", "spapi_oauth_code", "error", "x"])
def test_html_in_the_callbacks_address_is_not_repeated(visitor: Visitor, name: str) -> None:
    answer = visitor().get(CALLBACK_PATH, params={name: '"><script>alert(1)</script>'})
    assert answer.status_code == 409
    assert "alert(1)" not in answer.text


def test_a_login_that_does_not_answer_is_told_as_such(
    seller_key: str, visitor: Visitor, consented: Consented, sandbox: SandboxServer,
    head: Callable[[], int],
) -> None:  # fmt: skip
    browser = visitor(seller_key)
    back = consented(send(browser, action="amazon").headers["location"])
    before = head()
    sandbox.control("faults", upstream="lwa", kind="truncated_json", count=1)
    answer = browser.get(back)
    assert (answer.status_code, "E-901" in answer.text) == (502, True)
    assert head() == before


def test_a_form_from_elsewhere_and_a_form_of_staff_ask_for_nothing(
    seller_key: str, visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    forged = visitor(seller_key).post(PAGE, data={"action": "amazon"})
    assert forged.headers["location"].startswith("/sign-in")
    assert send(visitor(seller_key), action="explode").status_code == 409
    staff = visitor(desk.keys.create("support", None, "desk")[1])
    named = {"seller_id": public_id("sel", seller.seller_id)}
    page = staff.get(PAGE, params=named).text
    assert 'action="/settings/integration"' not in page
    csrf = csrf_in(page)
    assert (
        staff.post(PAGE, params=named, data={"csrf": csrf, "action": "amazon"}).status_code == 403
    )


def test_mercari_is_linked_by_the_form_and_a_line_that_is_no_token_is_refused(
    seller_key: str, visitor: Visitor, installation: Installation, seller: LinkedSeller
) -> None:
    browser = visitor(seller_key)
    for token, shop_id, words in (
        ("a b", "shop-1", "A token is one line"), ("トークン", "shop-1", "A token is one line"),
        ("", "shop-1", "A token is one line"), ("token-1", "", "Give the shop id"),
    ):  # fmt: skip
        wrong = send(browser, action="mercari", access_token=token, shop_id=shop_id)
        assert (wrong.status_code, words in wrong.text) == (422, True)
    kept = installation.secrets.find(seller.seller_id, "mercari_access_token")
    assert kept not in ("token-1", "a b")
    made = send(browser, action="mercari", access_token=" canary-token ", shop_id="shop-1")
    assert (made.status_code, made.headers["location"]) == (303, f"{PAGE}#mercari")
    assert installation.secrets.find(seller.seller_id, "mercari_access_token") == "canary-token"
    assert "canary-token" not in browser.get(PAGE).text


def test_the_page_tells_how_amazon_is_linked(
    seller_key: str, visitor: Visitor, desk: WebDesk, seller: LinkedSeller, consented: Consented,
    head: Callable[[], int],
) -> None:  # fmt: skip
    browser = visitor(seller_key)
    assert "Linked</span>" in browser.get(PAGE).text
    SyncScene(desk, seller.seller_id).pause("amazon", "E-401")
    assert "Permission taken back" in browser.get(PAGE).text
    browser.get(consented(send(browser, action="amazon").headers["location"]))
    caught_up(desk, head())
    assert "Linked again, tried with the next call" in browser.get(PAGE).text


def caught_up(desk: Desk, position: int) -> None:
    ends_at = time.monotonic() + 5
    while desk.position() < position:
        assert time.monotonic() < ends_at
        time.sleep(0.02)


# --- over JSON, and on the command line ---------------------------------------------------------


def test_the_route_asks_for_consent_without_a_token_and_refuses_what_is_neither(
    client: httpx.Client, sandbox: SandboxServer
) -> None:
    asked = client.post("/v1/sellers/me/amazon-link", json={})
    assert asked.status_code == 202
    assert asked.json()["consent_url"].startswith(f"{sandbox.url}/apps/authorize/consent?")
    assert {*asked.json()} == {"consent_url", "expires_at"}
    for wrong in ({"refresh_token": None}, {"refresh_token": ""}, {"refreshToken": "canary"}):
        answer = client.post("/v1/sellers/me/amazon-link", json=wrong)
        assert (answer.status_code, "canary" in answer.text) == (422, False)
    odd = client.post("/v1/sellers/me/amazon-link", json={"refresh_token": "canary token"})
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "refresh_token")
    assert "canary" not in odd.text


def test_one_seller_cannot_ask_for_another_and_me_is_nobody_for_staff(
    client: httpx.Client, neighbour_bearer: dict[str, str], seller: LinkedSeller,
    installation: Installation,
) -> None:  # fmt: skip
    path = f"/v1/sellers/{public_id('sel', seller.seller_id)}/amazon-link"
    assert client.post(path, json={}, headers=neighbour_bearer).status_code == 404
    staff = {"Authorization": f"Bearer {installation.api_keys.create('admin', None, 't')[1]}"}
    answer = client.post("/v1/sellers/me/amazon-link", json={}, headers=staff)
    assert (answer.status_code, answer.json()["code"]) == (422, "seller-required")
    assert client.post(path, json={}, headers=staff).status_code == 202


def test_nothing_secret_is_in_an_answer_a_log_a_fact_or_a_table(
    client: httpx.Client, visitor: Visitor, consented: Consented, database_url: str,
    caplog: pytest.LogCaptureFixture, installation: Installation, seller: LinkedSeller,
) -> None:  # fmt: skip
    consent = client.post("/v1/sellers/me/amazon-link", json={}).json()
    back = consented(consent["consent_url"])
    for ours in ("httpx", "httpcore"):  # the browser's own log holds the address
        caplog.set_level(logging.WARNING, logger=ours)
    caplog.set_level(logging.DEBUG)
    answers = [visitor().get(back).text, visitor().get(back).text]
    answers += [client.get("/v1/sellers/me").text, client.get("/v1/audit-trail?limit=200").text]
    secrets = dict(part.split("=") for part in back.partition("?")[2].split("&"))
    token = installation.secrets.find(seller.seller_id, "amazon_refresh_token")
    assert token
    with psycopg.connect(database_url) as admin:
        facts = admin.execute("SELECT convert_from(state, 'UTF8') FROM cell_1.asin_sync_events")
        told = [
            *answers,
            *(row[0] for row in facts),
            *(each.getMessage() for each in caplog.records),
        ]
        told += [row[0] for row in admin.execute("SELECT c::text FROM asin_sync.consent c")]
    for canary in (secrets["state"], secrets["spapi_oauth_code"], token):
        assert [text for text in told if canary in text] == []


Run = Callable[..., Result]


@pytest.fixture
def run(address: str, seller_key: str) -> Iterator[Run]:
    commands, runner = typer.Typer(), CliRunner()
    add_seller_links(commands, lambda: Server(address, seller_key))
    yield lambda *arguments, **options: runner.invoke(commands, list(arguments), **options)
    gc.collect()


def test_the_command_waits_until_amazon_is_linked_anew(
    run: Run, consented: Consented, address: str, client: httpx.Client
) -> None:
    before = client.get("/v1/sellers/me").json()["amazon_linked_at"]
    printed = json.loads(run("link-amazon", "--json").stdout)
    held: list[Result] = []
    waiting = threading.Thread(target=lambda: held.append(run("link-amazon", "--wait", "--json")))
    waiting.start()
    time.sleep(1.5)
    assert httpx.get(address + consented(printed["consent_url"])).status_code == 200
    waiting.join(20)
    assert held[0].exit_code == Exit.OK, held[0].stderr
    asked, linked = map(json.loads, held[0].stdout.splitlines())
    assert asked["consent_url"] != printed["consent_url"]
    assert linked["amazon_linked_at"] > before
    assert "Amazon is linked since" in held[0].stderr


def test_tokens_are_read_from_a_file_or_from_standard_input(
    run: Run, tmp_path: Path, installation: Installation, seller: LinkedSeller
) -> None:
    file = tmp_path / "token"
    file.write_text("Atzr|from-a-file\n", "utf-8")
    assert run("link-amazon", "--refresh-token-file", str(file)).exit_code == Exit.OK
    assert installation.secrets.find(seller.seller_id, "amazon_refresh_token") == "Atzr|from-a-file"
    given = run("link-mercari", "--token-file", "-", "--shop-id", "s-1", input="shop-token\n")
    assert given.exit_code == Exit.OK
    assert installation.secrets.find(seller.seller_id, "mercari_access_token") == "shop-token"
    file.write_bytes(b"\xff\xfe two\nlines")
    wrong = run("link-amazon", "--refresh-token-file", str(file))
    assert (wrong.exit_code, "A token is one line" in wrong.stderr) == (Exit.FAILED, True)
    assert run("link-amazon", "--refresh-token-file", "/nowhere/at/all").exit_code == 2
    assert json.loads(run("show").stdout)["id"] == public_id("sel", seller.seller_id)


@pytest.fixture
def drive(sandbox: SandboxServer, address: str, seller_key: str) -> Iterator[Run]:
    """The sandbox's own commands."""
    commands, runner = typer.Typer(), CliRunner()
    add_sandbox_commands(commands, lambda: sandbox.url, lambda: Server(address, seller_key))
    yield lambda *arguments: runner.invoke(commands, list(arguments))
    gc.collect()


def test_a_consent_is_asked_for_and_answered_without_a_browser(
    run: Run, drive: Run, desk: WebDesk, installation: Installation, address: str,
    seller: LinkedSeller,
) -> None:  # fmt: skip
    access = replace(consent_access(installation.settings), base_url=address)
    desk.consents = AmazonConsents(
        access, installation.database, installation.secrets, installation.api_keys,
        installation.app, desk.clock,
    )  # fmt: skip
    name = ("--seller", seller.name)
    refusals = (drive("consent", run("link-amazon").stdout.strip(), *name, "--deny"),
                drive("consent", "http://x/?state=1", *name))  # fmt: skip
    assert [each.exit_code for each in refusals] == [Exit.FAILED, Exit.FAILED]
    assert drive("consent-scope", "orders:read", *name).exit_code == Exit.OK
    broad = drive("consent", run("link-amazon").stdout.strip(), *name)
    assert json.loads(broad.stdout) == {"is_linked": False, "status": 409}
    drive("consent-scope", *name)
    drive("revoke", *name)
    linked = drive("consent", run("link-amazon").stdout.strip(), *name)
    assert (linked.exit_code, json.loads(linked.stdout)["is_linked"]) == (Exit.OK, True)
