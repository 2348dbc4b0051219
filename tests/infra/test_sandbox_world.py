"""The sandbox's goods, categories and sample fit each other, and the policy's category map."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.values import asin_from
from infra.sandbox import sample
from infra.sandbox.categories import ids_by_path, is_leaf, leaves, tree
from infra.sandbox.goods import CATALOGUE_SIZE, Flaw, asin_of, flaw_of, kinds, number_of, product_of
from infra.sandbox.mercari_rules import NAME_LENGTH_MAX
from infra.sandbox.tokens import Tokens
from infra.sandbox.world import offer_unedited
from tests.infra.sandbox_clients import CONTRACTS

ROOTS = [
    "ファッション",
    "ベビー・キッズ",
    "ゲーム・おもちゃ・グッズ",
    "ホビー・楽器・アート",
    "チケット",
    "本・雑誌・漫画",
    "CD・DVD・ブルーレイ",
    "スマホ・タブレット・パソコン",
    "テレビ・オーディオ・カメラ",
    "生活家電・空調",
    "スポーツ",
    "アウトドア・釣り・旅行用品",
    "コスメ・美容",
    "ダイエット・健康",
    "食品・飲料・酒",
    "キッチン・日用品・その他",
    "家具・インテリア",
    "ペット用品",
    "DIY・工具",
    "フラワー・ガーデニング",
    "ハンドメイド・手芸",
    "車・バイク・自転車",
]

FLAWS_OF_ROWS = {"unknown_category", "wrong_category", "price_out_of_range"}

numbers = st.integers(0, CATALOGUE_SIZE - 1)


def test_the_sdl_is_the_one_of_the_contract() -> None:
    here = Path(sample.__file__).parent / "mercari_shops.graphql"
    assert here.read_bytes() == (CONTRACTS / "mercari_shops.graphql").read_bytes()


@given(numbers)
def test_whatever_the_number_its_asin_leads_back_to_it(number: int) -> None:
    asin = asin_of(number)
    assert asin_from(asin) == asin
    assert number_of(asin) == number


@given(st.text(alphabet="B0123456789AZ ", max_size=12))
def test_whatever_the_text_it_is_an_asin_of_the_catalogue_or_none(text: str) -> None:
    number = number_of(text)
    assert number is None or asin_of(number) == text


@given(numbers)
def test_whatever_the_product_it_could_be_listed_as_it_is_written(number: int) -> None:
    product = product_of(number)
    assert len(product.title) <= NAME_LENGTH_MAX
    assert is_leaf(ids_by_path()[product.mercari_path])
    assert offer_unedited("demo", product).price_jpy * 0.85 >= 300


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=3), st.binary(min_size=1))
def test_however_a_token_is_made_only_its_maker_reads_it(
    stood_for: list[int], secret: bytes
) -> None:
    token = Tokens(secret).make("Atza|", *stood_for)
    assert Tokens(secret).read("Atza|", token) == tuple(stood_for)
    assert Tokens(secret).read("Atzr|", token) is None
    assert Tokens(secret + b"!").read("Atza|", token) is None


def test_the_tree_has_mercaris_present_roots_and_unique_paths() -> None:
    assert [path[0] for path in tree().values() if len(path) == 1] == ROOTS
    assert len(ids_by_path()) == len(tree())
    assert {len(tree()[leaf]) for leaf in leaves()} == {3, 4}


def test_the_sample_is_the_same_every_time_and_has_five_hundred_rows(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        sample.write_sample_csv(tmp_path / name, "demo")
    content = (tmp_path / "one.csv").read_bytes()
    assert content == (tmp_path / "two.csv").read_bytes()
    rows = list(csv.DictReader(content.decode().splitlines()))
    assert tuple(rows[0]) == sample.HEADER
    assert len({row["asin"] for row in rows}) == 500
    assert any(row["suggested_price_jpy"] == "" for row in rows)


def test_twelve_of_a_hundred_rows_fail_and_for_sixteen_reasons() -> None:
    flaws = Counter(flaw_of(number) for number in range(sample.SAMPLE_SIZE))
    assert flaws.pop(None) == 440
    assert len(flaws) == 16
    assert set(flaws.values()) == {3, 4}


def test_a_row_is_wrong_only_where_its_product_has_that_flaw() -> None:
    for number in range(sample.SAMPLE_SIZE):
        flaw = flaw_of(number)
        assert flaws_in_row(number) == ({flaw} & FLAWS_OF_ROWS), number


def flaws_in_row(number: int) -> set[Flaw]:
    """What a reader of the upload alone finds wrong in the row."""
    product = product_of(number)
    _, category_id, suggested, _ = sample.row_of("demo", number)
    price_jpy = offer_unedited("demo", product).price_jpy
    seen: set[Flaw] = set()
    if category_id not in tree():
        seen.add("unknown_category")
    elif tree()[category_id] != product.mercari_path:
        seen.add("wrong_category")
    if suggested and abs(int(suggested) / price_jpy - 1) > 0.15:
        seen.add("price_out_of_range")
    return seen


def test_departments_have_their_share_of_the_sales() -> None:
    by_path = {kind.mercari_path: kind.department for kind in kinds()}
    counts = Counter(by_path[product_of(number).mercari_path] for number in range(10_000))
    assert counts["fashion"] / 10_000 == pytest.approx(0.386, abs=0.05)
    assert counts["beauty"] / 10_000 == pytest.approx(0.192, abs=0.05)
    assert counts["electronics"] / 10_000 == pytest.approx(0.147, abs=0.05)
    assert counts["baby"] / 10_000 == pytest.approx(0.121, abs=0.05)
    assert counts["games"] / 10_000 == pytest.approx(0.083, abs=0.05)
