"""The verdict on an image: given the facts and the title, these codes."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from domain.error_codes import LANGUAGES
from domain.images import ImageFacts, ImageReading, ImageThresholds, Mark
from domain.rules.findings import Check
from domain.rules.image_text import label_in, name_share
from domain.rules.images import FILE_FAULTS, MARK_RULES, judge_image, state_in_words
from domain.texts import rule_text, rule_texts

TITLE = "くらし道具店 ステンレスボトル 500ml 2個セット 送料無料"
BRAND = "くらし道具店"


def facts(**changed: object) -> ImageFacts:
    usual = ImageFacts(
        sha256="0" * 64, engine="rules 1", width=800, height=800, white_background=1.0,
        is_text_read=True, lines=("ステンレスボトル", "容量500ml"),
    )  # fmt: skip
    return usual.model_copy(update=changed)


def judged(reading: ImageReading | ImageFacts, title: str = TITLE) -> Check:
    if isinstance(reading, ImageFacts):
        reading = ImageReading(status="inspected", facts=reading)
    return judge_image(reading, title, BRAND, ImageThresholds())


def seen(check: Check) -> list[tuple[str, str]]:
    return [(finding.code, finding.rule) for finding in check.findings]


def mark(kind: str, score: float, evidence: str) -> tuple[Mark, ...]:
    return (Mark(kind=kind, score=score, evidence=evidence),)


def test_a_white_picture_with_its_name_passes_without_a_finding() -> None:
    check = judged(facts())
    assert (check.name, check.verdict, check.findings, check.is_advisory) == (
        "image", "pass", (), False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "verdict", "expected"),
    [
        ({"white_background": 0.5}, "pass", []),
        ({"white_background": 0.49}, "review", [("E-410", "image_background_unsure")]),
        ({"white_background": 0.2}, "review", [("E-410", "image_background_unsure")]),
        ({"white_background": 0.19}, "fail", [("E-410", "image_background")]),
        (
            {"marks": mark("wording", 0.9, "www.kirari.example")},
            "fail",
            [("E-411", "image_mark_wording")],
        ),
        ({"marks": mark("pattern", 0.8, "90 × 0 px")}, "fail", [("E-411", "image_mark_pattern")]),
        (
            {"marks": mark("corner_mark", 0.65, "top left")},
            "review",
            [("E-411", "image_mark_corner_mark")],
        ),
        ({"marks": mark("corner_text", 0.49, "kirari")}, "pass", []),
        ({"lines": ()}, "fail", [("E-412", "image_text_missing")]),
        ({"lines": ("Vacuum Bottle",)}, "fail", [("E-412", "image_text_not_japanese")]),
        ({"lines": ("不锈钢保温瓶",)}, "fail", [("E-412", "image_text_not_japanese")]),
        ({"lines": ("入浴剂",)}, "review", [("E-412", "image_script_unclear")]),
        ({"lines": ("保温水筒",)}, "review", [("E-412", "image_script_unclear")]),
        ({"lines": ("真空だんねつマグ",)}, "review", [("E-412", "image_name_missing")]),
        ({"lines": ("送料無料", "日本製です")}, "review", [("E-412", "image_name_missing")]),
        ({"lines": (), "doubtful_lines": ("ステンレスボトル",)}, "pass", []),
        (
            {"white_background": 0.0, "marks": mark("wording", 0.9, "@kirari"), "lines": ()},
            "fail",
            [
                ("E-410", "image_background"),
                ("E-411", "image_mark_wording"),
                ("E-412", "image_text_missing"),
            ],
        ),
        (
            {"white_background": 0.3, "lines": ()},
            "fail",
            [("E-410", "image_background_unsure"), ("E-412", "image_text_missing")],
        ),
    ],
)
def test_facts_lead_to_codes(
    changed: dict[str, object], verdict: str, expected: list[tuple[str, str]]
) -> None:
    check = judged(facts(**changed))
    assert (check.verdict, seen(check)) == (verdict, expected)


def test_the_products_own_name_and_brand_are_no_watermark() -> None:
    for words in ("ステンレスボトル", "くらし道具店"):
        assert judged(facts(marks=mark("repeated_text", 0.9, words))).verdict == "pass"


def test_a_pattern_is_a_watermark_whatever_the_title_says() -> None:
    check = judged(facts(marks=mark("pattern", 0.9, "500ml")))
    assert check.verdict == "fail"


def test_words_in_a_watermark_are_no_label() -> None:
    check = judged(facts(lines=("きらり商店",), marks=mark("pale_text", 0.8, "きらり商店")))
    assert seen(check)[1] == ("E-412", "image_text_missing")


def test_a_piece_of_a_watermark_is_no_label_either() -> None:
    check = judged(facts(lines=("れび商店",), marks=mark("repeated_text", 0.9, "こもれび商店")))
    assert seen(check)[1] == ("E-412", "image_text_missing")


def test_the_brand_alone_is_not_the_name() -> None:
    assert seen(judged(facts(lines=("くらし道具店",)))) == [("E-412", "image_name_missing")]


def test_where_nothing_is_installed_the_check_is_advisory() -> None:
    check = judged(ImageReading(status="not_installed"))
    assert (check.verdict, check.is_advisory, check.findings) == ("unknown", True, ())


def test_an_image_that_could_not_be_fetched_is_unknown_and_decides() -> None:
    check = judged(ImageReading(status="unknown", detail="HTTP 503"))
    assert (check.verdict, check.is_advisory) == ("unknown", False)


def test_without_text_reading_a_white_picture_is_advisory_and_never_passes() -> None:
    check = judged(facts(is_text_read=False, lines=()))
    assert (check.verdict, check.is_advisory, check.findings) == ("unknown", True, ())


def test_without_text_reading_the_background_still_decides() -> None:
    check = judged(facts(is_text_read=False, lines=(), white_background=0.0))
    assert (check.verdict, check.is_advisory) == ("fail", False)
    assert seen(check) == [("E-410", "image_background")]


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_an_unusable_file_goes_to_a_person_with_its_fault(fault: str) -> None:
    check = judged(ImageReading(status="unusable", detail=f"{fault}: 1 × 1"))
    assert (check.verdict, seen(check)) == ("review", [("E-410", f"image_file_{fault}")])
    assert check.findings[0].seen == "1 × 1"


def every_finding() -> list[tuple[str, dict[str, str]]]:
    cases = [judged(ImageReading(status="unusable", detail=fault)) for fault in FILE_FAULTS]
    cases += [judged(facts(marks=mark(kind, 0.9, "きらり"))) for kind in MARK_RULES]
    cases += [judged(facts(white_background=score)) for score in (0.0, 0.3)]
    lines = ((), ("Bottle",), ("保温水筒",), ("真空だんねつマグ",))
    cases += [judged(facts(lines=each)) for each in lines]
    return [(each.rule, dict(each.values)) for case in cases for each in case.findings]


def test_every_finding_has_its_words_in_three_languages() -> None:
    for rule, values in every_finding():
        for language in LANGUAGES:
            assert rule in rule_texts()
            text = rule_text(rule, values, language)
            assert "{" not in text
            assert len(text) > 15


def test_every_wording_is_used_and_asks_for_the_same_values() -> None:
    used = {rule for rule, _ in every_finding()}
    readings = (
        ImageReading(status="inspected", facts=facts()),
        ImageReading(status="inspected", facts=facts(is_text_read=False)),
        ImageReading(status="not_installed"),
        ImageReading(status="unknown"),
    )
    states = {state_in_words(reading, judged(reading)) for reading in readings}
    texts = {key: text for key, text in rule_texts().items() if key.startswith("image_")}
    assert set(texts) == used | states
    for key, text in texts.items():
        places = {
            language: {name for _, name, _, _ in Formatter().parse(text[language]) if name}
            for language in LANGUAGES
        }
        assert len({frozenset(names) for names in places.values()}) <= 2, key


def test_a_picture_without_a_find_is_not_called_free_of_watermarks() -> None:
    passed = rule_texts()["image_passed"]
    assert "does not mean that there is none" in passed["en"]
    assert "不等于" in passed["zh"]
    assert "保証するものではありません" in passed["ja"]


@pytest.mark.parametrize(
    ("line", "title", "is_shown"),
    [
        ("電動歯ブラシ", "北斗工房 電動歯ブラシ 充電式", True),
        ("電動牙刷", "北斗工房 電動歯ブラシ 充電式", False),
        ("大容量保鮮盒", "大容量保存容器 3個セット", False),
        ("天然木香炉", "京都 天然木香炉 線香立て", True),
        ("目薬", "みさき製薬 目薬 12mL", True),
        ("ベッドカバ一", "綿100% べッドカバー シングル", True),
        ("レディース Tシャツ", "ハナノキ レディース Ｔシャツ 半袖", True),
        ("送料無料", "送料無料 電動歯ブラシ", False),
        ("2個セット", "電動歯ブラシ 2個セット", False),
        ("コップ", "ステンレス タンブラー", False),
        ("BOTTLE", "ステンレスボトル", False),
        ("泡洗顏料", "白露化粧品 泡洗顔料 120g", True),
    ],
)
def test_the_name_is_shown_by_what_label_and_title_share(
    line: str, title: str, is_shown: bool
) -> None:
    assert (name_share(line, title) >= ImageThresholds().name_pass) is is_shown


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("電気もうふ", "kana"),
        ("ステンレス水筒", "kana"),
        ("保温カロ口二", ""),
        ("天然木香炉", ""),
        ("薬用石鹸", "kanji"),
        ("不锈钢保温杯", "foreign"),
        ("薬用入浴剂", ""),
        ("Vacuum Bottle", ""),
    ],
)
def test_japanese_is_told_from_chinese_by_its_letters(line: str, how: str) -> None:
    assert label_in([line], [line]).how == how


def test_kanji_read_without_certainty_do_not_tell() -> None:
    assert label_in([], ["薬用石鹸"]).how == ""


def test_what_is_seen_stays_short() -> None:
    check = judged(facts(lines=tuple("真空だんねつマグ" for _ in range(40))))
    assert len(check.findings[0].seen) <= 80
    assert re.match("真空だんねつマグ / ", check.findings[0].seen)
