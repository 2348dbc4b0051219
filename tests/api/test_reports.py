"""Reports over HTTP: sync log, its stream, failure report, health, audit, fees, dry run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx

from api.desk import Desk
from api.failure_report import ADDED_COLUMNS, defused
from api.ids import public_id
from domain.upload_file import COLUMNS, undefused
from domain.values import binding_id_of
from infra.sandbox.categories import ids_by_path, leaves
from infra.sandbox.goods import product_of
from tests.api.page_data import adjusted, listed_binding, record, rejected_binding
from tests.sellers import LinkedSeller

LISTED, REJECTED = "B0TESTAA01", "B0TESTAA02"
LOG_NAMED = {
    "position", "time", "seller_id", "asin", "binding_id", "operation", "outcome", "error_code",
    "detail", "suggested_action", "who_acts", "correlation_id",
}  # fmt: skip
FAULTY = (
    "asin,mercari_category_id,suggested_price_jpy,stock_threshold\n"
    '"=HYPERLINK(""http://x"",""y"")",sbx-01,,1\n'
    "\uff1dcmd,sbx-01,,1\n"
    " +1+1,sbx-01,,1\n"
    "B0TESTAA03,sbx-01,299,1\n"
    "B0TESTAA04,sbx-01,,-5\n"
).encode()
FORMULAS = (
    "=1+1", "+cmd", "@SUM(A1)", "-2+3", "\uff1d1+1", "\uff0bA1", "\uff20x", " =1", "\u3000=1",
    "\u200b=1", "\ufeff=1", "\t=1", "\r=1", "\n=1", "\u00a0@x", " \t=1",
)  # fmt: skip
HARMLESS = ("", "B0TESTAA01", "-5", "1200", "1,200", "a=b", "'x", "¥9,480", "商品=1")
LEAF = ids_by_path()


def send(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post("/v1/submissions", files={"file": ("autumn.csv", content, "text/csv")})


def log_of(client: httpx.Client, **query: str | int) -> list[dict]:
    return client.get("/v1/sync-log", params=query).json()["items"]


def cells_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_line_of_the_log_says_everything_that_the_interface_names(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    rejected_binding(desk, seller.seller_id, REJECTED)
    [line] = log_of(client)
    assert set(line) >= LOG_NAMED
    assert (line["asin"], line["operation"], line["outcome"]) == (REJECTED, "check", "failed")
    assert (line["error_code"], line["who_acts"]) == ("E-403", "seller")
    assert line["seller_id"] == public_id("sel", seller.seller_id)
    assert line["binding_id"] == public_id("bnd", binding_id_of(seller.seller_id, REJECTED))
    actions = {log_of(client, lang=each)[0]["suggested_action"] for each in ("zh", "ja", "en")}
    assert len(actions) == 3


def test_each_filter_of_the_log_leaves_what_fits(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    middle = datetime.now(UTC).isoformat()
    rejected_binding(desk, seller.seller_id, REJECTED)
    everything = [REJECTED, LISTED, LISTED]
    assert [line["asin"] for line in log_of(client)] == everything
    for query, asins in (
        ({"asin": LISTED}, [LISTED, LISTED]), ({"code": "E-403"}, [REJECTED]),
        ({"outcome": "ok"}, [LISTED, LISTED]), ({"outcome": "retrying"}, []),
        ({"binding_id": binding}, [LISTED, LISTED]), ({"from": middle}, [REJECTED]),
        ({"to": middle}, [LISTED, LISTED]), ({"from": middle, "to": middle}, []),
    ):  # fmt: skip
        assert [line["asin"] for line in log_of(client, **query)] == asins, query
    for query in ({"outcome": "odd"}, {"from": "yesterday"}, {"cursor": "x"}, {"limit": 0}):
        assert client.get("/v1/sync-log", params=query).status_code == 422, query


def test_cursors_lead_through_lines_of_one_position_once(
    client: httpx.Client, head: Callable[[], int], neighbour_bearer: dict[str, str]
) -> None:
    send(client, FAULTY)
    whole = log_of(client, at_position=head())
    url: str | None = "/v1/sync-log?limit=2"
    seen: list[dict] = []
    while url:
        answer = client.get(url)
        seen += answer.json()["items"]
        url = answer.links.get("next", {}).get("url")
    assert seen == whole
    assert len(whole) == 6
    assert client.get("/v1/sync-log", headers=neighbour_bearer).json()["items"] == []


def lines_from(lines: Iterator[str]) -> Iterator[tuple[str, dict]]:
    """Cursor and content of each event."""
    cursor = ""
    for line in lines:
        if line.startswith("id: "):
            cursor = line.removeprefix("id: ")
        if line.startswith("data: "):
            yield cursor, json.loads(line.removeprefix("data: "))


def test_the_live_log_tells_new_lines_and_resumes_after_the_last_one_seen(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    listed_binding(desk, seller.seller_id, LISTED)
    binding = binding_id_of(seller.seller_id, LISTED)
    with client.stream("GET", "/v1/sync-log/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        record(desk, seller.seller_id, binding, 5, [adjusted(9_600, 9_700)])
        cursor, line = next(lines_from(stream.iter_lines()))
    assert (line["operation"], line["seen"]) == ("price", {"from": 9_600, "to": 9_700})
    record(desk, seller.seller_id, binding, 6, [adjusted(9_700, 9_800)])
    headers = {"Last-Event-ID": cursor}
    with client.stream("GET", "/v1/sync-log/stream", headers=headers) as stream:
        _, line = next(lines_from(stream.iter_lines()))
    assert line["seen"] == {"from": 9_700, "to": 9_800}


def test_what_a_spreadsheet_would_run_is_defused_and_what_is_plain_is_kept() -> None:
    assert [cell for cell in FORMULAS if defused(cell) != f"'{cell}"] == []
    assert [cell for cell in HARMLESS if defused(cell) != cell] == []
    assert undefused(defused("=1+1")) == "=1+1"


def test_the_failure_report_opens_in_excel_and_runs_nothing(
    client: httpx.Client, head: Callable[[], int]
) -> None:
    upload = send(client, FAULTY).json()["id"]
    for query in ({"submission_id": upload}, {}):
        answer = client.get("/v1/failure-report.csv", params={**query, "at_position": head()})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.content.startswith(b"\xef\xbb\xbf")
        assert answer.content.count(b"\r\n") == answer.content.count(b"\n") == 6
        rows = cells_of(answer.content)
        assert tuple(rows[0]) == (*COLUMNS, *ADDED_COLUMNS)
        for row in rows:
            assert row["error_code"] in ("E-400", "E-409")
            assert row["suggested_action"]
            assert not row["asin"].startswith(("=", "+", "-", "@", " "))
        asins = {undefused(row["asin"]) for row in rows}
        assert asins >= {"=cmd", "+1+1", "B0TESTAA03", "B0TESTAA04"}


def test_a_failure_report_can_be_sent_again_as_an_upload(
    client: httpx.Client, head: Callable[[], int]
) -> None:
    first = send(client, FAULTY).json()["id"]
    query = {"submission_id": first, "at_position": head()}
    report = client.get("/v1/failure-report.csv", params=query).content
    again = send(client, report)
    assert again.status_code == 202
    uploads = [
        client.get(f"/v1/submissions/{each}", params={"at_position": head()}).json()["rows"]
        for each in (first, again.json()["id"])
    ]
    told = [[(row["row"], row["asin"], row["fate"]) for row in rows] for rows in uploads]
    assert told[0] == told[1]
    assert len(told[0]) == 5


def test_a_foreign_failure_report_is_not_found(
    client: httpx.Client, neighbour_bearer: dict[str, str]
) -> None:
    upload = send(client, FAULTY).json()["id"]
    query = {"submission_id": upload}
    answer = client.get("/v1/failure-report.csv", params=query, headers=neighbour_bearer)
    assert answer.status_code == 404


def test_rates_are_null_until_something_was_counted(
    client: httpx.Client, desk: Desk, seller: LinkedSeller
) -> None:
    for window in ("24h", "30d"):
        empty = client.get("/v1/health-score", params={"window": window}).json()
        rates = ("sync_success_rate", "price_deviation_rate", "image_compliance_rate", "score")
        assert [empty[name] for name in rates] == [None] * 4
        assert (empty["failing"], empty["window"]) == ([], window)
    listed_binding(desk, seller.seller_id, LISTED)
    rejected_binding(desk, seller.seller_id, REJECTED)
    full = client.get("/v1/health-score").json()
    assert full["sync_success_rate"] == 1
    assert round(full["price_deviation_rate"], 6) == 0.0125
    assert full["image_compliance_rate"] is None
    assert full["targets"] == {
        "sync_success_rate": 0.992, "price_deviation_rate": 0.035, "image_compliance_rate": 1,
    }  # fmt: skip
    [failing] = full["failing"]
    assert (failing["code"], failing["asins"]) == ("E-403", [REJECTED])
    assert full["as_of_position"] > empty["as_of_position"]
    assert client.get("/v1/health-score?window=1h").status_code == 422


def test_the_audit_trail_finds_facts_by_subject_actor_type_and_time(
    client: httpx.Client, desk: Desk, seller: LinkedSeller, neighbour_bearer: dict[str, str]
) -> None:
    binding = listed_binding(desk, seller.seller_id, LISTED)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    own = desk.history(seller.seller_id, seller.seller_id)
    counts = {
        (("subject", binding),): 5, (("actor", "worker"),): 5,
        (("type", "asin_binding.listed"),): 1, (("from", later),): 0,
        (("subject", public_id("sel", seller.seller_id)), ("to", later)): len(own),
    }  # fmt: skip
    for query, count in counts.items():
        items = client.get("/v1/audit-trail", params=dict(query)).json()["items"]
        assert len(items) == count, query
        positions = [item["position"] for item in items]
        assert positions == sorted(positions, reverse=True)
    foreign = client.get(f"/v1/audit-trail?subject={binding}", headers=neighbour_bearer)
    assert foreign.json()["items"] == []


def test_fees_follow_the_schedule_of_the_day(client: httpx.Client) -> None:
    for price, day, commission, warning in (
        (5_000, "2026-11-24", 500, None), (5_001, "2026-11-24", 600, "W-102"),
        (5_001, "2024-03-31", 500, None), (5_001, "2024-04-01", 600, "W-102"),
        (10_000, "2026-11-24", 1_200, None),
    ):  # fmt: skip
        told = client.get("/v1/fees", params={"price_jpy": price, "on": day}).json()
        assert (told["commission_jpy"], told["warning_code"]) == (commission, warning)
        assert told["net_jpy"] == price - commission
    for price in (299, 10_000_000):
        assert client.get("/v1/fees", params={"price_jpy": price}).status_code == 422


def judged(client: httpx.Client, number: int, category_id: str | None = None) -> dict:
    """The dry run of a product of the sandbox, in the category that fits unless one is named."""
    product = product_of(number)
    chosen = category_id or LEAF[product.mercari_path]
    body = {"asin": product.asin, "mercari_category_id": chosen}
    answer = client.post("/v1/validator", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes_in(check: dict) -> list[str]:
    return [found["code"] for found in check["findings"]]


def test_a_dry_run_passes_a_good_product_and_binds_nothing(
    client: httpx.Client, head: Callable[[], int]
) -> None:
    before = head()
    told = judged(client, 0)
    assert told["verdict"] == "pass"
    assert [gate["verdict"] for gate in told["gates"]] == ["pass"] * 6
    assert (told["category"]["match_rate"], told["category"]["verdict"]) == (100, "pass")
    assert (told["image"]["verdict"], told["image"]["is_inspected"]) == ("unknown", False)
    assert "the main image was not inspected" in told["image"]["said"]
    assert told["warranty"]["verdict"] == "pass"
    assert head() == before


def test_a_dry_run_names_what_is_wrong_and_better_categories(client: httpx.Client) -> None:
    right = LEAF[product_of(0).mercari_path]
    wrong = next(each for each in leaves() if each.split("-")[1] != right.split("-")[1])
    misplaced = judged(client, 0, wrong)
    assert (misplaced["verdict"], codes_in(misplaced["category"])) == ("fail", ["E-403"])
    best = misplaced["category"]["alternatives"][0]
    assert (tuple(best["path"]), best["match_rate"]) == (product_of(0).mercari_path, 100)
    food = judged(client, 32)
    assert [code for gate in food["gates"] for code in codes_in(gate)] == ["E-406"]
    uncertified = judged(client, 23)
    assert codes_in(uncertified["compliance"][0]) == ["E-501"]
    for told in (misplaced, food, uncertified):
        assert told["verdict"] == "fail"
    [found] = uncertified["compliance"][0]["findings"]
    assert found["action"]
    assert {"field", "seen", "rule", "source", "who_acts"} <= set(found)


def test_what_is_no_asin_is_refused_before_amazon_is_asked(client: httpx.Client) -> None:
    for text in ("x", "B0TESTAA0", "=B0TESTAA01"):
        answer = client.post("/v1/validator", json={"asin": text})
        assert (answer.status_code, answer.json()["code"]) == (422, "E-402"), text
