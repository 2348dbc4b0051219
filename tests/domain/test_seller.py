"""A seller: registered once, linked to both marketplaces, enabled only when nothing is missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain import seller
from domain.admission import ApplicationApproved
from domain.errors import (
    PriceOutOfRange,
    SellerExists,
    SellerLeft,
    SyncNotEnabled,
    WarrantyIncomplete,
)
from domain.rules.warranty import TEMPLATE_URL, Warranty, listing_description
from tests.domain.test_admission import signed
from tests.examples import SELLER_ID, STAMP, TITLE
from tests.spec import given_by

given = given_by(lambda facts: seller.fold(SELLER_ID, facts))

ACCOUNT = "A2EXAMPLE12345"
REGISTERED = seller.Registered(stamp=STAMP, amazon_seller_id=ACCOUNT, shop_name="店")
AMAZON = seller.AmazonLinked(stamp=STAMP, amazon_seller_id=ACCOUNT)
MERCARI = seller.MercariLinked(stamp=STAMP, shop_id="shop-1")
ENABLED = seller.SyncEnabled(stamp=STAMP)
DISABLED = seller.SyncDisabled(stamp=STAMP, code="E-401", reason="permission revoked")
LINKED = (REGISTERED, AMAZON, MERCARI)
ADMITTED = (
    *signed(STAMP),
    ApplicationApproved(stamp=STAMP, stage="pro_seller", round=1),
    ApplicationApproved(stamp=STAMP, stage="asin_sync", round=1),
)
STEPS = [
    "Pro Seller approval", "Amazon link", "Mercari link", "ASIN list", "compliance undertaking",
    "ASIN Sync approval",
]  # fmt: skip
ENABLE = seller.EnableSync(stamp=STAMP)
SWEEP = seller.RequestSweep(stamp=STAMP, kind="status")


def test_a_seller_registers_once() -> None:
    command = seller.Register(stamp=STAMP, amazon_seller_id=ACCOUNT, shop_name="店")
    given().when(seller.register, command).then(REGISTERED)
    given(REGISTERED).when(seller.register, command).then_refused(SellerExists)


def test_linking_again_is_a_new_fact_because_the_token_is_new() -> None:
    given(*LINKED).when(seller.link_amazon, seller.LinkAmazon(stamp=STAMP)).then(AMAZON)
    command = seller.LinkMercari(stamp=STAMP, shop_id="shop-1")
    given(*LINKED).when(seller.link_mercari, command).then(MERCARI)


@pytest.mark.parametrize(
    ("history", "missing"),
    [
        ((), ["registration", *STEPS]),
        ((REGISTERED,), STEPS),
        (LINKED, [step for step in STEPS if "link" not in step]),
        ((*LINKED, *ADMITTED[:3]), ["ASIN Sync approval"]),
    ],
)
def test_sync_is_refused_with_e_401_naming_what_is_missing(history: Any, missing: Any) -> None:
    refusal = given(*history).when(seller.enable_sync, ENABLE).then_refused(SyncNotEnabled)
    assert refusal.fields["missing"] == missing
    assert refusal.code == "E-401"


def test_sync_is_enabled_and_disabled_once() -> None:
    disable = seller.DisableSync(stamp=STAMP, code="E-401", reason="permission revoked")
    admitted = (*LINKED, *ADMITTED)
    given(*admitted).when(seller.enable_sync, ENABLE).then(ENABLED)
    given(*admitted, ENABLED).when(seller.enable_sync, ENABLE).then_nothing()
    given(*admitted, ENABLED).when(seller.disable_sync, disable).then(DISABLED)
    given(*admitted, ENABLED, DISABLED).when(seller.disable_sync, disable).then_nothing()
    given(*admitted, ENABLED, DISABLED).when(seller.enable_sync, ENABLE).then(ENABLED)


def test_a_seller_of_before_there_were_applications_stays_enabled() -> None:
    given(*LINKED, ENABLED).when(seller.request_sweep, SWEEP).then_topics("seller.sweep_requested")


def test_a_seller_that_leaves_may_never_sync_again() -> None:
    leave = seller.RequestErasure(stamp=STAMP, ground="request")
    (left,) = given(*LINKED, *ADMITTED, ENABLED).when(seller.request_erasure, leave).facts()
    history = (*LINKED, *ADMITTED, ENABLED, left)
    given(*history).when(seller.request_erasure, leave).then_nothing()
    given(*history).when(seller.enable_sync, ENABLE).then_refused(SellerLeft)
    given(*history).when(seller.request_sweep, SWEEP).then_refused(SellerLeft)


def test_a_sweep_is_for_sellers_who_may_bind() -> None:
    given(*LINKED, ENABLED).when(seller.request_sweep, SWEEP).then(
        seller.SweepRequested(stamp=STAMP, kind="status")
    )
    for history in ((), LINKED, (*LINKED, ENABLED, DISABLED)):
        given(*history).when(seller.request_sweep, SWEEP).then_refused(SyncNotEnabled)


@pytest.mark.parametrize("rate", ["-0.15", "-0.07", "0.15"])
def test_a_default_float_within_fifteen_percent_is_kept(rate: str) -> None:
    command = seller.ChangeSettings(
        stamp=STAMP, default_float_rate=Decimal(rate), reinstatement="automatic"
    )
    (fact,) = given(*LINKED).when(seller.change_settings, command).facts()
    state = given(*LINKED, fact).state
    assert (state.default_float_rate, state.reinstatement) == (Decimal(rate), "automatic")
    given(*LINKED, fact).when(seller.change_settings, command).then_nothing()


@pytest.mark.parametrize("rate", ["-0.1501", "0.1501", "1", "-1"])
def test_a_default_float_beyond_fifteen_percent_is_refused(rate: str) -> None:
    command = seller.ChangeSettings(
        stamp=STAMP, default_float_rate=Decimal(rate), reinstatement="manual"
    )
    given(*LINKED).when(seller.change_settings, command).then_refused(PriceOutOfRange, "E-409")


def test_settings_that_are_not_given_stay_as_they_are() -> None:
    first = seller.ChangeSettings(
        stamp=STAMP, default_float_rate=Decimal("0.05"), brake_rate=Decimal("0.25"), last_units=2
    )
    (fact,) = given(*LINKED).when(seller.change_settings, first).facts()
    keep = seller.ChangeSettings(stamp=STAMP, hand_edited_price="keep")
    given(*LINKED, fact).when(seller.change_settings, keep).then(
        seller.SettingsChanged(
            stamp=STAMP, default_float_rate=Decimal("0.05"), reinstatement="manual",
            brake_rate=Decimal("0.25"), hand_edited_price="keep", last_units=2,
        )
    )  # fmt: skip
    nothing = seller.ChangeSettings(stamp=STAMP)
    given(*LINKED, fact).when(seller.change_settings, nothing).then_nothing()


def test_settings_of_before_there_were_guards_still_read() -> None:
    old = {"stamp": STAMP, "default_float_rate": Decimal("0.05"), "reinstatement": "automatic"}
    state = given(*LINKED, seller.SettingsChanged.model_validate(old)).state
    assert (state.brake_rate, state.hand_edited_price, state.last_units) == (
        Decimal("0.10"), "put_back", 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"brake_rate": "0.0099"}, {"brake_rate": "1.01"}, {"brake_rate": "NaN"},
        {"last_units": -1}, {"last_units": 101}, {"hand_edited_price": "ask"},
    ],
)  # fmt: skip
def test_a_guard_out_of_its_range_can_t_be_asked_for(changes: Any) -> None:
    with pytest.raises(ValidationError):
        seller.ChangeSettings(stamp=STAMP, **changes)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"conditions": ""}, ["conditions"]),
        ({"remedy": "交换或退款"}, ["remedy"]),
        ({"exclusions": "damage by the user"}, ["exclusions"]),
        ({"days": 0, "remedy": " "}, ["days", "remedy"]),
    ],
)
def test_a_warranty_missing_a_part_or_not_in_japanese_is_refused(changes: Any, parts: Any) -> None:
    command = seller.ChangeWarranty(stamp=STAMP, warranty=Warranty(**changes), is_attested=True)
    refusal = given(*LINKED).when(seller.change_warranty, command).then_refused(WarrantyIncomplete)
    assert (refusal.code, refusal.fields["parts"]) == ("E-414", parts)


def test_a_changed_warranty_is_recorded_once() -> None:
    longer = Warranty(days=14)
    command = seller.ChangeWarranty(stamp=STAMP, warranty=longer, is_attested=True)
    changed = seller.WarrantyChanged(stamp=STAMP, warranty=longer, is_attested=True)
    given(*LINKED).when(seller.change_warranty, command).then(changed)
    given(*LINKED, changed).when(seller.change_warranty, command).then_nothing()


def test_a_listing_shows_the_warranty_first_with_days_terms_and_the_template_s_link() -> None:
    text = listing_description(TITLE, Warranty())
    assert text.startswith("初期不良保証期間:7日\n")
    assert all(
        part in text for part in ("24時間以内", "交換または返金", "破損", TEMPLATE_URL, TITLE)
    )


def test_keys_are_facts_by_their_id_only() -> None:
    issue = seller.IssueKey(stamp=STAMP, key_id="k1", role="auditor", label="audit")
    (issued,) = given(*LINKED).when(seller.issue_key, issue).facts()
    revoke = seller.RevokeKey(stamp=STAMP, key_id="k1")
    (revoked,) = given(*LINKED, issued).when(seller.revoke_key, revoke).facts()
    assert (issued.key_id, issued.role, revoked.key_id) == ("k1", "auditor", "k1")
    assert given(*LINKED, issued, revoked).state.version == 5
