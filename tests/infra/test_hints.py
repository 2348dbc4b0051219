"""Hints followed for real: views, jobs and both marketplaces; only the order is the test's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import hints
from domain.application import acting_for
from domain.asin_binding.facts import ListingConfirmed, Suspended
from domain.rules.pricing import listed_price_jpy
from domain.values import binding_id_of, hint_id_of
from infra.hint_intake import HintIntake
from infra.installation import Installation, opened, urls_of
from infra.jobs import HINT_ATTEMPTS_MAX
from infra.settings import Settings
from tests import postgres
from tests.infra.job_hands import JobHands
from tests.infra.listening import Listener
from tests.infra.running_worker import Shop, asins, now, wait_until
from tests.sampling import EVERY
from tests.sandbox_server import SandboxServer

# Sound products that no other test binds: two of the seller's own warehouse, the others FBA.
NUMBERS = (2_100, 2_101, 2_102, 2_103, 2_104)
FLOAT_RATE_MAX = Decimal("0.15")


class Bench:
    """A shop with listings, and everything that is sent about it, kept until a test delivers it."""

    def __init__(self, installation: Installation, sandbox: SandboxServer) -> None:
        self.shop = Shop(installation, sandbox)
        self.hands = JobHands(installation)
        self.intake = HintIntake(installation.database, b"secret", now)
        upload_id = self.shop.upload(NUMBERS)
        self.hands.run()
        fates = [row.fate for row in self.shop.rows(upload_id)]
        self.asins = [asin for asin, fate in zip(asins(NUMBERS), fates, strict=True)
                      if fate == "listed"]  # fmt: skip
        assert len(self.asins) >= 3, fates

    def close_breaker(self) -> None:
        """Amazon answers again."""
        self.hands.shops.breaker(self.shop.seller_id, "amazon").try_now()
        with acting_for(self.shop.seller_id):
            owner = self.shop.installation.app.seller(self.shop.seller_id)
            self.hands.shops.amazon(owner).read_not_buyable()

    def send_to(self, listener: Listener) -> None:
        self.shop.sandbox.control(
            "forwarder", seller=self.shop.seller.name, url=listener.url, key="k",
            mercari_url=f"{listener.url}/mercari",
        )  # fmt: skip

    def deliver(self, body: bytes) -> None:
        self.intake.take_amazon(body, self.shop.seller_id)

    def notify(self, asin: str, kind: str = "LISTINGS_ITEM_STATUS_CHANGE", **said: Any) -> str:
        """Have a notification sent by hand delivered at once; its id."""
        sent = self.shop.control("notify", asin, type=kind, **said)["sent"][0]
        self.deliver(orjson.dumps(sent))
        return str(sent["NotificationMetadata"]["NotificationId"])

    def follow(self, asin: str, kind: str = "LISTINGS_ITEM_STATUS_CHANGE", **said: Any) -> str:
        sent = self.notify(asin, kind, **said)
        self.hands.run()
        return sent

    def offer(self, asin: str) -> dict[str, Any]:
        shown = self.shop.sandbox.control(
            "world", method="GET", seller=self.shop.seller.name, asin=asin
        )
        return dict(next(iter(shown["offers"]), {"state": "deleted"}))

    def outcome(self, notification_id: str) -> str:
        with self.shop.installation.database.reading_for(self.shop.seller_id) as connection:
            row = connection.execute(
                "SELECT outcome FROM asin_sync.notification WHERE notification_id = %s",
                (notification_id,),
            ).fetchone()
        assert row is not None
        return str(row[0])

    def facts(self, asin: str) -> list[Any]:
        with acting_for(self.shop.seller_id):
            return self.shop.installation.app.facts_of(binding_id_of(self.shop.seller_id, asin))

    def assert_shows_the_world(self, asin: str) -> None:
        """Mercari shows what Amazon has: on sale or not, and while on sale its price and stock."""
        offer, listing, binding = self.offer(asin), self.shop.listing(asin), self.shop.binding(asin)
        assert listing["is_on_sale"] == (offer["state"] == "on_sale"), asin
        if not listing["is_on_sale"]:
            return
        assert binding.float_pct is not None
        with acting_for(self.shop.seller_id):
            bound = self.shop.installation.app.binding(binding.binding_id)
        assert bound is not None
        assert bound.float_rate is not None
        price_jpy = listed_price_jpy(offer["price_jpy"], bound.float_rate, FLOAT_RATE_MAX)
        assert listing["price_jpy"] == price_jpy, asin
        stock = max(0, offer["quantity"] - binding.stock_threshold)
        assert list(listing["stock"].values()) == [stock], asin


@pytest.fixture(scope="module")
def bench(
    admin_url: str,
    migrated_template: str,
    role_prefix: str,
    passwords: dict[str, str],
    sandbox: SandboxServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("hints")
    (folder / "sandbox").mkdir()
    (folder / "sandbox" / "url").write_text(sandbox.url)
    with postgres.new_database(admin_url, migrated_template) as url:
        own = Settings(database_url=url, role_prefix=role_prefix, data=str(folder), images="no")
        installation = opened(own, urls_of(own, url, passwords))
        made = Bench(installation, sandbox)
        yield made
        made.hands.close()
        installation.close()


@pytest.fixture
def listener(bench: Bench) -> Iterator[Listener]:
    with Listener() as listening:
        bench.send_to(listening)
        yield listening


@pytest.fixture(autouse=True)
def mended(bench: Bench, listener: Listener) -> Iterator[None]:
    """Whatever a test has done, the world is sound and shown when it ends."""
    yield
    bench.shop.sandbox.control("faults", method="DELETE")
    bench.close_breaker()
    bench.shop.sandbox.control("account", seller=bench.shop.seller.name, suspended=False)
    for asin in bench.asins:
        bench.shop.control("reactivate", asin)


def test_a_lie_changes_nothing(bench: Bench) -> None:
    asin = bench.asins[0]
    bench.follow(asin)
    before, listing = bench.facts(asin), bench.shop.listing(asin)
    sent = bench.follow(asin, status="DELETED")
    assert bench.outcome(sent) == "unchanged"
    assert bench.facts(asin) == before
    assert bench.shop.listing(asin) == listing
    bench.assert_shows_the_world(asin)


def test_a_suspension_is_followed_and_says_which_notification_it_was(bench: Bench) -> None:
    asin = bench.asins[0]
    bench.shop.control("suspend", asin)
    sent = bench.follow(asin)
    assert bench.outcome(sent) == "changed"
    assert not bench.shop.listing(asin)["is_on_sale"]
    suspended = next(fact for fact in reversed(bench.facts(asin)) if isinstance(fact, Suspended))
    assert suspended.stamp.actor == "asin-sync"
    assert suspended.stamp.cause.correlation_id == hint_id_of(bench.shop.seller_id, sent)
    bench.shop.catch_up()
    lines = bench.shop.log(asin=asin)
    assert {"suspend", "take_down"} <= {line.operation for line in lines}
    bench.shop.control("reactivate", asin)
    bench.follow(asin)
    bench.assert_shows_the_world(asin)


def test_nothing_comes_back_while_the_account_is_suspended(bench: Bench) -> None:
    """The offer alone may look sound again; only the account tells otherwise."""
    asin, shop = bench.asins[0], bench.shop
    shop.control("suspend", asin)
    bench.follow(asin)
    shop.control("reactivate", asin)
    binding_id, app = binding_id_of(shop.seller_id, asin), shop.installation.app
    with acting_for(shop.seller_id):
        owner = app.seller(shop.seller_id)
        amazon = bench.hands.shops.amazon(owner)
        for is_suspended, expected in ((True, "unchanged"), (False, "changed")):
            followed = hints.follow_offer(
                app, owner, amazon, lambda _, it=is_suspended: it, binding_id, None, shop.work
            )
            assert followed == expected
    bench.hands.run()
    bench.assert_shows_the_world(asin)


@pytest.mark.parametrize("kind", ["429", "503_html", "empty_200", "truncated_json"])
def test_what_stays_unknown_changes_nothing_and_is_left_to_the_next_sweep(
    bench: Bench, kind: str
) -> None:
    asin = bench.asins[1]
    bench.follow(asin)
    before = bench.facts(asin)
    bench.shop.control("suspend", asin)
    bench.shop.sandbox.control("faults", upstream="amazon", kind=kind, operation="getListingsItem")
    sent = bench.notify(asin)
    assert bench.hands.run().count("follow_hint") == HINT_ATTEMPTS_MAX
    assert bench.outcome(sent) == "left_to_sweep"
    assert bench.facts(asin) == before
    assert bench.shop.listing(asin)["is_on_sale"]


def test_a_hint_that_is_unknown_at_first_is_followed_when_amazon_answers(bench: Bench) -> None:
    asin = bench.asins[1]
    bench.shop.control("suspend", asin)
    bench.shop.sandbox.control(
        "faults", upstream="amazon", kind="503_html", operation="getListingsItem", count=2
    )
    sent = bench.follow(asin)
    assert bench.outcome(sent) == "changed"
    assert not bench.shop.listing(asin)["is_on_sale"]
    bench.shop.control("reactivate", asin)
    bench.follow(asin)


def test_a_moved_title_is_inherited(bench: Bench) -> None:
    asin = bench.asins[2]
    title = f"{bench.shop.binding(asin).title} 改良版"
    bench.shop.control("title", asin, title=title)
    bench.follow(asin, "BRANDED_ITEM_CONTENT_CHANGE")
    assert bench.shop.binding(asin).title == title
    assert bench.shop.listing(asin)["title"].startswith(title[:20])


def test_units_sold_on_mercari_are_seen_at_once_and_not_put_back(
    bench: Bench, listener: Listener
) -> None:
    asin = bench.asins[2]
    bench.shop.control("quantity", asin, quantity=20)
    bench.follow(asin)
    [(sku_code, stock)] = bench.shop.listing(asin)["stock"].items()
    bench.shop.sandbox.control("sell", seller=bench.shop.seller.name, sku_code=sku_code, quantity=2)
    order = order_heard(listener)
    token = bench.intake.mercari_token(bench.shop.seller_id)
    bench.intake.take_mercari(token, order)
    bench.hands.run()
    last = bench.facts(asin)[-1]
    assert isinstance(last, ListingConfirmed)
    assert (last.listing.stock, bench.shop.binding(asin).stock) == (stock - 2, stock - 2)
    bench.intake.take_mercari(token, order)
    bench.hands.run()
    assert bench.facts(asin)[-1] == last
    assert list(bench.shop.listing(asin)["stock"].values()) == [stock - 2]


def order_heard(listener: Listener) -> bytes:
    """The body of the order webhook, once it is there."""
    wait_until(lambda: any(path == "/mercari" for path, _, _ in listener.heard), "an order comes")
    return next(body for path, _, body in listener.heard if path == "/mercari")


CHANGES = st.one_of(
    st.tuples(st.sampled_from(["suspend", "reactivate", "delete"]), st.just({})),
    st.tuples(st.just("price"), st.integers(1_000, 20_000).map(lambda it: {"price_jpy": it})),
    st.tuples(st.just("quantity"), st.integers(0, 30).map(lambda it: {"quantity": it})),
)
MOVES = st.lists(st.tuples(st.integers(0, 1), CHANGES, st.booleans()), min_size=2, max_size=6)
"""Which ASIN, what happens to it, and whether some of what was sent is followed before the next."""


@settings(
    max_examples=8 // EVERY + 1, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(moves=MOVES, order=st.randoms(use_true_random=False), copies=st.integers(1, 3))
def test_however_notifications_are_ordered_and_repeated_the_end_is_the_worlds(
    bench: Bench, listener: Listener, moves: list[Any], order: Any, copies: int
) -> None:
    listener.heard.clear()
    for number, (path, fields), is_followed in moves:
        asin = bench.asins[number]
        if path == "reactivate" or bench.offer(asin)["state"] != "deleted":
            bench.shop.control(path, asin, **fields)
        if is_followed:
            settle(listener)
            for _, _, body in order.sample(listener.heard, (len(listener.heard) + 1) // 2):
                bench.deliver(body)
            bench.hands.run()
    settle(listener)
    bodies = [body for _, _, body in listener.heard for _ in range(copies)]
    order.shuffle(bodies)
    for body in bodies:
        bench.deliver(body)
        if order.random() < 0.2:
            bench.hands.run()
    bench.hands.run()
    for asin in bench.asins[:2]:
        bench.assert_shows_the_world(asin)


def settle(listener: Listener) -> None:
    """Until nothing more is on its way."""
    heard = -1
    while heard != len(listener.heard):
        heard = len(listener.heard)
        time.sleep(0.1)
