"""Brands: registered in Japan, covered by the seller's chain; unbranded goods need neither."""

from __future__ import annotations

import pytest

from domain.policy import policy_of
from domain.rules.brands import BrandAuthorisation, check_brand, is_registration
from domain.rules.proofs import Proof
from tests.examples import a_product

POLICY = policy_of()
OWN = BrandAuthorisation(brand="Hoshizora", registration_number="第6000001号")


def codes(
    brand: str | None, *proofs: Proof, held: tuple[BrandAuthorisation, ...] = ()
) -> list[str]:
    checks = check_brand(POLICY, a_product(brand=brand), held, proofs)
    return [found.code for check in checks for found in check.findings]


@pytest.mark.parametrize(
    "brand", [None, "", " ", "ノーブランド品", "No Brand", "ＧＥＮＥＲＩＣ", "Unbranded"]
)
def test_goods_without_a_brand_need_neither_registration_nor_chain(brand: str | None) -> None:
    assert codes(brand) == []


def test_a_brand_nobody_knows_needs_its_registration_and_a_chain() -> None:
    assert codes("Hoshizora") == ["E-407", "E-416"]


def test_an_authorisation_carries_the_registration_whatever_the_spelling() -> None:
    assert codes("ＨＯＳＨＩＺＯＲＡ", held=(OWN,)) == []


def test_a_well_known_registered_brand_still_needs_the_chain() -> None:
    assert codes("パナソニック") == ["E-416"]


def test_a_filed_registration_answers_one_of_the_two() -> None:
    assert codes("Hoshizora", Proof(kind="brand", number="登録第6000001号")) == ["E-416"]
    assert codes("Hoshizora", Proof(kind="brand", number="R-1")) == ["E-407", "E-416"]


@pytest.mark.parametrize(
    ("number", "is_one"),
    [("6000001", True), ("第6000001号", True), ("登録 第６００００００１号", False),
     ("商標登録第5999999号", True), ("国際登録第1234567号", True), ("600001", False), ("", False)],
)  # fmt: skip
def test_a_registration_has_seven_digits_or_is_international(number: str, is_one: bool) -> None:
    assert is_registration(number) == is_one
