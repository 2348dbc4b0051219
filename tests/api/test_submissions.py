"""Uploads over HTTP: what refuses a file, what settles only a row, and what a repeat means."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import httpx

from api.desk import Desk
from api.ids import inner_id, public_id
from domain.error_codes import LANGUAGES
from domain.rules.findings import Finding
from domain.stamps import Work
from domain.submission import RowFate, RowsSettled
from domain.upload_file import BYTES_MAX, COLUMNS
from infra.installation import Installation
from tests.api.page_data import open_upload, record, settle, stamp
from tests.sandbox_server import SandboxServer
from tests.sellers import LinkedSeller, linked_seller

HEADER = ",".join(COLUMNS) + "\n"
ASIN, OTHER_ASIN = "B0TESTAA01", "B0TESTAA02"
GOOD = f"{HEADER}{ASIN},sbx-01-01-01-01,,1\n".encode()
MANY = (HEADER + "".join(f"B0MANY{n:04},sbx-01,,1\n" for n in range(501))).encode()
BAD_FILES = {
    "too_many_rows": MANY,
    "missing_column": b"sku,stock_threshold\nB0TESTAA01,1\n",
    "duplicate_column": b"asin,asin,mercari_category_id\nB0TESTAA01,B0TESTAA01,sbx-01\n",
    "empty_file": b"",
    "too_large": GOOD + b"x" * (2 * BYTES_MAX),
    "nul_byte": GOOD + b"B0TESTAA02,sbx\x00,,\n",
    "undecodable": GOOD + bytes(range(0x80, 0x100)) * 3,
    "not_csv": GOOD + b'"B0TESTAA02,sbx-01,,1\n',
}
SPREADSHEETS = [
    ("asin,mercari_category_id,備考\r\nB0TESTAA01,sbx-01,送料込みの商品です\r\n", "cp932"),
    ("asin,mercari_category_id\r\nB0TESTAA01,sbx-01\r\n,,\r\n", "utf-8-sig"),
    ("ＡＳＩＮ,mercari_category_id\nＢ０ＴＥＳＴＡＡ０１,sbx-01\n", "utf-8"),
]
NOT_ROWS = ("", "null", "[]", "{}", '{"rows": 1}', '{"rows": ["x"]}', '{"rows": []}', "{")


def send(client: httpx.Client, content: bytes, **headers: str) -> httpx.Response:
    files = {"file": ("autumn.csv", content, "text/csv")}
    return client.post("/v1/submissions", files=files, headers=headers)


def shown(client: httpx.Client, answer: httpx.Response) -> dict:
    """The upload as it can be read once the views reflect it."""
    position = answer.json()["position"]
    return client.get(answer.headers["location"], params={"at_position": position}).json()


def log_of(client: httpx.Client, position: int) -> list[dict]:
    return client.get("/v1/sync-log", params={"at_position": position}).json()["items"]


def event_types(client: httpx.Client, position: int) -> list[str]:
    answer = client.get("/v1/audit-trail", params={"at_position": position})
    return [line["type"] for line in answer.json()["items"]]


def test_a_faulty_file_is_refused_whole_and_says_why_in_every_language(
    client: httpx.Client,
) -> None:
    for key, content in BAD_FILES.items():
        said = set()
        for language in LANGUAGES:
            answer = send(client, content, **{"Accept-Language": language})
            body = answer.json()
            assert (answer.status_code, body["code"], body["status"]) == (422, "E-400", 422)
            assert answer.headers["content-type"] == "application/problem+json"
            assert key in [fault["key"] for fault in body["errors"]]
            assert body["action"]
            said.add(body["errors"][0]["detail"])
        assert len(said) == len(LANGUAGES), key


def test_of_a_refused_file_only_the_refusal_is_recorded(
    client: httpx.Client, head: Callable[[], int]
) -> None:
    for key, content in BAD_FILES.items():
        before = event_types(client, head())
        send(client, content)
        assert event_types(client, head()) == ["submission.refused", *before]
        line = log_of(client, 0)[0]
        assert (line["operation"], line["outcome"]) == ("upload", "failed")
        assert line["error_code"] == "E-400"
        assert key in line["seen"]["faults"]
    assert client.get("/v1/bindings").json()["items"] == []


def test_a_form_without_a_file_is_refused(client: httpx.Client) -> None:
    answer = client.post("/v1/submissions", files={"other": ("a.csv", GOOD)})
    assert (answer.status_code, answer.json()["code"]) == (422, "E-400")


def test_a_seller_without_sync_is_told_what_is_missing_and_nothing_is_recorded(
    client: httpx.Client,
    installation: Installation,
    sandbox: SandboxServer,
    work: Work,
    head: Callable[[], int],
) -> None:
    waiting = linked_seller(installation, sandbox, work, is_enabled=False)
    key = installation.api_keys.create("seller", waiting.seller_id, "test")[1]
    before = head()
    for content in (GOOD, BAD_FILES["empty_file"]):
        answer = send(client, content, Authorization=f"Bearer {key}")
        assert (answer.status_code, answer.json()["code"]) == (403, "E-401")
        assert answer.json()["missing"] == ["ASIN Sync approval"]
    assert head() == before


def test_an_accepted_file_says_where_to_follow_it(client: httpx.Client) -> None:
    answer = send(client, GOOD)
    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/submissions/{body['id']}" == body["links"]["self"]
    upload = shown(client, answer)
    assert (upload["id"], upload["status"], upload["row_count"]) == (body["id"], "open", 1)
    assert upload["rows"][0]["asin"] == ASIN
    assert upload["rows"][0]["fate"] is None


def test_columns_may_come_in_any_order_and_extra_ones_are_ignored(client: httpx.Client) -> None:
    content = f"stock_threshold,note,mercari_category_id,asin\n2,mine,sbx-01,{ASIN}\n"
    upload = shown(client, send(client, content.encode()))
    assert [row["asin"] for row in upload["rows"]] == [ASIN]
    assert upload["errors"] == []


def test_files_as_spreadsheets_save_them_are_read(client: httpx.Client) -> None:
    for content, encoding in SPREADSHEETS:
        upload = shown(client, send(client, content.encode(encoding)))
        assert [row["asin"] for row in upload["rows"]] == [ASIN], encoding


def test_a_fault_in_a_row_settles_that_row_and_no_other(client: httpx.Client) -> None:
    lines = [
        f"{ASIN},sbx-01,,1", "not-an-asin,sbx-01,,1", f"{OTHER_ASIN},sbx-01,299,1",
        f"{ASIN},sbx-01,,2", "B0TESTAA03,,,1", "B0TESTAA04,sbx-01,1.5,1", "B0TESTAA05,sbx-01,,-1",
    ]  # fmt: skip
    upload = shown(client, send(client, (HEADER + "\n".join(lines)).encode()))
    rows = [(row["fate"], row["codes"]) for row in upload["rows"]]
    assert rows == [
        (None, []), ("refused", ["E-400"]), ("refused", ["E-409"]), ("refused", ["E-408"]),
        ("refused", ["E-400"]), ("refused", ["E-400"]), ("refused", ["E-400"]),
    ]  # fmt: skip
    assert (upload["status"], upload["settled_count"]) == ("open", 6)
    for row in upload["rows"][1:]:
        assert row["detail"]
        assert row["suggested_action"]


def test_a_row_that_is_not_listed_says_every_reason_and_what_to_do_about_each(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    upload = open_upload(desk, seller.seller_id, [ASIN])
    findings = (
        Finding(code="E-409", field="suggested_price_jpy", seen="¥1", rule="price_within_float",
                source="x", values={"low": "¥85", "high": "¥115", "amazon": "¥100"}),
        Finding(code="E-416", field="brand", seen="ソニー", rule="brand_in_chain", source="x"),
    )  # fmt: skip
    codes = ("E-409", "E-416")
    fate = RowFate(number=1, asin=ASIN, fate="rejected", codes=codes, findings=findings)
    settled = RowsSettled(stamp=stamp(), fates=(fate,))
    record(desk, seller.seller_id, upload, 1, [settled])
    identity = public_id("sub", upload)
    [row] = client.get(f"/v1/submissions/{identity}").json()["rows"]
    assert "from ¥85 to ¥115" in row["detail"]
    assert "ソニー" in row["detail"]
    assert [each["code"] for each in row["findings"]] == list(codes)
    assert all(code in row["suggested_action"] for code in codes)
    report = client.get("/v1/failure-report.csv", params={"submission_id": identity}).text
    assert "E-409 E-416" in report
    assert "from ¥85 to ¥115" in report


def test_a_key_used_again_for_the_same_content_gives_the_same_answer(client: httpx.Client) -> None:
    first = send(client, GOOD, **{"Idempotency-Key": "k1"})
    again = send(client, GOOD, **{"Idempotency-Key": "k1"})
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])


def test_a_key_used_again_for_other_content_is_refused(client: httpx.Client) -> None:
    send(client, GOOD, **{"Idempotency-Key": "k1"})
    other = send(client, GOOD + b"B0TESTAA02,sbx-01,,1\n", **{"Idempotency-Key": "k1"})
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]


def test_a_refused_file_is_refused_again_under_its_key(client: httpx.Client) -> None:
    answers = [send(client, b"", **{"Idempotency-Key": "k2"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json()["errors"] == answers[1].json()["errors"]


def test_two_keys_are_two_uploads_and_two_sellers_may_use_one_key(
    client: httpx.Client, neighbour_bearer: dict[str, str]
) -> None:
    answers = [
        send(client, GOOD, **{"Idempotency-Key": "a"}),
        send(client, GOOD, **{"Idempotency-Key": "b"}),
        send(client, GOOD, **{"Idempotency-Key": "a"}, **neighbour_bearer),
    ]
    assert len({answer.json()["id"] for answer in answers}) == 3


def test_without_a_key_the_same_content_is_the_upload_that_is_still_open(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    first = send(client, GOOD)
    shown(client, first)
    again = send(client, GOOD)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    settle(desk, seller.seller_id, inner_id("sub", first.json()["id"]), 1)
    later = send(client, GOOD)
    assert later.json()["id"] != first.json()["id"]


def test_rows_may_come_as_json_and_obey_the_same_rules(client: httpx.Client) -> None:
    rows = [
        {"asin": ASIN, "mercari_category_id": "sbx-01", "stock_threshold": 0},
        {"asin": 'a"b,c', "mercari_category_id": "sbx-01"},
        {"asin": OTHER_ASIN, "mercari_category_id": "sbx-01", "suggested_price_jpy": 0},
    ]
    upload = shown(client, client.post("/v1/submissions", json={"rows": rows}))
    assert upload["filename"] == "rows.json"
    assert [row["codes"] for row in upload["rows"]] == [[], ["E-400"], ["E-409"]]
    assert upload["rows"][1]["asin"] == 'a"b,c'


def test_json_that_holds_no_rows_is_refused(client: httpx.Client) -> None:
    for body in NOT_ROWS:
        answer = client.post("/v1/submissions", content=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "E-400"), body


def test_the_template_can_be_sent_as_it_is(client: httpx.Client) -> None:
    template = client.get("/v1/submissions/template.csv")
    assert template.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in template.headers["content-disposition"]
    assert template.content.startswith(b"\xef\xbb\xbf")
    header = next(csv.reader(io.StringIO(template.content.decode("utf-8-sig"))))
    assert tuple(header) == COLUMNS
    assert send(client, template.content).status_code == 202


def events_of(client: httpx.Client, upload: str, **headers: str) -> list[tuple[str, dict]]:
    """The events until the stream ends."""
    url = f"/v1/submissions/{upload}/events"
    with client.stream("GET", url, headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        blocks = "".join(stream.iter_text()).strip().split("\n\n")
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(each["event"], json.loads(each["data"])) for each in fields if "event" in each]


def test_the_events_of_an_upload_tell_each_fate_once_and_end_with_it(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    upload = open_upload(desk, seller.seller_id, [ASIN, OTHER_ASIN])
    settle(desk, seller.seller_id, upload, 1)
    settle(desk, seller.seller_id, upload, 2)
    listed = client.get("/v1/submissions").json()["items"][0]
    *rows, (name, end) = events_of(client, listed["id"])
    assert [(kind, row["row"], row["fate"]) for kind, row in rows] == [
        ("row", 1, "listed"), ("row", 2, "listed"),
    ]  # fmt: skip
    assert (name, end) == ("end", {"status": "finished", "counts": {"listed": 2}})
    assert events_of(client, listed["id"], **{"Last-Event-ID": str(listed["position"])}) == [
        (name, end)
    ]


def test_an_upload_of_another_seller_is_answered_like_one_that_is_not(
    client: httpx.Client, neighbour_bearer: dict[str, str]
) -> None:
    foreign = send(client, GOOD, **neighbour_bearer).json()["id"]
    absent = f"sub_1_{'0' * 32}"
    for tail in ("", "/events"):
        answers = [client.get(f"/v1/submissions/{each}{tail}") for each in (foreign, absent)]
        assert [answer.status_code for answer in answers] == [404, 404]
        told = [{**answer.json(), "instance": None, "request_id": None} for answer in answers]
        assert told[0] == told[1]
