"""Certificates: on file, not exposed and unknown are three things; numbers, marks and parts."""

from __future__ import annotations

from typing import Any

import pytest

from domain.policy import policy_of
from domain.product import Certificate, certificates_in
from domain.rules.certificates import check_certificates, hard_fault
from domain.rules.findings import Check
from domain.rules.proofs import Proof
from tests.examples import a_certificate, a_product

POLICY = policy_of()
DRYER = ("生活家電・空調", "美容・健康家電", "ヘアドライヤー")
EARPHONES = ("テレビ・オーディオ・カメラ", "オーディオ機器", "イヤホン")
CREAM = ("コスメ・美容", "スキンケア・基礎化粧品", "フェイスクリーム")
ROMPERS = ("ベビー・キッズ", "ベビー服", "ロンパース")
CAMERA_BAG = ("テレビ・オーディオ・カメラ", "カメラ", "カメラアクセサリー")
CASE = ("スマホ・タブレット・パソコン", "スマホアクセサリー", "ケース・カバー")


def checked(path: tuple[str, ...], *proofs: Proof, **product: Any) -> Check:
    return check_certificates(POLICY, a_product(**product), path, proofs)


def rules(check: Check) -> list[tuple[str, str]]:
    return [(found.code, found.rule) for found in check.findings]


def a_proof(kind: str, **fields: Any) -> Proof:
    return Proof(kind="certificate", certificate_kind=kind, **fields)


@pytest.mark.parametrize(
    ("path", "title", "asked"),
    [
        (DRYER, "ヘアドライヤー", ["certificate_pse"]),
        (EARPHONES, "Ｂｌｕｅｔｏｏｔｈ イヤホン", ["certificate_pse", "certificate_telec"]),
        (EARPHONES, "有線イヤホン", ["certificate_pse"]),
        (CREAM, "クリーム", ["certificate_jfda"]),
        (ROMPERS, "ロンパース", ["certificate_jis_s_5001"]),
        (CAMERA_BAG, "カメラバッグ", []),
        (CASE, "スマホケース", []),
        (("アウトドア・釣り・旅行用品",), "カセットこんろ", ["certificate_ps_mark"]),
        (("ファッション", "レディース"), "ワンピース", []),
    ],
)
def test_each_category_asks_for_its_own_certificates(
    path: tuple[str, ...], title: str, asked: list[str]
) -> None:
    assert rules(checked(path, title=title)) == [("E-501", each) for each in asked]


@pytest.mark.parametrize(
    ("held", "seen"),
    [(None, "not_exposed"), ((), "none_on_file"), ((a_certificate("psc"),), "psc")],
)
def test_what_was_seen_tells_absent_from_not_exposed(held: Any, seen: str) -> None:
    [found] = checked(DRYER, certificates=held).findings
    assert found.seen == seen


def test_an_attribute_that_could_not_be_read_is_unknown_unless_the_seller_proves_it() -> None:
    unread = {"certificates": None, "is_compliance_unknown": True}
    assert checked(DRYER, **unread).verdict == "unknown"
    proof = a_proof("pse_circle", notifier="株式会社サンプル")
    assert checked(DRYER, proof, **unread).verdict == "pass"


@pytest.mark.parametrize(
    ("proof", "lacking"),
    [
        (a_proof("pse_circle"), ["notifier_named"]),
        (a_proof("pse_circle", notifier="株式会社サンプル"), []),
        (a_proof("pse_diamond", notifier="株式会社サンプル"), ["inspection_body_named"]),
        (a_proof("pse_diamond", notifier="株式会社サンプル", inspection_body="JET"), []),
    ],
)
def test_a_pse_mark_names_its_notifier_and_the_diamond_its_inspection_body(
    proof: Proof, lacking: list[str]
) -> None:
    assert rules(checked(DRYER, proof)) == [("E-501", each) for each in lacking]


@pytest.mark.parametrize(
    "number",
    ["217-230892", "201-180092", "001-A12345", "D180171201", "[R] 217-230892",
     "R：２１７－２３０８９２", "217 - 230 892"],
)  # fmt: skip
def test_a_radio_number_may_be_written_as_people_write_it(number: str) -> None:
    pse = a_proof("pse_circle", notifier="株式会社サンプル")
    assert rules(checked(EARPHONES, pse, a_proof("telec", number=number), title="ワイヤレス")) == []


@pytest.mark.parametrize("number", ["", "21-230892", "217-23089", "技適マークあり"])
def test_a_mistyped_radio_number_is_told_with_its_form(number: str) -> None:
    pse = a_proof("pse_circle", notifier="株式会社サンプル")
    check = checked(EARPHONES, pse, a_proof("telec", number=number), title="ワイヤレス")
    assert rules(check) == [("E-501", "telec_number_form")]


def test_an_odd_licence_number_warns_and_does_not_refuse() -> None:
    odd = checked(CREAM, certificates=(a_certificate("cosmetics_licence", "許可あり"),))
    usual = checked(
        CREAM, certificates=(a_certificate("cosmetics_licence", "１３Ｃ０Ｘ １２３４５"),)
    )
    assert (odd.verdict, rules(odd)) == ("pass", [("W-105", "cosmetics_licence_usual_form")])
    assert (usual.verdict, rules(usual)) == ("pass", [])


@pytest.mark.parametrize(
    ("jan", "warned"),
    [("4901234567894", False), ("4901234567895", True), ("49968712", False),
     ("４９０１２３４５６７８９４", False), ("12345", True), (None, False)],
)  # fmt: skip
def test_a_jan_that_fails_its_check_digit_warns(jan: str | None, warned: bool) -> None:
    assert [code for code, _ in rules(checked(("本",), jan=jan))] == ["W-104"] * warned


def test_a_number_that_contradicts_the_sellers_certificate_closes_the_binding() -> None:
    held = (a_certificate("telec", "217-230892"), a_certificate("pse_circle"))
    same = a_proof("telec", number="２１７　２３０８９２")
    other = a_proof("telec", number="201-180775")
    assert rules(checked(EARPHONES, same, title="ワイヤレス", certificates=held)) == []
    found = rules(checked(EARPHONES, other, title="ワイヤレス", certificates=held))
    assert found == [("E-502", "certificate_differs")]


def live_fault(now: Any, before: Any, *proofs: Proof, is_unknown: bool = False) -> str | None:
    product = a_product(certificates=now, is_compliance_unknown=is_unknown, title="ドライヤー")
    found = hard_fault(POLICY, product, a_product(certificates=before), DRYER, proofs)
    return found.rule if found else None


PSE = (Certificate(kind="pse_circle", number="JET1"),)
OTHER_PSE = (Certificate(kind="pse_circle", number="JET2"),)


@pytest.mark.parametrize(
    ("now", "before", "rule"),
    [
        (PSE, PSE, None),
        ((), PSE, "certificate_gone"),
        (OTHER_PSE, PSE, "certificate_changed"),
        (None, PSE, None),
        (PSE, None, None),
    ],
)
def test_only_an_absence_or_another_number_in_a_complete_answer_blocks_a_live_listing(
    now: Any, before: Any, rule: str | None
) -> None:
    assert live_fault(now, before) == rule


def test_what_could_not_be_read_or_what_the_seller_proves_never_blocks() -> None:
    assert live_fault((), PSE, is_unknown=True) is None
    assert live_fault((), None, a_proof("pse_circle", notifier="株式会社サンプル")) is None


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ([{"regulation_type": "pse_circle", "value": "1"}], [("pse_circle", "1")]),
        ([{"regulation_type": "pse_circle"}], [("pse_circle", "")]),
        ([], []),
        (None, None),
        ("pse", None),
        ([{"value": "1"}], None),
        ([17], None),
    ],
)
def test_an_attribute_in_another_shape_is_no_list_of_certificates(value: Any, read: Any) -> None:
    found = certificates_in({"regulatory_compliance_certification": value} if value != "" else {})
    assert (None if found is None else [(each.kind, each.number) for each in found]) == read
