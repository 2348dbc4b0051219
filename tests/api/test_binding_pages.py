"""The page of one binding: its past, two of its instants, and what caused what."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import psycopg
import pytest

from api.desk import Desk
from api.pages.page_frame import STATIC
from domain.asin_binding.facts import Rejected, Requested, Suspended
from domain.error_codes import LANGUAGES
from domain.facts import Cause, Stamp
from domain.rules.precheck import Finding
from domain.stamps import event_id_of
from domain.values import binding_id_of
from infra.migrate import FIRST_CELL
from tests.api.page_data import TERMS, listed_binding, product, record, stamp
from tests.api.visiting import Visitor, csrf_in

PAGE_BYTES_MAX = 40_000


def failed_binding(desk: Desk, seller_id: UUID, asin: str) -> str:
    """A binding refused by the very request that asked for it; its path."""
    binding_id = binding_id_of(seller_id, asin)
    asked = stamp()
    caused = Cause(
        correlation_id=asked.cause.correlation_id, causation_id=event_id_of(binding_id, 1)
    )
    fault = Finding(code="E-403", field="category", seen="マグカップ", rule="≥ 92 %", source="v2.1")
    refused = Stamp(**{**asked.model_dump(), "cause": caused})
    record(desk, seller_id, binding_id, 0, [
        Requested(stamp=asked, asin=asin, sku="SKU-1", terms=TERMS),
        Rejected(stamp=refused, product=product(asin), findings=(fault,)),
    ])  # fmt: skip
    return f"/bindings/bnd_1_{binding_id.hex}"


def test_a_listing_whose_price_took_it_off_sale_says_the_price_the_range_and_what_to_do(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0PRICED01")
    binding_id = binding_id_of(seller_id, "B0PRICED01")
    priced_out = Suspended(
        stamp=stamp(), code="E-409", amazon_status="active", reason="price_out_of_range",
        amazon_price_jpy=200,
    )  # fmt: skip
    record(desk, seller_id, binding_id, 5, [priced_out])
    page = visitor(seller_key).get(f"/bindings/{binding}").text
    assert "Suspended: Price out of range (E-409)" in page
    wrong = page.split("What is wrong, and the next step")[1].split("</section>")[0]
    assert "seen: ¥200" in wrong
    assert "Mercari takes ¥300 to ¥9,999,999" in wrong
    assert "Correct the price on Amazon" in wrong
    assert "range shown in the detail" not in wrong


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("view", ["timeline", "diff", "json", "event"])
def test_every_view_answers_in_each_language_and_is_small(
    desk: Desk, seller_key: str, seller_id: UUID, language: str, view: str, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0VIEWS001")
    answer = visitor(seller_key).get(f"/bindings/{binding}?view={view}&lang={language}")
    assert answer.status_code == 200
    assert len(answer.content) < PAGE_BYTES_MAX


def test_two_instants_show_the_fields_that_differ_side_by_side(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0COMPARE1")
    page = visitor(seller_key).get(f"/bindings/{binding}?view=diff&from=3&to=5").text
    assert re.search(r"price_jpy</small></th><td><del>¥9,480</del></td><td><ins>¥9,600<", page)
    assert re.search(r"status</small></th><td><del>Being listed</del></td><td><ins>On sale<", page)
    assert "stock_threshold</small>" not in page
    assert f"/v1/bindings/{binding}/diff?from=3&amp;to=5" in page


def test_instants_to_compare_may_be_named_by_their_time(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0COMPARE2")
    browser = visitor(seller_key)
    path = f"/bindings/{binding}?view=diff"
    assert "Price shown" in browser.get(f"{path}&from=1&to=2100-01-01T00:00:00Z").text
    assert browser.get(f"{path}&from=2020-01-01T00:00:00Z&to=2").status_code == 404
    assert browser.get(f"{path}&from=1&to=99").status_code == 404


def test_a_comparison_without_instants_is_what_the_shown_version_changed(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0COMPARE3")
    page = visitor(seller_key).get(f"/bindings/{binding}?view=diff").text
    assert page.count("</small></th><td><del>") == 2
    assert "¥9,100" in page


def test_the_story_of_a_failure_names_its_cause_and_the_ten_events_before_it(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    for number in range(3):
        listed_binding(desk, seller_id, f"B0BEFORE0{number}")
    path = failed_binding(desk, seller_id, "B0FAILED01")
    browser = visitor(seller_key)
    timeline = browser.get(path).text
    assert "led to version 2" in timeline
    assert "because of version 1" in timeline
    assert f"{path}?view=event&amp;event=2" in timeline
    story = browser.get(f"{path}?view=event&event=2").text
    causes, rest = story.split("Caused by</h2>")[1].split("Led to</h2>")
    assert "asin_binding.requested" in causes
    assert "caused this" in causes
    effects, before = rest.split("10 events before it in the shop")
    assert "asin_binding." not in effects
    assert before.count('<span class="mono">asin_binding.') == 10
    assert "B0BEFORE02" in before
    first = browser.get(f"{path}?view=event&event=1").text
    assert "caused by this" in first.split("Led to</h2>")[1]


@pytest.mark.parametrize("position", [2**15 - 1_000, 2**31 - 1_000])
def test_a_story_is_told_however_long_the_log_is(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor, database_url: str, position: int
) -> None:
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            f"SELECT setval(pg_get_serial_sequence('{FIRST_CELL}.asin_sync_events',"
            " 'notification_id'), %s::bigint)",
            (position,),
        )
    path = failed_binding(desk, seller_id, "B0FAILED02")
    story = visitor(seller_key).get(f"{path}?view=event&event=2")
    assert story.status_code == 200
    assert "caused this" in story.text


def test_every_instant_has_a_link_and_the_past_a_frame_at_a_position_too(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0INSTANT1")
    browser = visitor(seller_key)
    history = browser.get(
        f"/v1/bindings/{binding}/history", headers={"Authorization": f"Bearer {seller_key}"}
    ).json()["items"]
    page = browser.get(f"/bindings/{binding}").text
    for version in range(1, 6):
        assert f"/bindings/{binding}?at_version={version}" in page
    then = browser.get(f"/bindings/{binding}?at_position={history[3]['position']}").text
    assert '<body class="past">' in then
    assert "version 4" in then
    assert browser.get(f"/bindings/{binding}?at_position=1").status_code == 404


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("as_of=0000-01-01T00:00", "Give a time between 2000 and 2100"),
        ("as_of=9999-12-31T23:59", "Give a time between 2000 and 2100"),
        ("at_version=x", "Give a whole number"),
        ("view=" + "x" * 10_000, "longer than 500 characters"),
        ("view=%00", "a character that no text has"),
        ("view=other", "does not know this choice"),
    ],
)
def test_an_address_that_cant_be_read_says_what_to_mend_and_leads_on(
    desk: Desk, seller_key: str, seller_id: UUID, query: str, rule: str, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0MENDIT01")
    answer = visitor(seller_key).get(f"/bindings/{binding}?seller_id=&{query}")
    assert answer.status_code == 400
    assert rule in answer.text
    assert len(answer.content) < PAGE_BYTES_MAX
    assert f'href="/bindings/{binding}?seller_id="' in answer.text


def test_the_second_of_two_tabs_is_told_what_the_first_one_changed(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0TWOTABS1")
    browser = visitor(seller_key)
    form = {"csrf": csrf_in(browser.get(f"/bindings/{binding}").text), "version": "5"}
    assert browser.post(f"/bindings/{binding}", data={**form, "action": "withdraw"}).is_redirect
    second = browser.post(f"/bindings/{binding}", data={**form, "action": "resubmit"})
    assert second.status_code == 409
    assert "changed after you opened it" in second.text
    assert f"/bindings/{binding}?view=diff&amp;from=5&amp;to=6" in second.text
    assert "Withdrawn" in browser.get(f"/bindings/{binding}").text


def test_a_title_with_markup_or_right_to_left_marks_stays_text(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding_id = binding_id_of(seller_id, "B0HOSTILE1")
    hostile = product("B0HOSTILE1").model_copy(
        update={"title": "<script>alert(1)</script>\u202e\u2067gnp.exe"}
    )
    fault = Finding(code="E-403", field="category", seen="<b>\u202e", rule="≥ 92 %", source="v2.1")
    record(desk, seller_id, binding_id, 0, [
        Requested(stamp=stamp(), asin="B0HOSTILE1", sku="SKU-1", terms=TERMS),
        Rejected(stamp=stamp(), product=hostile, findings=(fault,)),
    ])  # fmt: skip
    browser = visitor(seller_key)
    path = f"/bindings/bnd_1_{binding_id.hex}"
    for address in (path, f"{path}?view=diff", f"{path}?view=json", "/bindings", "/sync-log"):
        page = browser.get(address).text
        assert "<script>alert" not in page, address
        assert "<b>\u202e" not in page, address


def test_a_field_of_the_evidence_that_only_its_kind_needs_stands_in_a_group_of_that_kind(
    desk: Desk, seller_key: str, seller_id: UUID, visitor: Visitor
) -> None:
    binding = listed_binding(desk, seller_id, "B0GROUPED1")
    form = visitor(seller_key).get(f"/bindings/{binding}").text.split('id="kind"')[1]
    form = form.split("</form>")[0]
    groups = dict(re.findall(r'<div class="stack only-([a-z]+)">(.*?)</div>', form, re.DOTALL))
    named = {kind: re.findall(r' name="([a-z_]+)"', fields) for kind, fields in groups.items()}
    assert named == {
        "certificate": ["certificate_kind", "notifier", "inspection_body", "notified_on"],
        "number": ["number"],
        "shipping": ["shipping_days"],
    }
    css = STATIC["app.css"].body.decode()
    assert all(f".only-{kind}" in css for kind in groups)


def test_the_binding_of_somebody_else_has_no_view_and_no_story(
    desk: Desk, seller_key: str, visitor: Visitor
) -> None:
    foreign = listed_binding(desk, uuid4(), "B0FOREIGN1")
    for view in ("diff", "json", "event"):
        assert visitor(seller_key).get(f"/bindings/{foreign}?view={view}").status_code == 404
