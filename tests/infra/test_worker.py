"""The worker as a process, against the sandbox: uploads, sweeps, outages, views that stop."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, pairwise

import psycopg
import pytest

from domain import bindings as cases
from domain.application import acting_for
from domain.asin_binding import decisions
from domain.asin_binding.facts import AttemptFailed
from domain.channel_prices import enter_prices
from domain.rules.repricing import AsinRule, ChannelPrice, PricingRules
from domain.values import binding_id_of
from infra.audit_replay import replay
from infra.installation import Installation
from infra.projection_commands import check, rebuild, retry, status
from infra.sandbox.goods import flaw_of, product_of
from projections import health_score
from tests.infra.running_worker import Shop, asins, now, running_worker, wait_until
from tests.sampling import ALL_ONLY
from tests.sandbox_server import SandboxServer

# Other tests share the catalogue, so these products are far from theirs.
BASE = range(1000, 1040)
UNUSED = (number for number in count(1040) if flaw_of(number) is None and number % 125 != 5)


@pytest.fixture(scope="module")
def shop(
    module_installation: Installation, passwords: dict[str, str], sandbox: SandboxServer
) -> Iterator[Shop]:
    """A seller with 40 rows uploaded, and a worker that serves it for all of these tests."""
    with running_worker(module_installation, passwords):
        made = Shop(module_installation, sandbox)
        made.finish(made.upload(BASE))
        kinds = {"sweep.stock_price", "sweep.catalogue", "sweep.delta", "sweep.drift"}
        wait_until(lambda: kinds <= {line.operation for line in made.log()}, "the first sweeps")
        wait_until(lambda: not made.sweeps_under_way(), "no sweep is under way")
        yield made


@pytest.fixture(autouse=True)
def mended(sandbox: SandboxServer) -> Iterator[None]:
    yield
    sandbox.control("faults", method="DELETE")


def fresh(size: int) -> list[int]:
    """Products that no test has bound yet."""
    return [next(UNUSED) for _ in range(size)]


def listed(shop: Shop) -> str:
    """An ASIN that has just been listed."""
    numbers = fresh(1)
    assert [row.fate for row in shop.finish(shop.upload(numbers))] == ["listed"]
    return asins(numbers)[0]


def assert_views_equal(installation: Installation) -> None:
    results = list(check(installation.database))
    assert [(each.name, each.differences) for each in results if each.differences] == []


def assert_replayed_alike(installation: Installation) -> None:
    result = replay(installation.database)
    assert (result.different, result.differences) == (0, [])


def test_an_upload_of_40_rows_ends_with_40_fates(shop: Shop) -> None:
    with shop.installation.database.reading_for(shop.seller_id) as connection:
        upload_id = connection.execute(
            "SELECT submission_id FROM live_submissions WHERE row_count = 40"
        ).fetchone()
    assert upload_id is not None
    rows = shop.rows(upload_id[0])
    assert [row.number for row in rows] == list(range(1, 41))
    fates = Counter(row.fate for row in rows)
    sound = sum(flaw_of(number) is None for number in BASE)
    assert fates == {"listed": sound, "rejected": 40 - sound}
    for row in rows:
        shown = [listing["is_on_sale"] for listing in shop.listings(row.asin)]
        assert shown == ([True] if row.fate == "listed" else []), row
        assert bool(row.codes) == (row.fate == "rejected")


def test_a_suspended_asin_goes_off_sale_at_the_next_scan_and_comes_back(shop: Shop) -> None:
    asin = listed(shop)
    shop.control("suspend", asin)
    tally = shop.sweep("status")
    assert (tally.changed, tally.failed) == (1, 0)
    wait_until(lambda: not shop.listing(asin)["is_on_sale"], "it is off sale")
    wait_until(lambda: not shop.binding(asin).is_on_sale, "the view says so")
    shop.catch_up()
    assert shop.binding(asin).status == "suspended"
    assert shop.topics(asin)[-2:] == ["suspended", "listing_confirmed"]
    lines = shop.log(asin=asin)
    assert [(line.operation, line.error_code) for line in lines[:2]] == [
        ("take_down", None), ("suspend", "E-404")
    ]  # fmt: skip
    with shop.installation.database.reading_for(shop.seller_id) as connection:
        health = health_score.read(connection, "24h", now())
    assert asin in next(each.asins for each in health.failing if each.code == "E-404")

    shop.control("reactivate", asin)
    assert shop.sweep("status").changed == 1
    wait_until(lambda: shop.listing(asin)["is_on_sale"], "it is on sale again")
    wait_until(lambda: shop.binding(asin).is_on_sale, "the view says so")
    assert shop.binding(asin).status == "listed"


def test_a_moved_price_is_followed_at_the_same_float(shop: Shop) -> None:
    asin = listed(shop)
    before = shop.binding(asin)
    assert before.amazon_price_jpy is not None
    assert before.float_pct is not None
    amazon_price_jpy = before.amazon_price_jpy * 2
    shop.control("price", asin, price_jpy=amazon_price_jpy)
    assert shop.sweep("stock_price").changed == 1
    wait_until(lambda: shop.listing(asin)["price_jpy"] != before.price_jpy, "it is re-priced")
    shown = shop.listing(asin)["price_jpy"]
    assert abs(shown - amazon_price_jpy * (1 + before.float_pct / 100)) <= 1
    wait_until(lambda: shop.binding(asin).shown_price_jpy == shown, "the view says so")
    shop.catch_up()
    assert ("price", "ok") in [(line.operation, line.outcome) for line in shop.log(asin=asin)]


def test_new_rules_reprice_a_live_listing_and_the_log_says_why(shop: Shop) -> None:
    asin = listed(shop)
    before = shop.listing(asin)["price_jpy"]
    ceiling = before - 1
    shop.price_by(PricingRules(overrides=(AsinRule(asin=asin, ceiling_jpy=ceiling),)))
    wait_until(lambda: shop.listing(asin)["price_jpy"] == ceiling, "it is repriced")
    shop.catch_up()
    (line,) = [each for each in shop.log(asin=asin) if each.operation == "price"]
    assert [each["rule"] for each in line.detail["reasons"]] == ["ceiling_jpy"]
    shop.price_by(PricingRules(overrides=(AsinRule(asin=asin, follow="rakuten"),)))
    wait_until(lambda: shop.listing(asin)["price_jpy"] == before, "nothing is known to follow")
    own = ChannelPrice(asin=asin, channel="rakuten", price_jpy=before + 5)
    enter_prices(shop.installation.app, shop.seller_id, (own,), shop.work)
    wait_until(lambda: shop.listing(asin)["price_jpy"] == before + 5, "the own price is followed")
    assert_replayed_alike(shop.installation)
    shop.price_by(PricingRules())
    wait_until(lambda: shop.listing(asin)["price_jpy"] == before, "the plain float returns")
    shop.catch_up()
    assert_views_equal(shop.installation)


def test_a_moved_category_breaks_the_mapping_and_takes_it_off_sale(shop: Shop) -> None:
    number = fresh(1)[0]
    asin = asins([number])[0]
    shop.finish(shop.upload([number]))
    elsewhere = next(
        product_of(other).browse_path
        for other in BASE
        if product_of(other).mercari_path[0] != product_of(number).mercari_path[0]
    )
    shop.control("category", asin, browse_path=" > ".join(elsewhere))
    assert shop.sweep("catalogue").changed == 1
    wait_until(lambda: not shop.listing(asin)["is_on_sale"], "it is off sale")
    wait_until(lambda: not shop.binding(asin).is_on_sale, "the view says so")
    assert shop.binding(asin).status == "unmapped"
    assert shop.binding(asin).error_codes == ["E-403"]
    assert "mapping_broken" in shop.topics(asin)


def test_stock_at_the_threshold_is_shown_as_none_left_with_an_alert(shop: Shop) -> None:
    asin = listed(shop)
    shop.control("quantity", asin, quantity=shop.binding(asin).stock_threshold)
    assert shop.sweep("stock_price").changed == 1
    wait_until(lambda: set(shop.listing(asin)["stock"].values()) == {0}, "the stock is 0")
    assert shop.listing(asin)["is_on_sale"]
    shop.catch_up()
    assert "W-103" in [line.error_code for line in shop.log(asin=asin)]
    wait_until(lambda: shop.binding(asin).shown_stock == 0, "the view says so")


MERCARI_FAULTS = (
    "429", "503_html", "empty_200", "truncated_json", "hang", "created_but_timed_out",
)  # fmt: skip
AMAZON_FAULTS = ("429", "503_html", "empty_200", "truncated_json", "hang")


def seconds_of(kind: str) -> dict[str, float]:
    """A hanging answer is withheld so long; the other outages last until mended."""
    return {"seconds": 0.5} if kind == "hang" else {}


def assert_each_attempt_waited_for_its_time(shop: Shop, asin: str) -> None:
    with acting_for(shop.seller_id):
        facts = shop.installation.app.facts_of(binding_id_of(shop.seller_id, asin))
    tries = [fact for fact in facts if isinstance(fact, AttemptFailed)]
    for earlier, later in pairwise(tries):
        assert earlier.retry_at is not None
        assert later.stamp.decided_at >= earlier.retry_at


@pytest.mark.parametrize("kind", MERCARI_FAULTS)
def test_an_upload_outlives_a_mercari_that_answers_with(shop: Shop, kind: str) -> None:
    shop.sandbox.control("faults", upstream="mercari", kind=kind, **seconds_of(kind))
    numbers = fresh(2)
    upload_id = shop.upload(numbers)
    wait_until(
        lambda: (
            any(line.outcome == "retrying" for line in shop.log(asin=asins(numbers)[0]))
            or any(line.outcome == "retrying" for line in shop.log(asin=asins(numbers)[1]))
        ),
        "the log says that it is retried",
    )
    shop.catch_up()
    lines = [line for asin in asins(numbers) for line in shop.log(asin=asin)]
    tried = [line for line in lines if line.outcome == "retrying"]
    assert {line.error_code for line in tried} == {"E-902" if kind == "429" else "E-901"}
    assert all(line.detail["upstream"] for line in tried)
    assert not shop.is_finished(upload_id)
    shop.sandbox.control("faults", method="DELETE")
    assert [row.fate for row in shop.finish(upload_id)] == ["listed", "listed"]
    for asin in asins(numbers):
        assert shop.listing(asin)["is_on_sale"]
        assert shop.topics(asin).count("listed") == 1
        assert_each_attempt_waited_for_its_time(shop, asin)


@pytest.mark.parametrize("kind", AMAZON_FAULTS)
def test_an_upload_outlives_an_amazon_that_answers_with(shop: Shop, kind: str) -> None:
    shop.sandbox.control("faults", upstream="amazon", kind=kind, **seconds_of(kind))
    numbers = fresh(2)
    shop.catch_up()
    before, since = shop.counts(), now()
    upload_id = shop.upload(numbers)
    wait_until(
        lambda: shop.log(outcome="retrying", since=since) != [], "the log says that it is retried"
    )
    line = shop.log(outcome="retrying", since=since)[-1]
    assert (line.operation, line.error_code) == ("check", "E-902" if kind == "429" else "E-901")
    assert line.detail["rows"] == 2
    assert shop.counts() == before
    assert [row.fate for row in shop.rows(upload_id)] == [None, None]
    shop.sandbox.control("faults", method="DELETE")
    assert [row.fate for row in shop.finish(upload_id)] == ["listed", "listed"]


@ALL_ONLY
def test_a_sweep_that_is_throttled_waits_and_then_leaves_nothing_unread(shop: Shop) -> None:
    asin = listed(shop)
    shop.control("suspend", asin)
    shop.sandbox.control("faults", upstream="amazon", kind="429", seconds=3,
                               operation="searchListingsItems")  # fmt: skip
    tally = shop.sweep("status")
    assert (tally.changed, tally.failed) == (1, 0)
    wait_until(lambda: not shop.listing(asin)["is_on_sale"], "it is off sale")


@ALL_ONLY
@pytest.mark.parametrize("kind", ["truncated_json"])
def test_a_sweep_changes_no_listing_while_amazon_answers_with(shop: Shop, kind: str) -> None:
    asin = listed(shop)
    shop.catch_up()
    before = (shop.counts(), shop.binding(asin))
    shop.control("suspend", asin)
    shop.sandbox.control("faults", upstream="amazon", kind=kind, **seconds_of(kind))
    tally = shop.sweep("status")
    shop.catch_up()
    assert (tally.changed, tally.failed) == (0, tally.bindings)
    assert set(tally.counts_by_code) == {"E-901"}
    assert (shop.counts(), shop.binding(asin)) == before
    operations = [(line.operation, line.outcome) for line in shop.log(asin=asin)]
    assert ("sweep.status", "retrying") in operations
    shop.sandbox.control("faults", method="DELETE")
    mended_tally = shop.sweep("status")
    assert mended_tally.failed == 0
    wait_until(lambda: not shop.listing(asin)["is_on_sale"], "it is off sale")
    assert shop.topics(asin).count("suspended") == 1


def test_a_take_down_that_mercari_did_not_confirm_is_repeated_until_it_is(shop: Shop) -> None:
    asin = listed(shop)
    shop.control("suspend", asin)
    shop.sandbox.control("faults", upstream="mercari", kind="503_html")
    assert shop.sweep("status").changed == 1
    wait_until(
        lambda: any(
            (line.operation, line.outcome) == ("take_down", "retrying")
            for line in shop.log(asin=asin)
        ),
        "the log says that it is retried",
    )
    assert shop.listing(asin)["is_on_sale"]
    assert shop.binding(asin).status == "suspended"
    shop.sandbox.control("faults", method="DELETE")
    wait_until(lambda: not shop.listing(asin)["is_on_sale"], "it is off sale")


def test_an_upload_outlives_connections_that_are_cut_again_and_again(shop: Shop) -> None:
    numbers = fresh(30)
    upload_id = shop.upload(numbers)
    for _ in range(3):
        time.sleep(0.3)
        shop.cut_every_connection()
    rows = shop.finish(upload_id)
    assert Counter(row.fate for row in rows) == {"listed": 30}
    for asin in asins(numbers):
        assert shop.listing(asin)["is_on_sale"]
        assert shop.topics(asin).count("listed") == 1


def test_an_event_that_a_view_cannot_take_stops_that_view_only_until_it_is_mended(
    shop: Shop,
) -> None:
    """The row that the next event needs is taken away by hand, and put back."""
    asin = listed(shop)
    database, binding_id = shop.installation.database, binding_id_of(shop.seller_id, asin)
    chosen = "FROM cell_1.bindings WHERE binding_id = %s"
    with psycopg.connect(shop.installation.settings.database_url, autocommit=True) as admin:
        admin.execute(f"CREATE TABLE public.kept AS SELECT * {chosen}", (binding_id,))
        admin.execute(f"DELETE {chosen}", (binding_id,))
        withdraw = decisions.Withdraw(stamp=shop.work.stamp())
        with acting_for(shop.seller_id):
            _, position = cases.change_binding(
                shop.installation.app,
                binding_id,
                None,
                lambda it: decisions.withdraw(it, withdraw),
                shop.work,
            )
        wait_until(lambda: any(each["error"] for each in status(database)), "a view stops")
        stopped = [each for each in status(database) if each["error"]]
        assert [(each["name"], each["stopped_at_position"]) for each in stopped] == [
            ("bindings", position)
        ]
        wait_until(lambda: not shop.listing(asin)["is_on_sale"], "the others go on")
        assert not retry(database, "effects")
        admin.execute("INSERT INTO cell_1.bindings SELECT * FROM public.kept")
        assert retry(database, "bindings")
    wait_until(lambda: shop.binding(asin).status == "withdrawn", "the view goes on")
    assert not any(each["error"] for each in status(database))
    assert_views_equal(shop.installation)


def test_a_rebuilt_view_is_swapped_in_and_repeats_no_effect(shop: Shop) -> None:
    database = shop.installation.database
    shop.catch_up()
    before = (shop.counts(), shop.sandbox.control("calls", method="GET")["mercari"])
    for name in ("effects", "bindings", "sync_log", "submissions"):
        assert list(rebuild(database, name))[-1] == f"{name}: generation 2 is live"
    time.sleep(1.5)  # the scheduler looks once a second for what is due
    assert (shop.counts(), shop.sandbox.control("calls", method="GET")["mercari"]) == before
    standing = {each["name"]: each["generation"] for each in status(database)}
    assert standing["effects"] == standing["bindings"] == 2
    assert listed(shop)
    assert_views_equal(shop.installation)
