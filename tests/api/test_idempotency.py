"""Idempotency-Key: whatever is sent again under a key is done once and answered as it was."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from api.desk import Desk
from domain.application import acting_for
from domain.values import binding_id_of
from tests.api.page_data import listed_binding
from tests.api.test_problems import assert_problem
from tests.sellers import LinkedSeller

ASIN = "B0ONCE0001"
KEY = {"Idempotency-Key": "order 42"}
TICKET = {"subject": "Suspended", "text": "Why was it suspended?"}
ROWS = {"rows": [{"asin": "B0TESTAA01", "mercari_category_id": "sbx-01"}]}


def is_replayed(answer: httpx.Response) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


@pytest.fixture
def binding(desk: Desk, seller: LinkedSeller) -> str:
    return f"/v1/bindings/{listed_binding(desk, seller.seller_id, ASIN)}"


def versions(desk: Desk, seller: LinkedSeller) -> int:
    return len(desk.history(seller.seller_id, binding_id_of(seller.seller_id, ASIN)))


def test_a_change_sent_again_under_its_key_is_done_once_and_answered_as_it_was(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, binding: str
) -> None:
    headers = {**KEY, "If-Match": '"v5"'}
    first = client.post(f"{binding}/withdraw", headers=headers)
    assert (first.status_code, is_replayed(first)) == (202, False)
    count = versions(desk, seller)
    again = client.post(f"{binding}/withdraw", headers=headers)
    assert (again.status_code, again.json(), is_replayed(again)) == (202, first.json(), True)
    assert again.headers["etag"] == first.headers["etag"]
    assert versions(desk, seller) == count


MADE = [
    ("/v1/tickets", TICKET), ("/v1/submissions", ROWS), ("/v1/sweeps", {"kind": "status"}),
    ("/v1/webhooks", {"url": "https://hooks.example.com/"}),
    ("/v1/keys", {"role": "service", "label": "till"}),
    ("/v1/pricing-rules/channel-prices",
     {"prices": [{"asin": "B0EXAMPLE1", "channel": "own_site", "price_jpy": 1980}]}),
    ("/v1/sellers/me/mercari-link", {"access_token": "t" * 40, "shop_id": "shop-1"}),
]  # fmt: skip
"""What makes something, and what it is sent."""


def test_what_was_made_under_a_key_is_the_same_when_asked_again(
    client: httpx.Client,
) -> None:
    for path, body in MADE:
        ask_twice(client, path, body)


def ask_twice(client: httpx.Client, path: str, body: dict[str, object]) -> None:
    first = client.post(path, json=body, headers=KEY)
    assert first.status_code < 300, first.text
    again = client.post(path, json=dict(reversed(body.items())), headers=KEY)
    assert (again.status_code, is_replayed(again)) == (first.status_code, True)
    assert again.headers.get("location") == first.headers.get("location")
    made, told = first.json(), again.json()
    for secret in ("key", "secret"):
        assert made.pop(secret, "") is not None
        assert told.pop(secret, None) is None
    for moving in ("clock", "position"):
        assert (moving in made) == (moving in told)
        made.pop(moving, None), told.pop(moving, None)
    assert told == made


def test_a_ticket_is_answered_as_it_stood_when_the_reply_was_taken(client: httpx.Client) -> None:
    ticket = client.post("/v1/tickets", json=TICKET).json()
    path, seen = f"/v1/tickets/{ticket['id']}/replies", {"If-Match": f'"v{ticket["version"]}"'}
    first = client.post(path, json={"text": "And now?"}, headers={**seen, **KEY})
    later = {"If-Match": first.headers["etag"]}
    assert client.post(path, json={"text": "Still?"}, headers=later).status_code == 202
    again = client.post(path, json={"text": "And now?"}, headers={**seen, **KEY})
    assert is_replayed(again)
    assert again.json()["entries"] == first.json()["entries"]
    assert again.headers["etag"] == first.headers["etag"]


def test_a_file_in_a_form_is_the_same_whatever_boundary_it_is_sent_with(
    client: httpx.Client,
) -> None:
    csv = b"asin,mercari_category_id\nB0TESTAA01,sbx-01\n"
    sent = [
        client.post("/v1/submissions", files={"file": ("a.csv", csv)}, headers=KEY)
        for _ in range(2)
    ]
    assert [is_replayed(each) for each in sent] == [False, True]
    assert sent[0].json()["id"] == sent[1].json()["id"]
    other = client.post("/v1/submissions", files={"file": ("a.csv", csv * 2)}, headers=KEY)
    assert_problem(other, 422, "key-reused")


def test_a_file_that_was_refused_whole_is_refused_again(client: httpx.Client) -> None:
    files = {"file": ("a.csv", b"nothing,of,ours\n")}
    first, again = (client.post("/v1/submissions", files=files, headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert again.json()["errors"] == first.json()["errors"]


def test_a_key_is_refused_for_another_body_or_path_and_nothing_is_done(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, binding: str
) -> None:
    remap = {"mercari_category_id": "sbx-1042"}
    headers = {**KEY, "If-Match": '"v5"'}
    other = f"/v1/bindings/{listed_binding(desk, seller.seller_id, 'B0ONCE0002')}"
    assert client.post(f"{binding}/remap", json=remap, headers=headers).status_code == 202
    count = versions(desk, seller)
    for path, body in ((binding, {"mercari_category_id": "sbx-01"}), (other, remap)):
        body_of = assert_problem(
            client.post(f"{path}/remap", json=body, headers=headers), 422, "key-reused"
        )
        assert body_of["errors"][0]["field"] == "Idempotency-Key"
    assert versions(desk, seller) == count
    withdrawn = client.post(f"{other}/withdraw", headers=headers)
    assert (withdrawn.status_code, is_replayed(withdrawn)) == (202, False)


def test_a_key_that_is_no_short_printable_text_is_refused(client: httpx.Client) -> None:
    for key in ("", "x" * 201, "a\tb", "kéy".encode(), b"\xff"):
        answer = client.post("/v1/tickets", json=TICKET, headers={"Idempotency-Key": key})
        assert_problem(answer, 422, "invalid-request")
    assert client.get("/v1/tickets").json()["items"] == []


def test_what_was_refused_has_not_used_the_key(client: httpx.Client, binding: str) -> None:
    stale = client.post(f"{binding}/withdraw", headers={**KEY, "If-Match": '"v1"'})
    assert stale.status_code == 412
    done = client.post(f"{binding}/withdraw", headers={**KEY, "If-Match": '"v5"'})
    assert (done.status_code, is_replayed(done)) == (202, False)


def test_of_many_at_once_one_is_done_and_the_others_are_answered_alike(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    def ask(_: int) -> httpx.Response:
        return client.post("/v1/tickets", json=TICKET, headers=KEY)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(16)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["id"] for each in answers}) == 1
    assert sum(not is_replayed(each) for each in answers) == 1
    position = max(each.json()["position"] for each in answers)
    assert len(client.get("/v1/tickets", params={"at_position": position}).json()["items"]) == 1


def test_an_answer_that_was_lost_is_had_by_asking_again(
    client: httpx.Client, seller_key: str
) -> None:
    body = b'{"subject":"Suspended","text":"Why was it suspended?"}'
    head = (
        f"POST /v1/tickets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {seller_key}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {KEY['Idempotency-Key']}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((client.base_url.host, client.base_url.port or 80)) as cut:
        cut.sendall(head.encode() + body)
    ends_at = time.monotonic() + 10
    while not client.get("/v1/tickets").json()["items"]:
        assert time.monotonic() < ends_at, "the request was not done"
        time.sleep(0.05)
    again = client.post("/v1/tickets", json=TICKET, headers=KEY)
    assert (again.status_code, is_replayed(again)) == (201, True)
    assert len(client.get("/v1/tickets").json()["items"]) == 1


def test_a_key_belongs_to_its_seller_alone_and_its_feed_does_not_tell_of_it(
    client: httpx.Client, neighbour_bearer: dict[str, str]
) -> None:
    mine = client.post("/v1/tickets", json=TICKET, headers=KEY)
    theirs = client.post("/v1/tickets", json=TICKET, headers={**KEY, **neighbour_bearer})
    assert not is_replayed(theirs)
    assert mine.json()["id"] != theirs.json()["id"]
    position = {"at_position": theirs.json()["position"]}
    for path in ("/v1/events", "/v1/audit-trail"):
        types = {each["type"] for each in client.get(path, params=position).json()["items"]}
        assert types
        assert not any(each.startswith("request.") for each in types)


def test_what_was_sent_is_kept_as_a_fingerprint_that_goes_with_the_seller(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    client.post("/v1/tickets", json=TICKET, headers={"Idempotency-Key": uuid4().hex})
    with desk.reading_for(seller.seller_id) as connection:
        [(stored,)] = connection.execute(
            "SELECT state FROM asin_sync_events WHERE topic = 'request.key_used'"
        ).fetchall()
    assert b"suspended" not in bytes(stored)
    assert b'"fingerprint"' not in bytes(stored)
    with acting_for(seller.seller_id):
        assert desk.app.seller(seller.seller_id).is_registered
