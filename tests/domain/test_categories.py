"""The category match: which leaf a product belongs under, how sure that is, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy.category_policy import category_policy_of, path_of
from domain.rules.categories import CategoryMatch, answer_of, match_category
from domain.texts import rule_text, rule_texts
from infra.sandbox.categories import tree
from infra.sandbox.goods import kinds, product_of
from infra.sandbox.sample import SAMPLE_SIZE, row_of
from tests.labelled_pairs import Pair, leaves_of_the_shop, pairs

POLICY = category_policy_of()
LEAVES = leaves_of_the_shop()
LINE = POLICY.match_rate_pct_min

texts = st.one_of(
    st.none(),
    st.text(max_size=500),
    st.text(alphabet="レディースメンズベビー靴ケース用付き💄🚗‏ابגד&＆・/ｹｰｽ ", max_size=500),
    st.sampled_from([pair.title for pair in pairs("tuning")]),
)
paths = st.one_of(
    st.lists(st.text(max_size=30), max_size=6),
    st.sampled_from([pair.browse_path for pair in pairs("tuning")]),
)
types = st.one_of(st.none(), st.text(max_size=30), st.sampled_from([*POLICY.product_types]))
choices = st.one_of(st.sampled_from(sorted(LEAVES)), paths)


def matched(
    path: str, chosen: str, title: str | None = None, product_type: str | None = None
) -> CategoryMatch:
    return match_category(POLICY, path_of(path), product_type, title, path_of(chosen), LEAVES)


def fits(*texts: Any) -> bool:
    return matched(*texts).match_rate >= LINE


def best_of(match: CategoryMatch) -> Sequence[str]:
    return match.alternatives[0][0]


# --- goods of the sandbox -------------------------------------------------------------------------


def test_every_kind_of_goods_fits_the_leaf_it_is_sold_under() -> None:
    misfits = [
        product.title
        for product in map(product_of, range(2_000))
        if match_category(
            POLICY, product.browse_path, product.product_type, product.title,
            product.mercari_path, LEAVES,
        ).match_rate < LINE
    ]  # fmt: skip
    assert misfits == []
    assert len(kinds()) > 80


def test_the_sample_rows_with_a_wrong_category_do_not_fit() -> None:
    wrong = [n for n in range(SAMPLE_SIZE) if product_of(n).flaw == "wrong_category"]
    for number in wrong:
        product, (_, category_id, *_) = product_of(number), row_of("demo", number)
        match = match_category(
            POLICY, product.browse_path, product.product_type, product.title,
            tree()[category_id], LEAVES,
        )  # fmt: skip
        assert match.match_rate < LINE, product.title
    assert wrong


# --- labelled pairs -------------------------------------------------------------------------------


def decided(pair: Pair) -> bool:
    match = match_category(
        POLICY, pair.browse_path, pair.product_type, pair.title, pair.chosen, LEAVES
    )
    return match.match_rate >= LINE


def test_the_tuning_pairs_are_told_apart() -> None:
    taken = [pair for pair in pairs("tuning") if decided(pair)]
    right = sum(pair.fits for pair in taken)
    assert right / len(taken) >= 0.99
    assert right / sum(pair.fits for pair in pairs("tuning")) >= 0.97


# --- siblings -------------------------------------------------------------------------------------

TOPS = "ファッション > {} > トップス > Tシャツ・カットソー"
PHONES = "スマホ・タブレット・パソコン"
GAMES = "ゲーム・おもちゃ・グッズ > テレビゲーム"
AUDIO = "テレビ・オーディオ・カメラ > オーディオ機器"
BANDS = "家電＆カメラ > ウェアラブルデバイス > アクセサリ > バンド"


@pytest.mark.parametrize(("sold", "other"), [("メンズ", "レディース"), ("レディース", "メンズ")])
def test_a_shirt_fits_only_the_people_it_is_for(sold: str, other: str) -> None:
    path = f"服＆ファッション小物 > {sold} > トップス > Tシャツ"
    assert fits(path, TOPS.format(sold))
    match = matched(path, TOPS.format(other))
    assert match.reason == "category_other_audience"
    assert best_of(match) == path_of(TOPS.format(sold))


def test_a_unisex_product_fits_both() -> None:
    path = "ファッション > メンズ > 小物 > ベルト"
    for people in ("メンズ", "レディース"):
        chosen = f"ファッション > {people} > 小物 > ベルト"
        assert fits(path, chosen, "男女兼用 キャンバス ベルト", "APPAREL_BELT")


def test_nothing_said_of_the_people_is_not_enough_for_clothes() -> None:
    match = matched("ファッション > トップス > Tシャツ", TOPS.format("メンズ"), "Tシャツ 白")
    assert match.match_rate < LINE
    assert match.reason == "category_audience_unknown"


@pytest.mark.parametrize(("size", "group"), [("80cm", "ベビー服"), ("130cm", "キッズ服")])
def test_sizes_tell_babies_from_older_children(size: str, group: str) -> None:
    for each in ("ベビー服", "キッズ服"):
        chosen = f"ベビー・キッズ > {each} > トップス"
        title = f"長袖Tシャツ 男の子 恐竜 {size}"
        assert fits("ファッション > キッズ＆ベビー > トップス", chosen, title) == (each == group)


@pytest.mark.parametrize(
    "title", ["Apple Watch バンド 45mm スポーツベルト", "スマートウォッチ用 バンド 20mm"]
)
def test_a_band_for_a_watch_is_no_watch(title: str) -> None:
    accessory = f"{PHONES} > スマホアクセサリー > スマートウォッチ・アクセサリー"
    assert fits(BANDS, accessory, title, "WATCH_BAND")
    device = f"{PHONES} > ウェアラブル端末 > スマートウォッチ本体"
    assert not fits(BANDS, device, title, "WATCH_BAND")


@pytest.mark.parametrize(
    ("node", "product_type", "leaf"),
    [
        ("本体", "VIDEO_GAME_CONSOLE", "家庭用ゲーム本体"),
        ("ゲームソフト", "PHYSICAL_VIDEO_GAME_SOFTWARE", "家庭用ゲームソフト"),
        ("アクセサリ > コントローラー", "VIDEO_GAME_CONTROLLER", "コントローラー"),
        ("アクセサリ > ケース・ポーチ", "VIDEO_GAME_ACCESSORIES", "ゲーム機アクセサリー"),
    ],
)
def test_console_game_controller_and_accessory_are_four_things(
    node: str, product_type: str, leaf: str
) -> None:
    path = f"ゲーム > Nintendo Switch > {node}"
    for other in (
        "家庭用ゲーム本体",
        "家庭用ゲームソフト",
        "コントローラー",
        "ゲーム機アクセサリー",
    ):
        match = matched(path, f"{GAMES} > {other}", "Nintendo Switch 対応", product_type)
        assert (match.match_rate >= LINE) == (other == leaf), other


def test_cosmetics_for_men_have_a_category_of_their_own() -> None:
    path = "ビューティー > 男性化粧品・シェービング > 化粧水"
    assert fits(path, "コスメ・美容 > メンズコスメ > 化粧水・乳液", "化粧水 メンズ 110mL")
    chosen = "コスメ・美容 > スキンケア・基礎化粧品 > 化粧水・ローション"
    match = matched("ビューティー > スキンケア > 化粧水", chosen, "化粧水 メンズ 110mL")
    assert match.reason == "category_own_category_exists"


@pytest.mark.parametrize(
    ("title", "leaf"),
    [
        ("ねんどろいど 可動フィギュア 限定", "コミック・アニメ"),
        ("ねんどろいど スーパーマリオ 可動フィギュア", "ゲームキャラクター"),
        ("S.H.Figuarts 仮面ライダークウガ", "特撮"),
    ],
)
def test_a_series_says_more_than_the_word_figure(title: str, leaf: str) -> None:
    for other in ("コミック・アニメ", "ゲームキャラクター", "特撮"):
        chosen = f"ゲーム・おもちゃ・グッズ > フィギュア > {other}"
        assert fits("ホビー > フィギュア", chosen, title, "TOY_FIGURE") == (other == leaf)


def test_several_leaves_may_fit_one_product() -> None:
    path, title = "ビューティー > 香水・フレグランス > ユニセックス香水", "ユニセックス 香水 100mL"
    for leaf in ("香水(女性用)", "香水(男性用)"):
        assert fits(path, f"コスメ・美容 > 香水 > {leaf}", title, "PERSONAL_FRAGRANCE")


# --- spelling, old trees, missing paths -----------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("家電&カメラ > イヤホン・ヘッドホン > イヤホン", f"{AUDIO} > イヤホン"),
        ("家電＆カメラ > ｲﾔﾎﾝ・ﾍｯﾄﾞﾎﾝ > ｲﾔﾎﾝ", f"{AUDIO} > ｲﾔﾎﾝ"),
        ("ゲーム > プレイステーション5 > コントローラ", f"{GAMES} > コントローラー"),
        ("服＆ファッション小物 > メンズ > トップス > Ｔシャツ", TOPS.format("メンズ")),
    ],
)  # fmt: skip
def test_width_and_spelling_make_no_difference(path: str, chosen: str) -> None:
    assert fits(path, chosen)


def test_the_example_of_the_policy_paper_fits() -> None:
    chosen = "ファッション > レディース > バッグ > ハンドバッグ"
    assert fits("Women's Handbags", chosen)
    assert fits("Fashion > Women’s Handbags", chosen)


@pytest.mark.parametrize(
    "chosen",
    [
        "家電・スマホ・カメラ > オーディオ機器 > イヤホン",
        "テレビ・オーディオ・カメラ > オーディオ機器",
        "イヤホン",
        "",
    ],
)
def test_a_path_that_is_no_leaf_of_the_shop_never_fits(chosen: str) -> None:
    match = matched(
        "家電＆カメラ > イヤホン・ヘッドホン > イヤホン", chosen, "イヤホン", "HEADPHONES"
    )
    assert (match.match_rate, match.reason) == (0, "category_not_in_tree")
    assert best_of(match)[-1] == "イヤホン"


def test_the_three_best_others_are_proposed() -> None:
    match = matched(
        "家電＆カメラ > イヤホン・ヘッドホン > イヤホン", f"{AUDIO} > ヘッドホン", "イヤホン"
    )
    assert len(match.alternatives) == 3


def test_without_a_path_type_and_title_must_agree() -> None:
    chosen = f"{AUDIO} > イヤホン"
    assert fits("", chosen, "骨伝導イヤホン 耳掛け", "HEADPHONES")
    assert not fits("", chosen, "骨伝導イヤホン 耳掛け")
    assert not fits("", chosen, None, "HEADPHONES")
    assert not fits("", chosen, "骨伝導イヤホン 耳掛け", "BABY_PRODUCT")


def test_what_comes_with_a_product_is_not_the_product() -> None:
    path = "楽器・音響機器 > ギター > アコースティックギター"
    chosen = f"{PHONES} > スマホアクセサリー > ケース・カバー"
    assert not fits(path, chosen, "アコースティックギター ケース付き")
    assert not fits("", chosen, "スマホケース用 ストラップ", "CELLULAR_PHONE_CASE")


def test_a_tree_of_other_names_is_matched_by_its_own() -> None:
    leaves = {("雑貨", "万華鏡"): "1", ("雑貨", "オルゴール"): "2"}
    match = match_category(
        POLICY, ["置物", "万華鏡"], None, "木製 万華鏡", ["雑貨", "万華鏡"], leaves
    )
    assert match.match_rate >= LINE


def test_an_answer_gives_the_reason_in_words_and_what_would_fit() -> None:
    match = matched(
        "家電＆カメラ > イヤホン・ヘッドホン > イヤホン", f"{AUDIO} > ヘッドホン", "イヤホン"
    )
    answer = answer_of(match, LINE, "en", LEAVES)
    assert answer["verdict"] == "fail"
    assert answer["reason"].startswith("Amazon's “家電＆カメラ > イヤホン・ヘッドホン > イヤホン”")
    assert answer["alternatives"][0]["path"] == [*path_of(AUDIO), "イヤホン"]
    assert "イヤホン" in answer_of(match, LINE, "zh", LEAVES)["reason"]


# --- whatever comes in ----------------------------------------------------------------------------


@given(paths, types, texts, choices)
def test_whatever_the_texts_the_match_is_sound(
    path: Sequence[str], product_type: str | None, title: str | None, chosen: Sequence[str]
) -> None:
    match = match_category(POLICY, path, product_type, title, chosen, LEAVES)
    assert match == match_category(POLICY, path, product_type, title, chosen, LEAVES)
    assert 0 <= match.match_rate <= 100
    assert match.match_rate == round(match.match_rate, 2)
    rates = [rate for _, rate in match.alternatives]
    assert rates == sorted(rates, reverse=True)
    assert all(leaf in LEAVES and 0 < rate <= 100 for leaf, rate in match.alternatives)
    assert tuple(chosen) not in [leaf for leaf, _ in match.alternatives]
    assert len(match.alternatives) <= (0 if match.match_rate >= LINE else 3)
    assert set(rule_texts()[match.reason]) == {"zh", "ja", "en"}
    assert "{" not in rule_text(match.reason, dict.fromkeys(match.values, ""), "ja")


@given(types, texts, st.sampled_from(sorted(LEAVES)))
def test_whatever_the_title_no_path_and_no_known_type_never_fit(
    product_type: str | None, title: str | None, chosen: Sequence[str]
) -> None:
    match = match_category(POLICY, [], product_type, title, chosen, LEAVES)
    known = POLICY.product_types.get((product_type or "").strip().upper())
    assert known or match.match_rate < LINE


# --- the policy's data ----------------------------------------------------------------------------


def test_every_pattern_of_the_policy_means_something_in_the_shop() -> None:
    shop = {path[:length] for path in LEAVES for length in range(1, 5)}
    patterns = [
        *POLICY.words,
        *(path for found in POLICY.product_types.values() for path in found),
        *(path for found in POLICY.contexts.values() for path in found),
        *(path for found in POLICY.paths.values() for path in found),
    ]
    alike = {tuple("*" if n == 1 else name for n, name in enumerate(path)) for path in shop}
    assert {path for path in patterns if path not in shop | alike} == set()


def test_every_leaf_of_the_shop_has_names_in_the_policy() -> None:
    named = set(POLICY.words)
    nameless = [
        leaf
        for leaf in LEAVES
        if leaf not in named and (leaf[0], "*", *leaf[2:]) not in named
    ]  # fmt: skip
    assert nameless == []


def test_a_version_that_never_was_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        category_policy_of("2001-01")
