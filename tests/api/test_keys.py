"""API keys over HTTP and as pages: made by the seller, shown once, revoked, each with its fact."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.desk import Desk
from api.ids import public_id
from domain.callers import OPEN_KEYS_MAX
from domain.error_codes import LANGUAGES
from domain.errors import KeyRefused
from infra.installation import Installation
from infra.key_commands import revoke
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

HEADINGS = {"zh": "有效的密钥", "ja": "有効なキー", "en": "Open keys"}
KEY = re.compile(r"abk_live_([0-9a-z]{12})_[0-9A-Za-z_-]{43}_[0-9a-f]{8}")


def make(client: httpx.Client, role: str = "service", label: str = "warehouse") -> httpx.Response:
    return client.post("/v1/keys", json={"role": role, "label": label})


def faults(answer: httpx.Response) -> tuple[int, list[str]]:
    """The status, and the fields that break a rule."""
    return answer.status_code, [each["field"] for each in answer.json()["errors"]]


def facts_about_keys(client: httpx.Client) -> list[str]:
    """The types of the last facts about keys, newest first."""
    items = client.get("/v1/audit-trail", params={"limit": 50}).json()["items"]
    return [each["type"] for each in items if each["type"].startswith("seller.key_")]


def test_a_key_is_shown_once_opens_its_own_seller_and_leaves_its_fact(
    client: httpx.Client, seller: LinkedSeller
) -> None:
    made = make(client, label=" warehouse ")
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    answer = made.json()
    own = {"Authorization": f"Bearer {answer['key']}"}
    [mine] = [
        each for each in client.get("/v1/keys", headers=own).json()["items"] if each["is_yours"]
    ]
    assert (mine["id"], mine["role"], mine["label"]) == (answer["id"], "service", "warehouse")
    listed = client.get("/v1/keys", params={"at_position": answer["position"]})
    assert answer["key"] not in listed.text
    assert facts_about_keys(client)[0] == "seller.key_issued"


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(client: httpx.Client) -> None:
    made = make(client).json()
    gone = client.delete(f"/v1/keys/{made['id']}")
    assert gone.status_code == 202
    own = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/v1/keys", headers=own).status_code == 401
    items = client.get("/v1/keys", params={"at_position": gone.json()["position"]}).json()["items"]
    [revoked] = [each for each in items if each["id"] == made["id"]]
    assert revoked["revoked_at"]
    assert facts_about_keys(client)[:2] == ["seller.key_revoked", "seller.key_issued"]
    assert client.delete(f"/v1/keys/{made['id']}").status_code == 404


@pytest.mark.parametrize("role", ["admin", "support", "reviewer", "auditor", "", "root"])
def test_a_seller_makes_no_key_of_staff(client: httpx.Client, role: str) -> None:
    assert faults(make(client, role)) == (422, ["role"])
    assert facts_about_keys(client) == []


@pytest.mark.parametrize("label", ["", "   ", "x" * 61, "a\nb", "\u202egnp"])
def test_a_label_has_to_be_read_by_people(client: httpx.Client, label: str) -> None:
    assert faults(make(client, label=label)) == (422, ["label"])


def test_there_are_at_most_twenty_open_keys(client: httpx.Client) -> None:
    have = len(client.get("/v1/keys").json()["items"])
    for number in range(have, OPEN_KEYS_MAX):
        assert make(client, label=f"program {number}").status_code == 201
    assert faults(make(client)) == (422, ["keys"])


def test_the_last_seller_key_ends_only_where_that_is_said(client: httpx.Client) -> None:
    [mine] = [each for each in client.get("/v1/keys").json()["items"] if each["is_yours"]]
    others = [
        each["id"] for each in client.get("/v1/keys").json()["items"]
        if each["role"] == "seller" and not each["is_yours"]
    ]  # fmt: skip
    for key_id in others:
        assert client.delete(f"/v1/keys/{key_id}").status_code == 202
    refused = client.delete(f"/v1/keys/{mine['id']}")
    assert faults(refused) == (422, ["key_id"])
    assert client.get("/v1/keys").status_code == 200
    assert client.delete(f"/v1/keys/{mine['id']}?even_if_last=true").status_code == 202
    assert client.get("/v1/keys").status_code == 401


def test_two_keys_that_revoke_each_other_at_once_leave_one(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    for each in desk.keys.all(seller.seller_id):
        desk.keys.revoke(each.key_id, seller.seller_id)
    pair = [desk.keys.create("seller", seller.seller_id, name) for name in ("one", "two")]

    def revoke(mine: tuple[str, str], other: tuple[str, str]) -> int:
        headers = {"Authorization": f"Bearer {mine[1]}"}
        return client.delete(f"/v1/keys/{other[0]}", headers=headers).status_code

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(revoke, pair, reversed(pair)))
    left = [each for each in desk.keys.all(seller.seller_id) if each.revoked_at is None]
    assert (len(left), told.count(202)) == (1, 1)


def test_programs_and_staff_make_no_keys_and_no_foreign_key_is_touched(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, neighbour_bearer: dict[str, str]
) -> None:
    program = {"Authorization": f"Bearer {make(client).json()['key']}"}
    staff = {"Authorization": f"Bearer {desk.keys.create('admin', None, 'desk')[1]}"}
    body = {"role": "service", "label": "x"}
    for headers in (program, staff):
        assert client.post("/v1/keys", json=body, headers=headers).status_code == 403
    [mine] = [each for each in client.get("/v1/keys").json()["items"] if each["is_yours"]]
    foreign = client.delete(f"/v1/keys/{mine['id']}", headers=neighbour_bearer)
    assert foreign.status_code == 404
    named = {"seller_id": public_id("sel", seller.seller_id)}
    assert client.get("/v1/keys", params=named, headers=staff).status_code == 200


# --- pages --------------------------------------------------------------------------------------


def send(browser: httpx.Client, **fields: str) -> httpx.Response:
    return browser.post(
        "/api-keys", data={"csrf": csrf_in(browser.get("/api-keys").text), **fields}
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_answers_in_each_language_and_is_in_the_navigation(
    seller_key: str, visitor: Visitor, language: str
) -> None:
    browser = visitor(seller_key)
    page = browser.get("/api-keys", headers={"accept-language": language})
    assert (page.status_code, HEADINGS[language] in page.text) == (200, True)
    assert 'href="/api-keys"' in browser.get("/").text


def test_the_page_shows_a_new_key_in_its_answer_alone_and_revokes_it_after_asking(
    seller_key: str, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    made = send(browser, role="service", label="倉庫")
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    found = KEY.search(made.text)
    assert found
    assert not KEY.search(browser.get("/api-keys").text)
    address = f"/api-keys/{found[1]}/revoke"
    asking = browser.get(address)
    assert "倉庫" in asking.text
    assert "even_if_last" not in asking.text
    assert browser.post(address, data={"csrf": csrf_in(asking.text)}).status_code == 303
    assert browser.get(address).status_code == 404
    assert "Revoked keys" in browser.get("/api-keys").text


def test_what_was_wrong_with_a_key_is_said_in_the_form(seller_key: str, visitor: Visitor) -> None:
    answer = send(visitor(seller_key), role="admin", label="<b>" * 21)
    assert answer.status_code == 422
    assert "roles seller (for people) and service" in answer.text
    assert "1 to 60 visible characters" in answer.text
    assert "&lt;b&gt;" in answer.text


def test_the_last_key_of_the_page_asks_twice_and_then_signs_out(
    visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    for each in desk.keys.all(seller.seller_id):
        desk.keys.revoke(each.key_id, seller.seller_id)
    key_id, key = desk.keys.create("seller", seller.seller_id, "only")
    browser = visitor(key)
    address = f"/api-keys/{key_id}/revoke"
    asking = browser.get(address).text
    assert "the last open seller key" in asking
    assert "you are signed in with" in asking
    refused = browser.post(address, data={"csrf": csrf_in(asking)})
    assert (refused.status_code, "say that it shall be revoked" in refused.text) == (422, True)
    told = browser.post(address, data={"csrf": csrf_in(asking), "even_if_last": "yes"})
    assert told.headers["location"] == "/sign-in"
    assert desk.keys.by_id(key_id) is None


def test_a_form_from_elsewhere_changes_nothing_and_staff_only_look(
    seller_key: str, visitor: Visitor, desk: Desk, seller: LinkedSeller
) -> None:
    before = desk.keys.all(seller.seller_id)
    forged = visitor(seller_key).post("/api-keys", data={"role": "service", "label": "x"})
    assert forged.headers["location"].startswith("/sign-in")
    staff = visitor(desk.keys.create("support", None, "desk")[1])
    named = {"seller_id": public_id("sel", seller.seller_id)}
    page = staff.get("/api-keys", params=named)
    assert (page.status_code, 'action="/api-keys"' in page.text) == (200, False)
    refused = staff.get(f"/api-keys/{before[0].key_id}/revoke", params=named)
    assert refused.status_code == 403
    assert [each.key_id for each in desk.keys.all(seller.seller_id)] == [
        each.key_id for each in before
    ]


def test_an_operator_too_has_to_say_so_before_the_last_key_is_closed(
    installation: Installation, desk: Desk, seller: LinkedSeller, seller_key: str
) -> None:
    [key_id] = [each.key_id for each in desk.keys.all(seller.seller_id)]
    with pytest.raises(KeyRefused):
        revoke(installation, key_id, desk.clock)
    assert desk.keys.caller(seller_key) is not None
    assert revoke(installation, key_id, desk.clock, may_be_last=True)
    assert desk.keys.caller(seller_key) is None


def test_a_key_says_when_it_was_last_used_and_a_wrong_secret_is_no_use(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    made = make(client).json()
    wrong = made["key"][:-9] + "00000000"
    assert client.get("/v1/keys", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401
    used = {each["id"]: each["last_used_at"] for each in client.get("/v1/keys").json()["items"]}
    assert used.pop(made["id"]) is None
    assert all(used.values())
