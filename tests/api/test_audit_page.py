"""The audit page: the trail searched and exported, a binding as it was, and who looked."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from api.desk import Desk
from domain.error_codes import LANGUAGES
from domain.values import binding_id_of
from infra.installation import Installation
from tests.api.page_data import adjusted, listed_binding, record
from tests.api.visiting import Visitor
from tests.infra.transparency_scene import TransparencyScene

NAMES = {"zh": "审计记录", "ja": "監査証跡", "en": "Audit trail"}


def types_in(page: str) -> list[str]:
    """The types of the events listed, newest first."""
    return re.findall(r'class="mono type"[^>]*>([^<]+)<', page)


def exported(browser: httpx.Client, query: str) -> list[dict[str, str]]:
    """The rows of the CSV, checked against the JSON Lines."""
    answer = browser.get(f"/audit/export.csv?{query}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert re.search(r'filename="asin-sync-audit-\d+\.csv"', answer.headers["content-disposition"])
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    lines = browser.get(f"/audit/export.jsonl?{query}").text.splitlines()
    assert [int(row["position"]) for row in rows] == [json.loads(it)["position"] for it in lines]
    return rows


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("query", ["", "view=looks&"])
def test_the_audit_page_answers_in_each_language(
    desk: Desk, seller_key: str, query: str, language: str, visitor: Visitor
) -> None:
    answer = visitor(seller_key).get(f"/audit?{query}lang={language}")
    assert answer.status_code == 200
    assert NAMES[language] in answer.text
    assert len(answer.content) < 40_000


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("subject=B0AUDIT001", ["price_adjusted", "listed", "mapped", "validated", "requested"]),
        ("subject=B0AUDIT001&type=asin_binding.listed", ["listed"]),
        ("subject=B0AUDIT001&actor=worker&from=2020-01-01&to=2021-01-01", []),
        ("subject=B0AUDIT001&actor=nobody", []),
    ],
)
def test_the_trail_is_searched_by_subject_type_actor_and_period_and_exported_alike(
    desk: Desk, seller_key: str, seller_id: UUID, query: str, types: list[str], visitor: Visitor
) -> None:
    listed_binding(desk, seller_id, "B0AUDIT001")
    listed_binding(desk, seller_id, "B0AUDIT002")
    browser = visitor(seller_key)
    wanted = [f"asin_binding.{each}" for each in types]
    page = browser.get(f"/audit?{query}").text
    assert types_in(page) == wanted
    assert ("No event fits." in page) == (not wanted)
    assert [row["type"] for row in exported(browser, query)] == wanted


def test_a_subject_is_named_by_asin_public_id_or_uuid(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    public = listed_binding(desk, seller_id, "B0AUDIT003")
    browser = visitor(seller_key)
    for name in ("b0audit003", public, str(binding_id_of(seller_id, "B0AUDIT003"))):
        assert len(types_in(browser.get(f"/audit?subject={name}").text)) == 5, name
    refused = browser.get("/audit?subject=whatever")
    assert refused.status_code == 400
    assert "Give an ASIN" in refused.text


def test_an_export_of_any_length_holds_every_row_once(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    listed_binding(desk, seller_id, "B0LONG0001")
    prices = [adjusted(number, number + 1) for number in range(1, 2_101)]
    record(desk, seller_id, binding_id_of(seller_id, "B0LONG0001"), 5, list(prices))
    browser = visitor(seller_key)
    rows = exported(browser, "subject=B0LONG0001")
    assert [int(row["version"]) for row in rows] == list(range(2_105, 0, -1))
    page = browser.get("/audit?subject=B0LONG0001").text
    older = re.search(r'href="([^"]+)" rel="next"', page)
    assert older
    assert len(types_in(browser.get(html.unescape(older[1])).text)) == 50


def test_a_binding_is_reconstructed_at_a_second_or_a_position(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    listed_binding(desk, seller_id, "B0RECON001")
    browser = visitor(seller_key)
    rows = exported(browser, "subject=B0RECON001")
    position = rows[1]["position"]
    by_position = browser.get(f"/audit/reconstruct?subject=B0RECON001&at_position={position}")
    page = browser.get(by_position.headers["location"]).text
    assert "You are looking at the past" in page
    assert "version 4" in page
    later = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    by_time = browser.get("/audit/reconstruct", params={"subject": "B0RECON001", "as_of": later})
    assert "version 5" in browser.get(by_time.headers["location"]).text
    assert browser.get("/audit/reconstruct?subject=B0RECON001&as_of=soon").status_code == 400
    assert browser.get("/audit/reconstruct").status_code == 404


def test_another_sellers_events_are_in_no_page_and_no_export(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    stranger = uuid4()
    foreign = listed_binding(desk, stranger, "B0FOREIGN1")
    browser = visitor(seller_key)
    assert types_in(browser.get(f"/audit?subject={foreign}").text) == []
    assert exported(browser, f"subject={foreign}") == []
    assert "B0FOREIGN1" not in browser.get("/audit").text
    named = f"seller_id=sel_1_{stranger.hex}"
    assert browser.get(f"/audit/export.csv?{named}").status_code == 404


def test_who_looked_is_told_to_the_seller_and_why_to_the_auditor_only(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    browser, named = visitor(seller_key), f"seller_id=sel_1_{seller_id.hex}"
    assert "Nobody has looked yet." in browser.get("/audit?view=looks").text
    support = visitor(desk.keys.create("support", None, "desk")[1])
    assert support.get(f"/audit?{named}").status_code == 200
    assert support.get(f"/audit?view=looks&{named}").status_code == 400
    auditor = visitor(desk.keys.create("auditor", None, "audit")[1])
    why = auditor.get(f"/audit?view=looks&{named}").text
    assert "the seller asked by telephone" in why
    told = browser.get("/audit?view=looks").text
    assert "Support" in told
    assert "the seller asked by telephone" not in told


def test_staff_who_say_no_reason_get_no_export(
    desk: Desk, seller_id: UUID, visitor: Visitor
) -> None:
    auditor = visitor(desk.keys.create("auditor", None, "audit")[1])
    del auditor.headers["access-reason"]
    named = f"seller_id=sel_1_{seller_id.hex}"
    assert auditor.get(f"/audit/export.jsonl?{named}").status_code == 403
    assert auditor.get(f"/audit/reconstruct?{named}&subject=B0ANYTHING").status_code == 403


def test_what_the_operator_can_verify_is_said_with_its_command(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    page = visitor(seller_key).get("/audit").text
    assert "asin-sync audit replay" in page
    assert "Nothing is signed yet" in page


def test_the_newest_checkpoint_is_shown_to_be_kept_and_how_to_verify_with_it(
    desk: Desk, installation: Installation, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0SIGNED01")
    scene = TransparencyScene(installation)
    scene.sign()
    browser = visitor(seller_key)
    page = browser.get("/audit").text
    kept = re.search(r'href="([^"]+)" download="asin-sync-(\d+)\.checkpoint"', page)
    assert kept
    note = browser.get(html.unescape(kept[1])).text
    assert note.split("\n")[1] == kept[2]
    keys = browser.get("/v1/checkpoint/keys").text
    assert all(line.split("+")[1] in page for line in keys.splitlines())
    assert "asin-sync audit verify" in page
    linked = re.search(r'href="([^"]+/evidence[^"]*)"', browser.get(f"/bindings/{binding}").text)
    assert linked
    bundle = browser.get(html.unescape(linked[1]))
    assert bundle.headers["content-type"] == "application/zip"
    assert bundle.headers["content-language"] == "en"
    scene.close()


def test_staff_get_the_evidence_of_the_seller_they_look_at_with_their_reason_only(
    desk: Desk, installation: Installation, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0SIGNED02")
    scene = TransparencyScene(installation)
    scene.sign()
    auditor = visitor(desk.keys.create("auditor", None, "audit")[1])
    page = auditor.get(f"/bindings/{binding}?seller_id=sel_1_{seller_id.hex}").text
    linked = re.search(r'href="([^"]+/evidence[^"]*)"', page)
    assert linked
    assert auditor.get(html.unescape(linked[1])).status_code == 200
    silent = visitor(desk.keys.create("auditor", None, "audit")[1])
    del silent.headers["access-reason"]
    assert silent.get(html.unescape(linked[1])).status_code == 403
    scene.close()
