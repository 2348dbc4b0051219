"""Arbitrage over HTTP, on the reviewers' page and on the command line."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

import main
from api.cli.arbitrage import add_arbitrage
from api.cli.client import Exit, Server
from api.desk import Desk
from api.ids import public_id
from domain.application import acting_for
from domain.arbitrage import ArbitrageSuspected, Evidence
from domain.asin_binding.facts import ListingConfirmed
from domain.error_codes import LANGUAGES
from domain.ports import MercariListing
from domain.values import binding_id_of, sku_code_of
from infra.installation import Installation
from infra.web_desk import WebDesk
from tests.api.page_data import TITLE, listed_binding, record, stamp
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

ASIN = "B0RESOLD01"
WORDS = "the records show a purchase on Amazon: canary-4711"
CONFIRM = {"decision": "confirm", "cause": "bought_on_amazon", "reason": WORDS}
DISMISS = {"decision": "dismiss", "cause": "own_stock_proved", "reason": WORDS}
Bearer = Callable[[str], dict[str, str]]


@pytest.fixture
def bearer(installation: Installation, seller: LinkedSeller) -> Bearer:
    """Headers with a new key of a role."""

    def headers(role: str) -> dict[str, str]:
        bound = seller.seller_id if role in ("seller", "service") else None
        return {"Authorization": f"Bearer {installation.api_keys.create(role, bound, 't')[1]}"}

    return headers


@pytest.fixture
def url(seller: LinkedSeller) -> str:
    return f"/v1/sellers/{public_id('sel', seller.seller_id)}"


def suspect(desk: Desk, seller_id: UUID, asin: str = ASIN) -> str:
    """A listing at ¥12,000 over ¥9,100 on Amazon for four days, and the suspicion; its id."""
    listed_binding(desk, seller_id, asin)
    binding_id, now = binding_id_of(seller_id, asin), datetime.now(UTC)
    shown = MercariListing(
        listing_id="m1", sku_code=sku_code_of(asin, binding_id), title=TITLE, price_jpy=12_000,
        stock=4, is_on_sale=True, observed_at=now,
    )  # fmt: skip
    seen = ListingConfirmed(stamp=stamp(), effect="seen", listing=shown)
    record(desk, seller_id, binding_id, 5, [seen])
    evidence = Evidence(
        binding_id=binding_id, asin=asin, since=now - timedelta(days=4), amazon_price_jpy=9_100,
        shown_price_jpy=12_000, positions=(3, 4),
    )  # fmt: skip
    fact = ArbitrageSuspected(
        stamp=stamp(), suspicion_id=uuid4(), rule="price_above_policy", evidence=(evidence,)
    )
    with acting_for(seller_id):
        version = desk.app.seller(seller_id).version
    record(desk, seller_id, seller_id, version, [fact])
    return public_id("sus", fact.suspicion_id)


@pytest.fixture
def suspicion(desk: WebDesk, seller: LinkedSeller) -> str:
    return suspect(desk, seller.seller_id)


def test_the_seller_sees_what_it_is_about_and_a_reviewer_everything(
    client: httpx.Client, url: str, suspicion: str, bearer: Bearer
) -> None:
    shown = client.get(f"{url}/arbitrage").json()
    (mine,) = shown["suspicions"]
    assert (mine["id"], mine["rule"], mine["state"]) == (suspicion, "price_above_policy", "open")
    assert mine["evidence"][0] | {"since": ""} == {
        "binding_id": mine["evidence"][0]["binding_id"], "asin": ASIN, "since": "",
        "amazon_price_jpy": 9_100, "shown_price_jpy": 12_000,
    }  # fmt: skip
    assert (shown["is_terminated"], shown["listings_on_sale"]) == (False, 1)
    assert "ticket" in shown["suggested_action"]
    reviewer = bearer("reviewer")
    body = {"suspicion_id": suspicion, **DISMISS}
    assert client.post(f"{url}/arbitrage-review", json=body, headers=reviewer).status_code == 202
    (theirs,) = client.get(f"{url}/arbitrage", headers=reviewer).json()["suspicions"]
    assert theirs["evidence"][0]["positions"] == [3, 4]
    assert (theirs["state"], theirs["cause"], theirs["reason"]) == (
        "dismissed", "own_stock_proved", WORDS,
    )  # fmt: skip
    (mine,) = client.get(f"{url}/arbitrage").json()["suspicions"]
    assert mine["state"] == "dismissed"
    assert {"reason", "decided_by", "cause"} & set(mine) == set()


@pytest.mark.parametrize("role", ["seller", "service", "support", "auditor"])
def test_only_reviewers_and_admins_decide(
    client: httpx.Client, url: str, suspicion: str, bearer: Bearer, role: str
) -> None:
    body = {"suspicion_id": suspicion, **CONFIRM}
    key = bearer(role)
    assert client.post(f"{url}/arbitrage-review", json=body, headers=key).status_code == 403
    ended = {"cause": "fraud", "reason": WORDS}
    assert client.post(f"{url}/termination", json=ended, headers=key).status_code == 403
    assert not client.get(f"{url}/arbitrage").json()["is_terminated"]


def test_a_confirmation_ends_the_status_and_everything_but_reading_is_refused(
    client: httpx.Client, url: str, suspicion: str, bearer: Bearer, seller: LinkedSeller,
    installation: Installation, desk: WebDesk,
) -> None:  # fmt: skip
    token = installation.secrets.find(seller.seller_id, "amazon_refresh_token")
    body = {"suspicion_id": suspicion, **CONFIRM}
    admin = bearer("admin")
    answer = client.post(f"{url}/arbitrage-review", json=body, headers=admin)
    assert answer.status_code == 202
    binding = client.get("/v1/bindings").json()["items"][0]
    link, kept = f"{url}/amazon-link", {"refresh_token": "Atzr-another"}
    settings, sweep = {"last_units": 1}, {"kind": "status"}
    file = {"file": ("a.csv", b"asin,mercari_category_id\nB0RESOLD02,c\n", "text/csv")}
    refused = [
        client.post("/v1/submissions", files=file), client.post("/v1/sweeps", json=sweep),
        client.put(f"{url}/settings", json=settings), client.post(link, json=kept),
        client.post(f"{url}/review", json={"decision": "approve"}, headers=admin),
        client.post(
            f"/v1/bindings/{binding['id']}/resubmit",
            headers={"If-Match": f'"v{binding["version"]}"'},
        ),
    ]  # fmt: skip
    assert [(each.status_code, each.json()["code"]) for each in refused] == [(403, "E-415")] * 6
    assert installation.secrets.find(seller.seller_id, "amazon_refresh_token") == token
    for path in ("/v1/bindings", "/v1/sync-log", "/v1/health-score", url, f"{url}/arbitrage"):
        assert client.get(path).status_code == 200
    shown = client.get(f"{url}/arbitrage", params={"at_position": answer.json()["position"]}).json()
    assert (shown["is_terminated"], shown["termination"]["cause"]) == (True, "arbitrage")
    assert "by" not in shown["termination"]
    assert client.get(url).json()["is_sync_enabled"] is False


def test_what_a_reviewer_wrote_is_in_no_row_of_the_log(
    client: httpx.Client, url: str, suspicion: str, bearer: Bearer, database_url: str
) -> None:
    body = {"suspicion_id": suspicion, **CONFIRM}
    client.post(f"{url}/arbitrage-review", json=body, headers=bearer("reviewer"))
    with psycopg.connect(database_url) as admin:
        rows = admin.execute("SELECT convert_from(state, 'UTF8') FROM cell_1.asin_sync_events")
        texts = [state for (state,) in rows]
    assert any('"cause":"bought_on_amazon"' in text for text in texts)
    assert not [text for text in texts if "canary-4711" in text]
    assert "canary-4711" not in client.get("/v1/events?limit=200").text


def test_of_two_reviewers_at_once_one_wins_and_the_other_is_told_who_and_when(
    client: httpx.Client, url: str, suspicion: str, bearer: Bearer
) -> None:
    def post(decision: dict[str, str]) -> httpx.Response:
        body = {"suspicion_id": suspicion, **decision}
        return client.post(f"{url}/arbitrage-review", json=body, headers=bearer("reviewer"))

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(post, (DISMISS, CONFIRM)))
    (lost,) = [each.json() for each in answers if each.status_code == 409]
    assert sorted(each.status_code for each in answers) == [202, 409]
    assert lost["code"] == "wrong-state"
    assert lost["decision"] in lost["detail"]
    assert lost["decided_by"] in lost["detail"]
    assert datetime.fromisoformat(lost["decided_at"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"suspicion_id": public_id("sus", UUID(int=1))}, 404, None),
        ({"suspicion_id": "sel_1_" + "0" * 32}, 404, None),
        ({"cause": "own_stock_proved"}, 422, "cause"),
        ({"cause": "'; DROP TABLE"}, 422, "cause"),
        ({"reason": "  \n "}, 422, "reason"),
        ({"reason": "x" * 2_001}, 422, "reason"),
        ({"decision": "maybe"}, 422, "decision"),
    ],
)
def test_a_decision_that_can_not_be_taken_says_what_would_do_and_changes_nothing(
    client: httpx.Client, url: str, suspicion: str, bearer: Bearer, changes: dict[str, str],
    status: int, field: str | None,
) -> None:  # fmt: skip
    body = {"suspicion_id": suspicion, **CONFIRM, **changes}
    for language in LANGUAGES:
        headers = bearer("reviewer") | {"Accept-Language": language}
        answer = client.post(f"{url}/arbitrage-review", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        if field:
            (error,) = answer.json()["errors"]
            assert error["field"] == field
    assert [each["state"] for each in client.get(f"{url}/arbitrage").json()["suspicions"]] == [
        "open"
    ]


def test_a_suspicion_of_another_seller_is_unknown_here(
    client: httpx.Client, neighbour: LinkedSeller, suspicion: str, bearer: Bearer, url: str
) -> None:
    other = f"/v1/sellers/{public_id('sel', neighbour.seller_id)}"
    body = {"suspicion_id": suspicion, **CONFIRM}
    reviewer = bearer("reviewer")
    assert client.post(f"{other}/arbitrage-review", json=body, headers=reviewer).status_code == 404
    assert client.get(f"{other}/arbitrage").status_code == 404
    nobody = f"/v1/sellers/{public_id('sel', UUID(int=5))}"
    assert client.get(f"{nobody}/arbitrage", headers=reviewer).status_code == 404
    ended = {"cause": "fraud", "reason": WORDS}
    answer = client.post(f"{nobody}/termination", json=ended, headers=bearer("admin"))
    assert answer.status_code == 404
    assert not client.get(f"{url}/arbitrage").json()["is_terminated"]


def test_a_reviewer_terminates_only_after_a_confirmation_and_an_admin_once(
    client: httpx.Client, url: str, bearer: Bearer
) -> None:
    ended = {"cause": "request_of_mercari", "reason": WORDS}
    refused = client.post(f"{url}/termination", json=ended, headers=bearer("reviewer"))
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong-state")
    admin = bearer("admin")
    whim = client.post(f"{url}/termination", json=ended | {"cause": "whim"}, headers=admin)
    assert (whim.status_code, whim.json()["errors"][0]["field"]) == (422, "cause")
    first = client.post(f"{url}/termination", json=ended, headers=admin).json()["position"]
    again = {"cause": "fraud", "reason": "another"}
    assert client.post(f"{url}/termination", json=again, headers=admin).status_code == 202
    shown = client.get(f"{url}/arbitrage", params={"at_position": first}, headers=admin).json()
    assert (shown["termination"]["cause"], shown["termination"]["reason"]) == (
        "request_of_mercari", WORDS,
    )  # fmt: skip


# --- the pages ----------------------------------------------------------------------------------


@pytest.fixture
def reviewer(visitor: Visitor, installation: Installation) -> httpx.Client:
    return visitor(installation.api_keys.create("reviewer", None, "t")[1])


def test_a_reviewer_sees_the_open_suspicions_of_every_seller_with_their_prices(
    reviewer: httpx.Client, desk: WebDesk, suspicion: str, neighbour: LinkedSeller
) -> None:
    other = suspect(desk, neighbour.seller_id, "B0RESOLD02")
    html = reviewer.get("/review/arbitrage").text
    assert all(each in html for each in ('action="/sign-out"', 'href="/review"', 'class="sandbox"'))
    assert html.index(suspicion) < html.index(other)
    assert html.count('<polyline class="shown"') == 2
    assert neighbour.name in html
    assert "¥12,000" in html
    for language in ("zh", "ja"):
        told = reviewer.get(f"/review/arbitrage?lang={language}")
        assert told.status_code == 200
        assert "Suspicions of arbitrage" not in told.text


def test_the_form_dismisses_and_the_next_reviewer_is_told(
    reviewer: httpx.Client, suspicion: str, seller: LinkedSeller, client: httpx.Client, url: str
) -> None:
    form = {
        "csrf": csrf_in(reviewer.get("/review/arbitrage").text), "suspicion_id": suspicion,
        "seller_id": public_id("sel", seller.seller_id), **DISMISS,
    }  # fmt: skip
    assert reviewer.post("/review/arbitrage", data=form | {"csrf": "x"}).status_code == 303
    assert client.get(f"{url}/arbitrage").json()["suspicions"][0]["state"] == "open"
    blank = reviewer.post("/review/arbitrage", data=form | {"reason": " "})
    assert (blank.status_code, "2,000" in blank.text) == (409, True)
    answer = reviewer.post("/review/arbitrage", data=form)
    assert (answer.status_code, answer.headers["location"]) == (
        303, "/review/arbitrage?done=dismiss",
    )  # fmt: skip
    assert suspicion not in reviewer.get("/review/arbitrage").text
    late = reviewer.post("/review/arbitrage", data=form | CONFIRM)
    assert late.status_code == 409
    assert client.get(f"{url}/arbitrage").json()["suspicions"][0]["state"] == "dismissed"


def test_nobody_but_a_reviewer_sees_that_page(
    visitor: Visitor, installation: Installation, seller_key: str, suspicion: str
) -> None:
    assert visitor().get("/review/arbitrage").status_code == 303
    assert visitor(seller_key).get("/review/arbitrage").status_code == 403
    support = visitor(installation.api_keys.create("support", None, "t")[1])
    assert support.get("/review/arbitrage").status_code == 403


def test_every_page_of_a_terminated_seller_says_so(
    visitor: Visitor, seller_key: str, client: httpx.Client, url: str, suspicion: str,
    bearer: Bearer, desk: WebDesk,
) -> None:  # fmt: skip
    mine = visitor(seller_key)
    pages = ("/", "/sync-log", "/bindings", "/stock-alerts", "/upload", "/pricing-rules",
             "/webhooks")  # fmt: skip
    said = {"en": "ended for good", "zh": "永久终止", "ja": "永久に取り消されました"}
    assert all('class="ended"' not in mine.get(page).text for page in pages)
    body = {"suspicion_id": suspicion, **CONFIRM}
    answer = client.post(f"{url}/arbitrage-review", json=body, headers=bearer("reviewer"))
    while desk.position() < answer.json()["position"]:
        continue
    for language, words in said.items():
        for page in pages:
            html = mine.get(page, params={"lang": language})
            assert (html.status_code, html.text.count('class="ended"')) == (200, 1), page
            assert words in html.text


# --- the command line ---------------------------------------------------------------------------

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
Run = Callable[..., Result]


@pytest.fixture
def run(address: str, installation: Installation) -> Iterator[Run]:
    """Runs commands of the group `seller` with a key of a role."""

    def running(role: str, *arguments: str, **options: Any) -> Result:
        key = installation.api_keys.create(role, None, "t")[1]
        group = typer.Typer()
        add_arbitrage(group, lambda: Server(address, key))
        return CliRunner().invoke(group, list(arguments), **options)

    yield running
    gc.collect()


def test_the_commands_show_ask_and_follow_until_all_is_off_sale(
    run: Run, seller: LinkedSeller, suspicion: str
) -> None:
    name = public_id("sel", seller.seller_id)
    assert run("reviewer", "arbitrage", name).exit_code == Exit.NOT_ALLOWED
    why = ("--reason", "a suspicion is to be judged")
    shown = run("reviewer", "arbitrage", name, *why)
    assert (ASIN in shown.stdout, suspicion in shown.stdout) == (True, True)
    assert (
        json.loads(run("reviewer", "arbitrage", name, *why, "--json").stdout)["bindings_left"] == 1
    )
    asked = run("admin", "terminate", name, "--cause", "fraud", "--reason", WORDS, input="n\n")
    assert asked.exit_code == 1
    assert "1 listings" in asked.stderr.replace("\n", " ")
    assert "no suspicion" not in run("reviewer", "arbitrage", name, *why).stdout
    refused = run("reviewer", "terminate", name, "--cause", "fraud", "--reason", WORDS, "--yes")
    assert refused.exit_code == Exit.CONFLICT
    done = run("reviewer", "arbitrage-review", name, suspicion, "confirm", "--reason", WORDS,
               "--yes", "--no-wait")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "terminated for good" in run("reviewer", "arbitrage", name, *why).stdout


def test_the_commands_are_in_the_group_seller() -> None:
    told = CliRunner().invoke(main.cli, ["seller", "--help"]).stdout
    assert all(name in told for name in ("arbitrage", "arbitrage-review", "terminate"))
