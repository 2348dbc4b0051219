"""An admission: who may apply, what is asked for, and what a reviewer may send back (SPEC §2)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any, get_args

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain import admission, seller
from domain.admission import (
    AdmissionFact,
    Apply,
    Approve,
    DocumentFiled,
    Fault,
    FileAsinList,
    FileDocument,
    FileUndertaking,
    Item,
    ListedAsin,
    Rejection,
    Return,
    ReviewRequested,
    fits,
)
from domain.business_days import business_day_after, business_days_between, is_business_day
from domain.errors import ApplicationRefused, DocumentRefused, EntityNotEligible, WrongState
from domain.evidence import EvidenceFile
from domain.facts import Stamp
from domain.seller import Seller
from tests.examples import SELLER_ID, STAMP
from tests.spec import given_by

given = given_by(lambda facts: seller.fold(SELLER_ID, facts).standing)
given_seller = given_by(lambda facts: seller.fold(SELLER_ID, facts))

FILE = EvidenceFile(sha256="ab" * 32, media_type="application/pdf", size_bytes=9)
CHINESE: tuple[Item, ...] = (
    "business_registration", "business_registration_translation", "bank_account",
    "tax_agent_authority",
)  # fmt: skip
LINKS = (
    seller.Registered(stamp=STAMP, amazon_seller_id="A2EXAMPLE12345", shop_name="店"),
    seller.AmazonLinked(stamp=STAMP, amazon_seller_id="A2EXAMPLE12345"),
    seller.MercariLinked(stamp=STAMP, shop_id="shop-1"),
)
ASINS = (ListedAsin(asin="B0EXAMPLE1", mercari_category_id="c-1", suggested_price_jpy=1_000),)


def application(**changes: Any) -> Apply:
    fields = {
        "stamp": STAMP, "entity": "cn_company", "company_name": "深圳示例有限公司",
        "registration_number": "91110000600037341L", "sells_brands": False,
        "representative_name": "张三", "contact_name": "李四",
        "contact_email": "li@shop.example", "language": "zh",
    }  # fmt: skip
    return Apply.model_validate({**fields, **changes})


JAPANESE = application(
    entity="jp_kabushiki_gaisha", company_name="株式会社見本", registration_number="5835678256246"
)


def applied(command: Apply | None = None) -> list[AdmissionFact]:
    return admission.apply(admission.Admission(), command or application())


def filed(item: Item) -> DocumentFiled:
    return DocumentFiled(stamp=STAMP, item=item, file=FILE)


def filing(item: Item) -> FileDocument:
    return FileDocument(stamp=STAMP, item=item, file=FILE)


def undertaking(**changes: Any) -> FileUndertaking:
    fields = {
        "stamp": STAMP, "template_version": "2026-11", "file": FILE, "signatory_name": "张三",
        "has_seal": True, "has_signature": True,
    }  # fmt: skip
    return FileUndertaking.model_validate({**fields, **changes})


def signed(stamp: Stamp) -> tuple[AdmissionFact, ...]:
    return (
        admission.UndertakingFiled(
            stamp=stamp, template_version="2026-11", file=FILE, signatory_name="张三"
        ),
        admission.AsinListFiled(stamp=stamp, asins=ASINS),
    )


def complete() -> list[AdmissionFact]:
    """Applied, every document filed, in review."""
    history = [*applied(), *(filed(item) for item in CHINESE[:-1])]
    return [*history, *given(*history).when(admission.file_document, filing(CHINESE[-1])).facts()]


# --- who may apply --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [application(), JAPANESE])
def test_a_chinese_company_and_a_kabushiki_gaisha_may_apply(command: Apply) -> None:
    (fact,) = applied(command)
    assert (fact.TOPIC, fact.stamp) == ("seller.applied", STAMP)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"entity": "sole_proprietor"}, "entity_sole_proprietor"),
        ({"registration_number": "92110000600037341L"}, "entity_sole_proprietor"),
        ({"entity": "hk_company", "registration_number": "12345678"}, "entity_hong_kong"),
        ({"entity": "foundation"}, "entity_other"),
        ({"entity": ""}, "entity_other"),
        (
            {"entity": "jp_kabushiki_gaisha", "company_name": "合同会社見本"},
            "entity_not_kabushiki_gaisha",
        ),
    ],
)
def test_who_is_not_eligible_is_told_so_and_why_at_once(changes: Any, rule: str) -> None:
    with pytest.raises(EntityNotEligible) as refused:
        applied(application(**changes))
    assert (refused.value.code, refused.value.fields["rules"]) == ("E-418", {"entity": rule})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"registration_number": "91110000600037341X"}, "registration_number"),
        ({"registration_number": "93110000600037341L"}, "registration_number"),
        ({"registration_number": ""}, "registration_number"),
        ({"company_name": " "}, "company_name"),
        ({"representative_name": ""}, "representative_name"),
        ({"contact_email": "li@shop.example\nBcc: x@y.example"}, "contact_email"),
    ],
)
def test_an_application_that_lacks_something_names_it(changes: Any, field: str) -> None:
    with pytest.raises(ApplicationRefused) as refused:
        applied(application(**changes))
    assert list(refused.value.fields["rules"]) == [field]


def test_nobody_applies_twice() -> None:
    state = given(*applied()).state.admission
    with pytest.raises(WrongState):
        admission.apply(state, application())


def test_an_application_may_be_corrected_until_its_review_begins_and_when_it_came_back() -> None:
    renamed = application(company_name="深圳示例二有限公司")
    given(*applied()).when(admission.amend, renamed).then(*applied(renamed))
    given(*applied()).when(admission.amend, application()).then_nothing()
    given().when(admission.amend, renamed).then_refused(WrongState)
    given(*complete()).when(admission.amend, renamed).then_refused(WrongState)
    rejection = Rejection(item="bank_account", fault="other_company")
    back = Return(stamp=STAMP, rejections=(rejection,))
    history = complete()
    history += given(*history).when(admission.send_back, back).facts()
    given(*history).when(admission.amend, renamed).then(*applied(renamed))


def test_a_correction_that_makes_everything_complete_begins_the_review() -> None:
    history = [*applied(application(sells_brands=True)), *(filed(item) for item in CHINESE)]
    given(*history).when(admission.amend, application()).then_topics(
        "seller.applied", "seller.review_requested"
    )


# --- documents ------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(CHINESE))[::5])
def test_the_clock_starts_with_the_last_document_in_whatever_order_they_come(order: Any) -> None:
    history = applied()
    for item in order[:-1]:
        history += given(*history).when(admission.file_document, filing(item)).facts()
        assert history[-1] == filed(item)
    _, begun = given(*history).when(admission.file_document, filing(order[-1])).facts()
    assert (begun.TOPIC, begun.stage, begun.round) == ("seller.review_requested", "pro_seller", 1)
    assert begun.due_on == business_day_after(STAMP.decided_at, 7)


def test_a_japanese_company_needs_its_register_extract_and_no_tax_agent() -> None:
    required = given(*applied(JAPANESE)).state.admission.required("pro_seller")
    assert required == ("company_register", "bank_account")


def test_brand_goods_ask_for_the_chain_of_authorisations() -> None:
    history = applied(application(sells_brands=True))
    assert "brand_authorisation" in given(*history).state.admission.missing("pro_seller")


def test_what_is_not_asked_for_is_refused_and_what_is_asked_for_is_named() -> None:
    when = given(*applied()).when(admission.file_document, filing("company_register"))
    refusal = when.then_refused(DocumentRefused, "E-419")
    assert refusal.fields["asked_for"] == list(CHINESE)


def test_nothing_is_filed_before_an_application_or_during_a_review() -> None:
    given().when(admission.file_document, filing("bank_account")).then_refused(WrongState)
    given(*complete()).when(admission.file_document, filing("bank_account")).then_refused(
        WrongState
    )


def test_a_document_may_be_replaced_until_the_review_begins() -> None:
    history = [*applied(), filed("bank_account")]
    given(*history).when(admission.file_document, filing("bank_account")).then(
        filed("bank_account")
    )


# --- reviews --------------------------------------------------------------------------------------


def test_only_what_was_sent_back_is_asked_for_again() -> None:
    back = Return(
        stamp=STAMP, rejections=(Rejection(item="bank_account", fault="account_not_in_yen"),)
    )
    history = complete()
    history += given(*history).when(admission.send_back, back).facts()
    state = given(*history).state.admission
    assert (state.review("pro_seller").progress, state.missing("pro_seller")) == (
        "returned", ["bank_account"],
    )  # fmt: skip
    given(*history).when(admission.file_document, filing(CHINESE[0])).then_refused(DocumentRefused)
    _, again = given(*history).when(admission.file_document, filing("bank_account")).facts()
    assert (again.TOPIC, again.round) == ("seller.review_requested", 2)


@pytest.mark.parametrize(
    "rejections",
    [
        (),
        (Rejection(item="company_register", fault="unreadable"),),
        (Rejection(item="bank_account", fault="not_notarised"),),
        (Rejection(item="undertaking", fault="seal_missing"),),
    ],
)
def test_a_reason_that_does_not_fit_is_refused(rejections: Any) -> None:
    command = Return(stamp=STAMP, rejections=rejections)
    given(*complete()).when(admission.send_back, command).then_refused(DocumentRefused)


def test_a_chain_of_authorisations_may_follow_after_the_approval() -> None:
    history = complete()
    history += given(*history).when(admission.approve, Approve(stamp=STAMP)).facts()
    chain = filing("brand_authorisation")
    given(*history).when(admission.file_document, chain).then(filed("brand_authorisation"))


def test_of_two_reviewers_one_wins_and_the_other_is_told_who_and_when() -> None:
    approve = Approve(stamp=STAMP)
    history = complete()
    history += given(*history).when(admission.approve, approve).facts()
    refusal = given(*history).when(admission.approve, approve).then_refused(WrongState)
    assert STAMP.actor in refusal.detail
    assert str(STAMP.decided_at) in refusal.detail


def test_every_fault_fits_something_and_every_document_can_be_unreadable() -> None:
    items = get_args(Item)
    assert all(fits(Rejection(item=item, fault="unreadable")) for item in items)
    assert all(
        any(fits(Rejection(item=item, fault=fault)) for item in items) for fault in get_args(Fault)
    )


# --- permission -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"template_version": "2020-01"}, "template_version"),
        ({"has_seal": False}, "has_seal"),
        ({"has_signature": False}, "has_signature"),
        ({"signatory_name": " "}, "signatory_name"),
    ],
)
def test_an_undertaking_needs_the_template_the_seal_and_the_signature(
    changes: Any, field: str
) -> None:
    command = undertaking(**changes)
    refusal = (
        given(*complete()).when(admission.file_undertaking, command).then_refused(DocumentRefused)
    )
    assert list(refusal.fields["rules"]) == [field]


def test_an_empty_asin_list_is_refused() -> None:
    command = FileAsinList(stamp=STAMP, asins=())
    given(*complete()).when(admission.file_asin_list, command).then_refused(DocumentRefused)


def parts() -> dict[str, Any]:
    """What opens ASIN Sync, each with the decision that brings it."""
    return {
        "approval": lambda it: seller.admit(it, Approve(stamp=STAMP)),
        "amazon": lambda it: seller.link_amazon(it, seller.LinkAmazon(stamp=STAMP)),
        "mercari": lambda it: seller.link_mercari(it, seller.LinkMercari(stamp=STAMP, shop_id="s")),
        "list": lambda it: admission.file_asin_list(
            it.standing, FileAsinList(stamp=STAMP, asins=ASINS)
        ),
        "undertaking": lambda it: admission.file_undertaking(it.standing, undertaking()),
    }


@examples(st.permutations(sorted(parts())))
def test_sync_opens_when_all_holds_in_whatever_order_it_came(order: list[str]) -> None:
    history: list[Any] = [LINKS[0], *complete()]
    for name in order:
        known = seller.fold(SELLER_ID, history)
        assert not known.is_sync_enabled
        assert seller.missing_admission(known)
        history += parts()[name](known)
    begun = history[-1]
    assert (begun.TOPIC, begun.stage) == ("seller.review_requested", "asin_sync")
    known = seller.fold(SELLER_ID, history)
    assert seller.missing_admission(known) == ["ASIN Sync approval"]
    history += seller.admit(known, Approve(stamp=STAMP))
    let_in: Seller = seller.fold(SELLER_ID, history)
    assert let_in.is_sync_enabled
    assert seller.missing_admission(let_in) == []


# --- the calendar ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (datetime(2026, 11, 25, 3, tzinfo=UTC), date(2026, 12, 4)),
        (datetime(2026, 12, 25, 3, tzinfo=UTC), date(2027, 1, 12)),
        (datetime(2027, 4, 28, 3, tzinfo=UTC), date(2027, 5, 13)),
        (datetime(2026, 9, 18, 3, tzinfo=UTC), date(2026, 10, 2)),
    ],
)
def test_a_review_is_due_seven_japanese_business_days_later(asked: datetime, due: date) -> None:
    assert business_day_after(asked, 7) == due


def test_the_day_is_that_of_japan() -> None:
    late_on_thursday_in_utc = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)
    assert business_day_after(late_on_thursday_in_utc, 1) == date(2026, 11, 30)


@examples(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.integers(1, 30))  # noqa: DTZ001
def test_days_after_and_days_between_agree(moment: datetime, days: int) -> None:
    begin = moment.replace(tzinfo=UTC)
    due = business_day_after(begin, days)
    assert is_business_day(due)
    noon = datetime(due.year, due.month, due.day, 3, tzinfo=UTC)
    assert business_days_between(begin, noon) == days


def test_a_review_fact_keeps_its_due_day() -> None:
    fact = ReviewRequested(stamp=STAMP, stage="pro_seller", round=1, due_on=date(2027, 1, 8))
    assert given_seller(fact).state.admission.review("pro_seller").due_on == date(2027, 1, 8)
