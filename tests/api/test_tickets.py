"""Tickets over HTTP: from a failed line to its solution, and what nobody else may see or do."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from api.ids import inner_id
from infra.web_desk import WebDesk
from tests.api.ticket_scene import ASIN, WORDS, TicketScene
from tests.sellers import LinkedSeller

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40 + b"IEND\xaeB`\x82"
RESOLUTION = {"cause": "amazon", "text": "Amazon answers again."}
SECRET = "internal: the upstream team knows"


@pytest.fixture
def scene(desk: WebDesk, client: httpx.Client, seller: LinkedSeller) -> TicketScene:
    return TicketScene(desk, client, seller.seller_id)


# --- opening ------------------------------------------------------------------------------------


def test_a_ticket_from_a_failed_line_brings_excerpt_and_report_with_it(scene: TicketScene) -> None:
    position = scene.fail()
    made = scene.open(log_position=position)
    assert (made["asin"], made["error_code"], made["operation"]) == (ASIN, "E-901", "update")
    assert (made["category"], made["subcategory"]) == ("Category Integration", "ASIN Sync")
    assert made["status"] == "open"
    assert 71.9 * 3600 < made["clock"]["seconds_left"] <= 72 * 3600
    files = {each["kind"]: each["sha256"] for each in made["attachments"]}
    path = f"/v1/tickets/{made['id']}/attachments"
    excerpt = scene.client.get(f"{path}/{files['log_excerpt']}")
    report = scene.client.get(f"{path}/{files['failure_report']}")
    lines = excerpt.json()["items"]
    assert lines[0]["position"] == position
    assert {line["asin"] for line in lines} == {ASIN}
    assert len(lines) > 2
    rows = list(csv.reader(io.StringIO(report.text.removeprefix("\ufeff"))))
    assert [row[0] for row in rows[1:]] == [f"{ASIN}"]
    assert report.headers["content-type"].startswith("text/csv")
    assert 'filename="failure_report.csv"' in report.headers["content-disposition"]


def test_a_ticket_needs_no_line_and_no_asin(scene: TicketScene) -> None:
    scene.fail()
    by_asin, bare = scene.open(asin=f" {ASIN.lower()} "), scene.open()
    assert by_asin["asin"] == ASIN
    assert by_asin["binding_id"]
    assert {each["kind"] for each in by_asin["attachments"]} == {"log_excerpt", "failure_report"}
    assert (bare["asin"], bare["attachments"]) == (None, [])


def test_a_failed_line_says_what_is_wrong_where_the_seller_does_not(scene: TicketScene) -> None:
    position = scene.fail()
    made = scene.client.post("/v1/tickets", json={"log_position": position}).json()
    assert made["subject"].startswith(f"E-901 {ASIN}")
    assert "No answer from the marketplace" in made["entries"][0]["text"]


def test_a_screenshot_comes_with_the_form_and_is_given_back_as_it_was(scene: TicketScene) -> None:
    form = {**WORDS, "log_position": str(scene.fail())}
    files = {"screenshot": ("../../etc/passwd.png", PNG)}
    made = scene.client.post("/v1/tickets", data=form, files=files).json()
    [shot] = [each for each in made["attachments"] if each["kind"] == "screenshot"]
    got = scene.client.get(f"/v1/tickets/{made['id']}/attachments/{shot['sha256']}")
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
    assert 'filename="screenshot.png"' in got.headers["content-disposition"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b""), ("a.png", b"MZ\x90\x00 a program"), ("a.jpg", b"<svg onload=alert(1)>"),
        ("a.png", b"%PDF-1.7 %%EOF"), ("a.png", PNG[:20]), ("a.csv", b"asin,error\n"),
        ("a.json", b"{}"), ("a.png", PNG + b"0" * (10 * 1024 * 1024)),
    ],
)  # fmt: skip
def test_a_file_that_is_no_picture_is_refused_and_no_ticket_is_opened(
    scene: TicketScene, name: str, content: bytes
) -> None:
    refused = scene.client.post("/v1/tickets", data=WORDS, files={"screenshot": (name, content)})
    assert (refused.status_code, refused.json()["code"]) == (422, "E-419")
    assert refused.json()["errors"][0]["detail"]
    assert scene.client.get("/v1/tickets").json()["items"] == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"text": "x" * 100_000}, "text"), ({"text": " \n"}, "text"), ({"subject": ""}, "subject"),
        ({"asin": "no asin"}, "asin"), ({"log_position": 2**40}, "log_position"),
    ],
)  # fmt: skip
def test_what_can_not_be_a_ticket_is_refused_with_what_would_do_in_each_language(
    scene: TicketScene, fields: dict[str, Any], field: str
) -> None:
    said = set()
    for language in ("zh", "ja", "en"):
        refused = scene.client.post(
            "/v1/tickets", params={"lang": language}, json={**WORDS, **fields}
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
        [error] = refused.json()["errors"]
        assert error["field"] == field
        said.add(error["detail"])
    assert len(said) == 3
    assert scene.client.get("/v1/tickets").json()["items"] == []


def test_a_malformed_body_points_at_its_fields(scene: TicketScene) -> None:
    for body in ({"subject": 7}, {**WORDS, "log_position": -1}, {**WORDS, "text": "x" * 200_001}):
        refused = scene.client.post("/v1/tickets", json=body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"].startswith("/body/")
    assert scene.client.post("/v1/tickets", content=b"{").status_code == 422


def test_a_line_of_another_sellers_log_opens_nothing(
    scene: TicketScene, neighbour: LinkedSeller, neighbour_bearer: dict[str, str]
) -> None:
    position = scene.fail()
    body = {**WORDS, "log_position": position}
    refused = scene.client.post("/v1/tickets", json=body, headers=neighbour_bearer)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "log_position")


def test_a_ticket_sent_twice_under_one_key_is_opened_once(scene: TicketScene) -> None:
    once = {"Idempotency-Key": "k-1"}
    body = {**WORDS, "log_position": scene.fail()}
    first = scene.client.post("/v1/tickets", json=body, headers=once).json()
    again = scene.client.post("/v1/tickets", json=body, headers=once)
    assert (again.status_code, again.json()["id"]) == (201, first["id"])
    other = scene.client.post("/v1/tickets", json={**body, "text": "other"}, headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "key-reused")
    position = {"at_position": first["position"]}
    assert len(scene.client.get("/v1/tickets", params=position).json()["items"]) == 1


# --- the conversation ---------------------------------------------------------------------------


def test_a_ticket_goes_from_question_to_solution_and_is_reopened_by_a_reply(
    scene: TicketScene,
) -> None:
    support = scene.bearer("support")
    made = scene.open(log_position=scene.fail())
    answered = scene.send(made, "replies", {"text": "We look into it."}, support).json()
    assert (answered["status"], answered["clock"]["seconds_left"]) == ("answered", None)
    handed = scene.send(made, "hand-over", {"to": "engineering", "reason": SECRET}, support)
    assert handed.json()["assignee"] == "engineering"
    done = scene.send(made, "resolution", RESOLUTION, support).json()
    assert (done["status"], done["cause"]) == ("resolved", "amazon")
    late = scene.send(made, "replies", {"text": "one more thing"}, support)
    assert (late.status_code, late.json()["code"]) == (409, "wrong-state")
    assert "resolved it" in late.json()["detail"]
    back = scene.send(made, "replies", {"text": "It fails again."}).json()
    assert (back["status"], back["reopened_count"], back["cause"]) == ("answered", 1, None)
    assert [each["kind"] for each in back["entries"]] == [
        "opened", "reply", "hand_over", "resolution", "reopened", "reply",
    ]  # fmt: skip


def test_after_14_days_a_reply_is_refused_and_told_to_open_a_new_ticket(scene: TicketScene) -> None:
    made = scene.open()
    scene.send(made, "resolution", RESOLUTION, scene.bearer("admin"))
    scene.later(days=14, minutes=1)
    refused = scene.send(made, "replies", {"text": "Hello?"})
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong-state")
    assert "open a new ticket" in refused.json()["errors"][0]["detail"]


def test_of_two_staff_at_once_one_wins_and_the_other_is_told_who_did(scene: TicketScene) -> None:
    support, reviewer = scene.bearer("support"), scene.bearer("reviewer")
    made = scene.open()
    path = f"/v1/tickets/{made['id']}"
    seen = scene.client.get(path, headers=support).headers["etag"]
    first = scene.client.post(
        f"{path}/replies", json={"text": "a"}, headers={**support, "If-Match": seen}
    )
    second = scene.client.post(
        f"{path}/replies", json={"text": "b"}, headers={**reviewer, "If-Match": seen}
    )
    assert (first.status_code, second.status_code) == (202, 412)
    told = second.json()
    assert told["changed_by"].startswith("key:")
    assert "reply" in told["detail"]
    assert "in between" in told["errors"][0]["detail"]
    entries = scene.client.get(path, headers=support).json()["entries"]
    assert [each["text"] for each in entries[1:]] == ["a"]
    unsure = scene.client.post(f"{path}/replies", json={"text": "c"}, headers=support)
    assert unsure.status_code == 428


def test_however_close_two_of_staff_resolve_it_only_one_does(scene: TicketScene) -> None:
    keys = [scene.bearer("support") for _ in range(4)]
    made = scene.open()
    path = f"/v1/tickets/{made['id']}"
    for key in keys:
        scene.client.get(path, headers=key)

    def resolve(key: dict[str, str]) -> int:
        headers = {**key, "If-Match": '"v1"'}
        return scene.client.post(f"{path}/resolution", json=RESOLUTION, headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(resolve, keys))
    assert statuses[0] == 202
    assert set(statuses[1:]) <= {409, 412}
    entries = scene.client.get(path).json()["entries"]
    assert [each["kind"] for each in entries] == ["opened", "resolution"]


def test_an_internal_note_is_seen_by_staff_alone(scene: TicketScene, database_url: str) -> None:
    support = scene.bearer("support")
    made = scene.open(log_position=scene.fail())
    noted = scene.send(made, "replies", {"text": SECRET, "is_internal": True}, support).json()
    assert (noted["status"], noted["entries"][-1]["kind"]) == ("open", "note")
    scene.send(made, "hand-over", {"to": "reviewer", "reason": SECRET}, support)
    path = f"/v1/tickets/{made['id']}"
    inner = inner_id("tkt", made["id"]).hex
    for address in (
        path, "/v1/tickets", "/v1/events?limit=500", "/v1/audit-trail?limit=200", "/v1/sync-log",
        f"/v1/bindings/{made['binding_id']}/history", "/tickets", f"/tickets/{made['id']}",
    ):  # fmt: skip
        shown = scene.client.get(address, params={"at_position": noted["position"]})
        assert shown.status_code in (200, 303), address
        assert SECRET not in shown.text, address
        assert "note" not in shown.text or "note_added" not in shown.text, address
    assert scene.client.get(f"/v1/bindings/bnd_1_{inner}/history").status_code == 404
    assert SECRET in scene.client.get(path, headers=support).text
    with psycopg.connect(database_url) as admin:
        [(held,)] = admin.execute(
            "SELECT count(*) FROM cell_1.asin_sync_events WHERE position(%s in state) > 0",
            (SECRET.encode(),),
        ).fetchall()
    assert held == 0


def test_a_sellers_reply_is_not_held_up_by_a_note_that_it_can_not_see(scene: TicketScene) -> None:
    made = scene.open()
    path = f"/v1/tickets/{made['id']}"
    seen = scene.client.get(path).headers["etag"]
    note = {"text": SECRET, "is_internal": True}
    scene.send(made, "replies", note, scene.bearer("support"))
    said = scene.client.post(f"{path}/replies", json={"text": "Any news?"},
                             headers={"If-Match": seen})  # fmt: skip
    assert said.status_code == 202
    assert said.headers["etag"] != seen


def test_who_may_not_answer_is_refused(scene: TicketScene) -> None:
    made = scene.open()
    auditor = scene.bearer("auditor")
    for tail, body in (
        ("replies", {"text": "x"}), ("replies", {"text": "x", "is_internal": True}),
        ("resolution", RESOLUTION), ("hand-over", {"to": "reviewer", "reason": "x"}),
    ):  # fmt: skip
        assert scene.send(made, tail, body, auditor).status_code == 403, tail
    bound = scene.bearer("auditor", scene.seller_id)
    assert scene.send(made, "replies", {"text": "x"}, bound).status_code == 403
    for tail, body in (
        ("replies", {"text": "x", "is_internal": True}), ("resolution", RESOLUTION),
        ("hand-over", {"to": "reviewer", "reason": "x"}),
    ):  # fmt: skip
        assert scene.send(made, tail, body).status_code == 403, tail
    assert len(scene.client.get(f"/v1/tickets/{made['id']}").json()["entries"]) == 1


def test_a_ticket_is_handed_to_nobody_who_is_not_staff(scene: TicketScene, desk: WebDesk) -> None:
    support = scene.bearer("support")
    made = scene.open()
    sellers_own, _ = desk.keys.create("seller", scene.seller_id, "x")
    colleague, _ = desk.keys.create("reviewer", None, "x")
    for to in ("nobody", sellers_own, "0" * 12, "<b>"):
        refused = scene.send(made, "hand-over", {"to": to, "reason": "x"}, support)
        assert refused.json()["errors"][0]["field"] == "to"
    handed = scene.send(made, "hand-over", {"to": colleague, "reason": "x"}, support)
    assert handed.json()["assignee"] == colleague


def test_another_sellers_ticket_is_not_there(
    scene: TicketScene, neighbour_bearer: dict[str, str]
) -> None:
    made = scene.open(log_position=scene.fail())
    path = f"/v1/tickets/{made['id']}"
    sha256 = made["attachments"][0]["sha256"]
    write = {**neighbour_bearer, "If-Match": '"v1"'}
    for method, tail, body in (
        ("GET", "", None), ("GET", f"/attachments/{sha256}", None),
        ("POST", "/replies", {"text": "x"}),
    ):  # fmt: skip
        foreign = scene.client.request(method, path + tail, json=body, headers=write)
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not-found")
    assert scene.client.get(f"{path}/attachments/{'0' * 64}").status_code == 404
    assert scene.client.get("/v1/tickets/tkt_1_" + "0" * 32).status_code == 404
    absent = scene.client.get("/v1/tickets/tkt_1_" + "0" * 32, headers=scene.bearer("support"))
    assert absent.status_code == 404


# --- lists and figures --------------------------------------------------------------------------


def staff_list(scene: TicketScene, which: str, **query: Any) -> list[str]:
    page = scene.client.get(
        "/v1/tickets", params={"list": which, **query}, headers=scene.bearer("auditor")
    )
    return [each["id"] for each in page.json()["items"]]


def test_staff_see_what_is_due_at_risk_and_late_across_sellers_without_a_word_of_it(
    scene: TicketScene, neighbour: LinkedSeller, neighbour_bearer: dict[str, str]
) -> None:
    first = scene.open()
    second = scene.client.post("/v1/tickets", json=WORDS, headers=neighbour_bearer).json()
    seen = {"at_position": second["position"]}
    assert staff_list(scene, "due", **seen) == [first["id"], second["id"]]
    assert staff_list(scene, "at_risk") == staff_list(scene, "breached") == []
    scene.later(hours=50)
    assert staff_list(scene, "at_risk") == [first["id"], second["id"]]
    scene.later(hours=73)
    assert staff_list(scene, "breached") == [first["id"], second["id"]]
    late = scene.send(first, "replies", {"text": "Sorry."}, scene.bearer("support")).json()
    assert late["entries"][-1]["is_late"]
    assert staff_list(scene, "breached", at_position=late["position"]) == [second["id"]]
    assert staff_list(scene, "due") == [second["id"], first["id"]]
    every = scene.client.get("/v1/tickets?list=all", headers=scene.bearer("support")).text
    assert not any(word in every for word in WORDS.values())
    page = scene.client.get("/v1/tickets?limit=1&list=due", headers=scene.bearer("support")).json()
    assert page["counts"] == {"due": 2, "at_risk": 0, "breached": 1, "all": 2}
    assert staff_list(scene, "due", cursor=page["next_cursor"]) == [first["id"]]


def test_the_figures_are_those_of_the_tickets(scene: TicketScene) -> None:
    support = scene.bearer("support")
    tickets = [scene.open() for _ in range(3)]
    scene.later(hours=1)
    scene.send(tickets[0], "replies", {"text": "x"}, support)
    scene.later(hours=3)
    scene.send(tickets[0], "resolution", RESOLUTION, support)
    done = scene.send(tickets[1], "resolution", RESOLUTION, support).json()
    scene.later(hours=80)
    asked = {"at_position": done["position"]}
    scene.client.get("/v1/tickets", params=asked)
    for headers in (None, scene.bearer("support")):
        found = scene.client.get("/v1/tickets/figures", params=asked, headers=headers).json()
        assert (found["resolved"], found["answered"], found["promised"]) == (2, 2, 3)
        assert found["resolve_seconds_mean"] == pytest.approx(3 * 3600, abs=60)
        assert found["answer_seconds_mean"] == pytest.approx(2 * 3600, abs=60)
        assert found["answer_seconds_p90"] == pytest.approx(2.8 * 3600, abs=60)
        assert (found["in_time"], found["in_time_share"]) == (2, pytest.approx(2 / 3))


def test_support_sees_the_bindings_history_and_the_ten_events_before_the_failure(
    scene: TicketScene,
) -> None:
    position = scene.fail()
    made = scene.open(log_position=position)
    path = f"/v1/tickets/{made['id']}"
    shown = scene.client.get(path, headers=scene.bearer("support")).json()
    assert [each["version"] for each in shown["binding_history"]] == [1, 2, 3, 4, 5, 6]
    before = shown["events_before"]
    assert len(before) == 10
    assert all(each["position"] < position for each in before)
    assert before[0]["type"] == "asin_binding.price_adjusted"
    assert "binding_history" not in scene.client.get(path).json()
