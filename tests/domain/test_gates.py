"""Gates: state, fulfilment, unsupported goods, label and manual – each with what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from domain.policy import policy_of
from domain.rules.findings import Check
from domain.rules.gates import check_fulfilment, check_localisation, check_state, check_supported
from domain.rules.proofs import Proof
from tests.examples import a_product

POLICY = policy_of()


def codes(check: Check) -> list[str]:
    return [found.code for found in check.findings]


def test_goods_sent_by_amazon_need_no_proof_of_shipping_time() -> None:
    assert check_fulfilment(POLICY, a_product(channel="fba"), ()).verdict == "pass"


@pytest.mark.parametrize(("days", "found"), [(None, ["E-405"]), (8, ["E-405"]), (7, []), (0, [])])
def test_a_seller_who_ships_states_how_soon(days: int | None, found: list[str]) -> None:
    product = a_product(channel="seller", shipping_days=days)
    assert codes(check_fulfilment(POLICY, product, ())) == found


def test_the_newest_proof_of_shipping_time_counts_before_what_amazon_states() -> None:
    product = a_product(channel="seller", shipping_days=30)
    proofs = [Proof(kind="shipping_time", shipping_days=days) for days in (20, 3)]
    assert codes(check_fulfilment(POLICY, product, proofs)) == []
    assert codes(check_fulfilment(POLICY, product, proofs[:1])) == ["E-405"]


def test_an_unread_channel_is_unknown_where_the_asin_is_active() -> None:
    assert check_fulfilment(POLICY, a_product(channel=None), ()).verdict == "unknown"


def test_unknown_is_never_called_inactive() -> None:
    check = check_state(a_product(status="unknown"))
    assert (check.verdict, check.findings) == ("unknown", ())


@pytest.mark.parametrize(
    ("product", "rule"),
    [
        ({"browse_path": ("食品・飲料・お酒", "菓子")}, "unsupported_food"),
        ({"browse_path": ("食品&飲料", "コーヒー")}, "unsupported_food"),
        ({"product_type": "GROCERY"}, "unsupported_food"),
        ({"browse_path": ("ドラッグストア", "医薬品", "かぜ薬")}, "unsupported_medicine"),
        ({"title": "【第２類医薬品】目薬 15ml"}, "unsupported_medicine"),
        ({"browse_path": ("ドラッグストア", "サプリメント")}, "unsupported_supplement"),
        ({"browse_path": ("アダルト",)}, "unsupported_adult"),
        ({"title": "NP-FW50 互換バッテリー 2個"}, "unsupported_compatible_battery"),
        ({"title": "マグネットボール 216個"}, "unsupported_magnet_set"),
        ({"title": "水で膨らむボール おもちゃ"}, "unsupported_water_absorbing_ball"),
        ({"title": "手持ち花火セット"}, "unsupported_dangerous"),
        ({"title": "ニコチンリキッド"}, "unsupported_tobacco"),
    ],
)
def test_what_mercari_bans_is_refused_by_path_type_or_words(
    product: dict[str, Any], rule: str
) -> None:
    [found] = check_supported(POLICY, a_product(**product)).findings
    assert (found.code, found.rule) == ("E-406", rule)
    assert found.field in ("browse_path", "product_type", "title")


@pytest.mark.parametrize(
    "product",
    [
        {"browse_path": ("ペット用品", "犬用品", "ドッグフード"), "product_type": "FOOD"},
        {"title": "食品保存容器 ガラス 3個セット", "browse_path": ("ホーム＆キッチン",)},
        {"title": "お薬カレンダー 1週間", "browse_path": ("ホーム＆キッチン",)},
        {"title": "純正バッテリー NP-FW50"},
        {"title": "冷蔵庫用 マグネットフック"},
    ],
)
def test_goods_that_only_sound_like_banned_ones_pass(product: dict[str, Any]) -> None:
    assert check_supported(POLICY, a_product(**product)).findings == ()


@pytest.mark.parametrize(
    ("product", "found"),
    [
        ({"manual_languages": ("english",)}, ["E-413"]),
        ({"manual_languages": ("english", "Japanese")}, []),
        ({"manual_languages": None}, []),
        ({"title": "Leather Handbag Black"}, ["E-413"]),
        ({"title": "电动牙刷 充电式"}, ["E-413"]),
        ({"title": "天然木香炉"}, []),
    ],
)
def test_a_label_and_manual_in_japanese_are_asked_for(
    product: dict[str, Any], found: list[str]
) -> None:
    assert codes(check_localisation(a_product(**product), ())) == found


def test_a_photo_of_the_japanese_label_mends_it() -> None:
    product = a_product(manual_languages=("english",))
    assert codes(check_localisation(product, [Proof(kind="label")])) == []
