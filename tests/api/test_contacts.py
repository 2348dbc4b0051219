"""Contacts over HTTP and by the form: kept, replaced, deleted, refused; nobody else's business."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from api.desk import Desk
from api.ids import public_id
from domain.error_codes import LANGUAGES
from infra.installation import Installation
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

AKI = {"email": "aki@shop.example", "language": "ja", "topics": ["stock", "brake"]}
CHEN = {"email": "chen@shop.example", "language": "zh", "topics": ["stock"]}
INJECTED = "aki@shop.example\r\nBcc: all@rival.example"


@pytest.fixture
def url(seller: LinkedSeller) -> str:
    return f"/v1/sellers/{public_id('sel', seller.seller_id)}/contacts"


def kept(client: httpx.Client, url: str) -> list[dict]:
    names = ("email", "language", "topics")
    return [{name: each[name] for name in names} for each in client.get(url).json()["items"]]


def test_contacts_are_replaced_whole_and_say_whether_mail_is_on(
    client: httpx.Client, url: str
) -> None:
    empty = client.get(url).json()
    assert (empty["is_mail_on"], empty["items"]) == (False, [])
    answer = client.put(url, json={"contacts": [AKI, CHEN]})
    assert (answer.status_code, answer.json()["items"][0]["last_sent_at"]) == (200, None)
    assert sorted(kept(client, url), key=lambda it: it["email"]) == [AKI, CHEN]
    client.put(url, json={"contacts": [{**AKI, "language": "en"}]})
    assert kept(client, url) == [{**AKI, "language": "en"}]
    client.put(url, json={"contacts": []})
    assert kept(client, url) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bad_contact_is_refused_whole_naming_the_part_in_the_reader_s_language(
    client: httpx.Client, url: str, language: str
) -> None:
    client.put(url, json={"contacts": [CHEN]})
    wrongs = (
        ("contacts/1/email", {**AKI, "email": INJECTED}),
        ("contacts/1/email", {**AKI, "email": "aki"}),
        ("contacts/1/language", {**AKI, "language": "fr"}),
        ("contacts/1/topics", {**AKI, "topics": ["rivals"]}),
        ("contacts/1/topics", {**AKI, "topics": []}),
        ("email", {**AKI, "email": "CHEN@shop.example"}),
    )  # fmt: skip
    texts = set()
    for field, wrong in wrongs:
        answer = client.put(
            url, json={"contacts": [CHEN, wrong]}, headers={"Accept-Language": language}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request"), wrong
        [error] = answer.json()["errors"]
        assert error["field"] == field
        texts.add(error["detail"])
    assert len(texts) == 4
    for odd in ({"contacts": None}, {}, {"contacts": [{"email": "x" * 400}]}):
        assert client.put(url, json=odd).status_code == 422
    eleven = [{**AKI, "email": f"a{n}@shop.example"} for n in range(11)]
    assert client.put(url, json={"contacts": eleven}).status_code == 422
    assert kept(client, url) == [CHEN]


def test_only_the_seller_and_an_admin_see_or_change_them(
    client: httpx.Client, url: str, installation: Installation, neighbour_bearer: dict[str, str]
) -> None:
    client.put(url, json={"contacts": [AKI]})
    statuses = {}
    for role in ("support", "auditor", "reviewer", "admin"):
        key = installation.api_keys.create(role, None, "t")[1]  # type: ignore[arg-type]
        headers = {"Authorization": f"Bearer {key}"}
        read, written = (
            client.get(url, headers=headers),
            client.put(url, headers=headers, json={"contacts": [AKI]}),
        )
        statuses[role] = (read.status_code, written.status_code)
        assert (AKI["email"] in read.text) == (role == "admin")
    assert statuses == {
        "support": (403, 403), "auditor": (403, 403), "reviewer": (403, 403), "admin": (200, 200),
    }  # fmt: skip
    assert client.get(url, headers=neighbour_bearer).status_code == 404
    assert client.put(url, headers=neighbour_bearer, json={"contacts": []}).status_code == 404
    assert kept(client, url) == [AKI]


def test_no_address_is_ever_in_the_log_of_facts(
    client: httpx.Client, url: str, database_url: str
) -> None:
    client.put(url, json={"contacts": [AKI]})
    client.put(url, json={"contacts": []})
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT state FROM cell_1.asin_sync_events").fetchall()
        left = connection.execute("SELECT count(*) FROM asin_sync.contact").fetchone()
    assert not [row for row in rows if b"aki@" in bytes(row[0])]
    assert left == (0,)


def test_a_form_adds_and_removes_an_address_without_a_script(
    desk: Desk, client: httpx.Client, url: str, seller_key: str, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    page = browser.get("/stock-alerts?lang=en").text
    assert "no mail server" in page
    data = {"csrf": csrf_in(page), "action": "add", **AKI}
    sent = browser.post("/stock-alerts/contacts", data=data)
    assert (sent.status_code, sent.headers["location"]) == (303, "/stock-alerts#contacts")
    assert AKI["email"] in browser.get("/stock-alerts?lang=en").text
    assert kept(client, url) == [AKI]
    for wrong in ({"email": INJECTED}, {"topics": []}, {"language": "fr"}):
        refused = browser.post("/stock-alerts/contacts", data={**data, **wrong})
        assert refused.status_code == 409, wrong
    assert browser.post("/stock-alerts/contacts", data={**data, "csrf": ""}).status_code == 303
    crossing = browser.post(
        "/stock-alerts/contacts", data={**data, "email": "x@y.jp"},
        headers={"origin": "https://evil.example"},
    )  # fmt: skip
    assert crossing.headers["location"].startswith("/sign-in")
    assert kept(client, url) == [AKI]
    browser.post("/stock-alerts/contacts", data={**data, "action": "remove"})
    assert kept(client, url) == []


def test_staff_see_the_alerts_of_a_seller_and_no_address(
    desk: Desk, client: httpx.Client, url: str, seller: LinkedSeller, visitor: Visitor
) -> None:
    client.put(url, json={"contacts": [AKI]})
    browser = visitor(desk.keys.create("support", None, "desk")[1])
    named = public_id("sel", seller.seller_id)
    page = browser.get(f"/stock-alerts?seller_id={named}")
    assert page.status_code == 200
    assert AKI["email"] not in page.text
    data = {"csrf": csrf_in(page.text), "action": "remove", **AKI}
    path = f"/stock-alerts/contacts?seller_id={named}"
    assert browser.post(path, data=data).status_code == 403
