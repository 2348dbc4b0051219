"""Sellers over HTTP: who may read and write for whom, secrets, settings, warranty."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import psycopg
import pytest

from api.ids import public_id
from infra.installation import Installation
from tests.sellers import LinkedSeller

# What each role gets: its own seller unnamed and named, another seller; writing for either;
# changing either's settings; switching a seller off. Staff keys are bound to no seller.
MATRIX = {
    "seller": (200, 200, 404, 202, 404, 202, 404, 403),
    "service": (200, 200, 404, 202, 404, 202, 404, 403),
    "support": (422, 200, 200, 403, 403, 403, 403, 403),
    "auditor": (422, 200, 200, 403, 403, 403, 403, 403),
    "reviewer": (422, 200, 200, 403, 403, 403, 403, 202),
    "admin": (422, 200, 200, 403, 403, 202, 202, 202),
}
OWN_ROLES = ("seller", "service")
DEFAULTS = {"brake_pct": 10, "hand_edited_price": "put_back", "last_units": 0}
SETTINGS = {"default_float_pct": 5, "reinstatement": "manual"}
WARRANTY = {
    "is_attested": True, "days": 14, "conditions": "開封後24時間以内にご連絡ください。",
    "remedy": "交換いたします。", "exclusions": "誤った使用は対象外です。",
}  # fmt: skip
TOKENS = ("Atzr-refresh-0123456789", "shop-access-9876543210")


@pytest.fixture
def url(seller: LinkedSeller) -> str:
    return f"/v1/sellers/{public_id('sel', seller.seller_id)}"


Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def bearer(installation: Installation) -> Bearer:
    """Headers with a new key of a role, for a seller or for none."""

    def headers(role: str, bound: LinkedSeller | None) -> dict[str, str]:
        seller_id = bound.seller_id if bound else None
        return {"Authorization": f"Bearer {installation.api_keys.create(role, seller_id, 't')[1]}"}

    return headers


def test_each_role_reads_and_writes_what_the_table_says(
    client: httpx.Client, seller: LinkedSeller, neighbour: LinkedSeller, bearer: Bearer
) -> None:
    own, foreign = (public_id("sel", each.seller_id) for each in (seller, neighbour))
    for role, expected in MATRIX.items():
        key = bearer(role, seller if role in OWN_ROLES else None)
        asked = [
            ("GET", "/v1/bindings", None),
            ("GET", f"/v1/bindings?seller_id={own}", None),
            ("GET", f"/v1/bindings?seller_id={foreign}", None),
            ("POST", f"/v1/sweeps?seller_id={own}", {}),
            ("POST", f"/v1/sweeps?seller_id={foreign}", {}),
            ("PUT", f"/v1/sellers/{own}/settings", SETTINGS),
            ("PUT", f"/v1/sellers/{foreign}/settings", SETTINGS),
            ("POST", f"/v1/sellers/{own}/review", {"decision": "approve"}),
        ]
        got = tuple(
            client.request(method, path, json=body, headers=key).status_code
            for method, path, body in asked
        )
        assert got == expected, role


def test_a_seller_reads_itself_and_no_other(
    client: httpx.Client, url: str, neighbour: LinkedSeller, bearer: Bearer
) -> None:
    shown = client.get(url).json()
    assert (shown["is_amazon_linked"], shown["is_sync_enabled"]) == (True, True)
    for role in OWN_ROLES:
        for tail in ("", "/settings", "/warranty"):
            foreign = client.get(url + tail, headers=bearer(role, neighbour))
            assert (foreign.status_code, foreign.json()["code"]) == (404, "not-found")


def test_a_key_of_a_seller_role_without_a_seller_opens_nothing(
    client: httpx.Client, url: str, bearer: Bearer
) -> None:
    for path in (url, f"{url}/settings", f"{url}/warranty", "/v1/bindings", "/v1/sync-log"):
        assert client.get(path, headers=bearer("seller", None)).status_code == 403, path
    put = client.put(f"{url}/settings", json=SETTINGS, headers=bearer("service", None))
    assert put.status_code == 403


def test_a_staff_key_that_is_bound_to_a_seller_sees_no_other(
    client: httpx.Client, url: str, neighbour: LinkedSeller, bearer: Bearer
) -> None:
    own = url.rpartition("/")[2]
    for role in ("support", "reviewer", "auditor", "admin"):
        key = bearer(role, neighbour)
        assert client.get(url, headers=key).status_code == 404
        assert client.get(f"/v1/sync-log?seller_id={own}", headers=key).status_code == 404
    put = client.put(f"{url}/settings", json=SETTINGS, headers=bearer("admin", neighbour))
    assert put.status_code == 404


def test_secrets_are_in_no_answer_and_in_no_fact(
    client: httpx.Client, url: str, database_url: str, head: Callable[[], int]
) -> None:
    amazon, mercari = TOKENS
    answers = [
        client.post(f"{url}/amazon-link", json={"refresh_token": amazon}),
        client.post(f"{url}/mercari-link", json={"access_token": mercari, "shop_id": "shop-1"}),
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    answers += [
        client.post(f"{url}/mercari-link", json={"access_token": mercari}),
        client.post(f"{url}/amazon-link", json={"refresh_token": amazon * 400}),
        client.get(url, params={"at_position": head()}),
        client.get("/v1/audit-trail?limit=200"),
        client.get("/v1/sync-log?limit=200"),
    ]
    assert [answer.status_code for answer in answers[2:4]] == [422, 422]
    with psycopg.connect(database_url) as admin:
        facts = admin.execute("SELECT convert_from(state, 'UTF8') FROM cell_1.asin_sync_events")
        told = [answer.text for answer in answers] + [row[0] for row in facts]
        stored = admin.execute("SELECT ciphertext FROM asin_sync.seller_secret").fetchall()
    for token in TOKENS:
        assert not [text for text in told if token in text]
        assert not [row for row in stored if token.encode() in row[0]]


def test_a_stored_token_is_the_one_that_was_given(
    client: httpx.Client, url: str, seller: LinkedSeller, installation: Installation
) -> None:
    client.post(f"{url}/amazon-link", json={"refresh_token": TOKENS[0]})
    assert installation.secrets.find(seller.seller_id, "amazon_refresh_token") == TOKENS[0]


def test_settings_stay_within_fifteen_percent(client: httpx.Client, url: str) -> None:
    for percent in (-15, 0, 7.25, 15):
        put = client.put(
            f"{url}/settings", json={"default_float_pct": percent, "reinstatement": "manual"}
        )
        assert put.status_code == 202
        query = {"at_position": put.json()["position"]}
        shown = client.get(f"{url}/settings", params=query).json()
        wanted = {**DEFAULTS, "default_float_pct": percent, "reinstatement": "manual"}
        assert {name: shown[name] for name in wanted} == wanted
    for wrong in (-15.01, 15.01, "x", None):
        put = client.put(
            f"{url}/settings", json={"default_float_pct": wrong, "reinstatement": "manual"}
        )
        assert put.status_code == 422, wrong
    odd = client.put(f"{url}/settings", json={**SETTINGS, "reinstatement": "sometimes"})
    assert odd.status_code == 422
    assert client.get(f"{url}/settings").json()["default_float_pct"] == 15


def test_a_guard_is_set_by_itself_and_refused_out_of_its_range(
    client: httpx.Client, url: str
) -> None:
    client.put(f"{url}/settings", json=SETTINGS)
    guards = {"brake_pct": 2.5, "hand_edited_price": "keep", "last_units": 3}
    for name, value in guards.items():
        put = client.put(f"{url}/settings", json={name: value})
        assert put.status_code == 202
    query = {"at_position": put.json()["position"]}
    assert (
        client.get(f"{url}/settings", params=query).json().items() >= {**SETTINGS, **guards}.items()
    )
    wrongs = (
        ("brake_pct", (0.99, 100.01, "x", None, "NaN")), ("last_units", (-1, 101, 1.5, None)),
        ("hand_edited_price", ("", "ask", None)),
    )  # fmt: skip
    for name, values in wrongs:
        for wrong in values:
            answer = client.put(f"{url}/settings", json={name: wrong})
            assert answer.status_code == 422, (name, wrong)
            assert answer.json()["errors"][0]["pointer"] == f"/body/{name}"
    assert client.get(f"{url}/settings").json().items() >= {**SETTINGS, **guards}.items()


def test_a_warranty_that_is_not_japanese_is_refused_naming_the_part(
    client: httpx.Client, url: str
) -> None:
    before = client.get(f"{url}/warranty").json()
    wrongs = {"conditions": "Tell us within a day.", "remedy": "", "exclusions": "不适用"}
    for part, text in wrongs.items():
        answer = client.put(f"{url}/warranty", json={**WARRANTY, part: text})
        assert (answer.status_code, answer.json()["code"]) == (422, "E-414")
        assert answer.json()["parts"] == [part]
        assert answer.json()["who_acts"] == "seller"
    assert client.put(f"{url}/warranty", json={**WARRANTY, "days": 0}).status_code == 422
    assert client.get(f"{url}/warranty").json() == before


def test_a_warranty_in_japanese_is_shown_as_listings_show_it(
    client: httpx.Client, url: str
) -> None:
    assert client.put(f"{url}/warranty", json=WARRANTY).status_code == 202
    shown = client.get(f"{url}/warranty").json()
    assert {name: shown[name] for name in WARRANTY if name != "is_attested"} == {
        name: value for name, value in WARRANTY.items() if name != "is_attested"
    }
    assert "初期不良保証期間:14日" in shown["text"]


def test_a_reviewer_switches_sync_off_and_on_again(
    client: httpx.Client, url: str, bearer: Bearer
) -> None:
    reviewer = bearer("reviewer", None)
    for decision, is_enabled in (("reject", False), ("approve", True)):
        body = {"decision": decision, "reason": "papers"}
        answer = client.post(f"{url}/review", json=body, headers=reviewer)
        query = {"at_position": answer.json()["position"]}
        assert client.get(url, params=query).json()["is_sync_enabled"] is is_enabled
        sweep = client.post("/v1/sweeps", json={})
        assert sweep.status_code == (202 if is_enabled else 403)
