"""The pre-check: each rule with its code, what was seen and where it says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.policy import policy_of
from domain.rules.certificates import hard_fault
from domain.rules.precheck import Judgement, judge
from domain.rules.warranty import Warranty
from tests.examples import (
    OTHER_ID,
    TREE,
    WATCH_ID,
    WATCH_PATH,
    WATCHES,
    a_certificate,
    a_product,
    the_circumstances,
    the_terms,
)

POLICY = policy_of()
WATCH: dict[str, Any] = {"browse_path": WATCHES}


def judged(terms: dict[str, Any] | None = None, float_rate: str = "0", **product: Any) -> Judgement:
    around = the_circumstances(default_float_rate=Decimal(float_rate))
    return judge(POLICY, a_product(**product), the_terms(**terms or {}), around, TREE)


def codes(judgement: Judgement) -> list[str]:
    return [found.code for found in judgement.findings]


def test_a_good_product_passes_and_its_image_is_never_called_inspected() -> None:
    judgement = judged()
    assert (judgement.verdict, codes(judgement)) == ("pass", [])
    (image,) = [check for check in judgement.checks if check.name == "image"]
    assert (image.verdict, image.is_advisory) == ("unknown", True)


@pytest.mark.parametrize("status", ["inactive", "suspended", "deleted", "suspended_account"])
def test_an_asin_that_is_not_active_is_refused(status: str) -> None:
    assert codes(judged(status=status)) == ["E-404"]


@pytest.mark.parametrize(
    "path", [("食品・飲料・お酒", "米"), ("ドラッグストア", "医薬品"), ("アダルト",)]
)
def test_food_medicine_and_adult_goods_are_refused(path: tuple[str, ...]) -> None:
    assert "E-406" in codes(judged(browse_path=path))


def test_pet_food_is_not_food() -> None:
    assert "E-406" not in codes(judged(browse_path=("ペット用品", "ペットフード")))


def test_the_wrong_category_shows_what_fits_better() -> None:
    judgement = judged({"mercari_category_id": OTHER_ID})
    assert codes(judgement) == ["E-403"]
    assert judgement.category is not None
    assert judgement.category.match_rate < 92
    assert judgement.category.alternatives[0][1] == 100.0


def test_of_a_product_that_amazon_shows_nothing_of_only_the_state_is_told() -> None:
    nothing = {"title": None, "browse_path": (), "product_type": None, "image_url": None}
    judgement = judged(status="inactive", status_reason="no_offer", **nothing)
    assert (judgement.verdict, codes(judgement)) == ("fail", ["E-404"])


def test_where_nothing_fits_no_category_is_proposed() -> None:
    judgement = judged(
        {"mercari_category_id": OTHER_ID}, title="?", browse_path=(), product_type=None
    )
    [fault] = [found for found in judgement.findings if found.code == "E-403"]
    assert (fault.rule, fault.values["alternatives"]) == ("category_fits_none", "")


@pytest.mark.parametrize("held", [None, (), (a_certificate("jis_s_5001"),)])
def test_a_certificate_missing_at_the_first_check_can_be_mended(held: Any) -> None:
    judgement = judged({"mercari_category_id": WATCH_ID}, certificates=held, **WATCH)
    assert codes(judgement) == ["E-501"]
    assert judgement.findings[0].rule == "certificate_pse"


def test_either_pse_mark_will_do() -> None:
    for kind in ("pse_diamond", "pse_circle"):
        held = (a_certificate(kind),)
        assert (
            judged({"mercari_category_id": WATCH_ID}, certificates=held, **WATCH).verdict == "pass"
        )


def test_only_an_absence_seen_in_a_complete_answer_is_a_hard_fault() -> None:
    absent = hard_fault(POLICY, a_product(certificates=()), None, WATCH_PATH, ())
    assert absent is not None
    assert absent.code == "E-502"
    assert hard_fault(POLICY, a_product(certificates=None), None, WATCH_PATH, ()) is None


@pytest.mark.parametrize(
    ("suggested", "found"),
    [(8_499, ["E-409"]), (8_500, ["W-101"]), (8_501, []), (11_500, []), (11_501, ["E-409"])],
)
def test_a_suggested_price_lies_within_fifteen_percent(suggested: int, found: list[str]) -> None:
    assert codes(judged({"suggested_price_jpy": suggested})) == found


@pytest.mark.parametrize(
    ("rate", "found"), [("-0.15", ["W-101"]), ("-0.149999", ["W-101"]), ("-0.14", []), ("0", [])]
)
def test_a_default_float_at_the_lower_bound_warns_of_dumping(rate: str, found: list[str]) -> None:
    judgement = judged(float_rate=rate)
    assert (judgement.verdict, codes(judgement)) == ("pass", found)


def test_an_unread_price_or_state_is_unknown_and_a_clear_failure_beats_it() -> None:
    assert judged(price_jpy=None).verdict == "unknown"
    assert judged(status="unknown").verdict == "unknown"
    assert judged(status="unknown", image_url=None).verdict == "fail"


def test_a_missing_image_or_warranty_is_refused() -> None:
    assert codes(judged(image_url=None)) == ["E-410"]
    around = the_circumstances(warranty=Warranty(remedy="refund"))
    assert codes(judge(POLICY, a_product(), the_terms(), around, TREE)) == ["E-414"]


def test_every_finding_says_what_was_seen_the_rule_and_its_source() -> None:
    judgement = judged({"mercari_category_id": "no"}, status="deleted", image_url=None)
    assert all(all((each.field, each.seen, each.rule, each.source)) for each in judgement.findings)
