"""Guards: whatever upstreams do, nothing is delisted by it, and the log says what was not done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from domain.consents import ConsentAnswer
from domain.ports import UpstreamThrottled
from infra.sandbox.goods import asin_of, flaw_of
from projections import conditions, sync_log
from projections.conditions import ConditionRow
from projections.sync_log import LogRow
from tests.sellers import LinkedSeller
from tests.virtual.service import VirtualService

SOUND = [number for number in range(60) if flaw_of(number) is None][:12]


class Guarded:
    """A seller with twelve listings on sale, watched by the service."""

    def __init__(self, service: VirtualService) -> None:
        self.service = service
        self.seller: LinkedSeller = service.add_seller(product_count=60)
        service.upload(self.seller, SOUND)
        service.settle()
        assert self.on_sale() == len(SOUND)

    def control(self, path: str, **fields: object) -> None:
        self.service.sandbox.control(path, seller=self.seller.name, **fields)

    def on_sale(self) -> int:
        shown = (self.service.listings(self.seller, asin_of(number)) for number in SOUND)
        return sum(listing["is_on_sale"] for found in shown for listing in found)

    def sweep(self, kind: str) -> None:
        """As the scheduler begins it, at a moment of its own."""
        self.service.clock.advance(61)
        self.service.jobs.app.tasks["start_sweep"](
            seller=str(self.seller.seller_id), kind=kind,
            due_at=self.service.clock.now.isoformat(),
        )  # fmt: skip
        self.service.settle()

    def wait(self, seconds: float) -> None:
        self.service.clock.advance(seconds)
        self.service.settle()

    def condition(self, kind: str, subject: str) -> ConditionRow:
        with self.service.database.reading_for(self.seller.seller_id) as connection:
            rows = conditions.read(connection)
        return next(row for row in rows if (row.kind, row.subject) == (kind, subject))

    def log(self, operation: str) -> list[LogRow]:
        with self.service.database.reading_for(self.seller.seller_id) as connection:
            rows = sync_log.page(connection, sync_log.Filter(), limit=500)
        return [row for row in rows if row.operation == operation]


@pytest.fixture
def shop(service: VirtualService) -> Iterator[Guarded]:
    made = Guarded(service)
    yield made
    service.sandbox.control("faults", method="DELETE")


def test_an_amazon_that_does_not_answer_is_left_alone_and_asked_again_later(
    shop: Guarded,
) -> None:
    shop.control("suspend", asin=asin_of(SOUND[0]))
    shop.service.sandbox.control("faults", upstream="amazon", kind="503_html")
    for _ in range(5):
        shop.sweep("status")
    assert shop.on_sale() == len(SOUND)
    breaker = shop.condition("breaker", "amazon")
    assert (breaker.is_open, breaker.code) == (True, "E-901")
    assert breaker.until is not None
    assert breaker.until - breaker.since >= timedelta(seconds=60)
    assert shop.log("pause.amazon")[0].detail["upstream"]

    shop.sweep("stock_price")
    before = shop.service.sandbox.control("calls", method="GET")["amazon"]
    shop.service.settle()
    assert shop.service.sandbox.control("calls", method="GET")["amazon"] == before

    shop.service.sandbox.control("faults", method="DELETE")
    shop.wait(1800)
    assert shop.condition("breaker", "amazon").is_open is False
    assert shop.log("resume.amazon")
    assert shop.on_sale() == len(SOUND) - 1, "the sweep that waited went on"


def test_a_permission_taken_back_takes_nothing_off_sale_and_stops_sweeps_as_e_401(
    shop: Guarded,
) -> None:
    shop.control("suspend", asin=asin_of(SOUND[0]))
    shop.control("revoke")
    shop.service.clock.advance(4000)
    shop.sweep("status")
    assert shop.on_sale() == len(SOUND)
    assert shop.condition("breaker", "amazon").code == "E-401"
    (line, *_) = shop.log("sweep.status")
    assert (line.outcome, line.error_code) == ("failed", "E-401")
    assert line.detail["failed"] == len(SOUND)

    account = shop.service.sandbox.control("sellers", name=shop.seller.name, product_count=60)
    shop.service.installation.secrets.store(
        shop.seller.seller_id, "amazon_refresh_token", account["refresh_token"]
    )
    shop.sweep("status")
    assert shop.condition("breaker", "amazon").is_open is False
    assert shop.on_sale() == len(SOUND) - 1


def test_linking_again_by_consent_lets_sync_go_on_at_once(shop: Guarded) -> None:
    installation, seller_id = shop.service.installation, shop.seller.seller_id
    shop.control("suspend", asin=asin_of(SOUND[0]))
    shop.control("revoke")
    shop.service.clock.advance(4000)
    shop.sweep("status")
    paused = shop.condition("breaker", "amazon")
    assert (paused.is_open, paused.code) == (True, "E-401")

    consents = installation.consents(shop.service.clock)
    key_id, _ = installation.api_keys.create("seller", seller_id, "test")
    consent = consents.begin(seller_id, key_id, None)
    answered = shop.service.sandbox.control(
        "consent", seller=shop.seller.name, url=consent.consent_url
    )
    query = dict(parse_qsl(urlsplit(answered["leads_to"]).query))
    answer = ConsentAnswer(
        state=query["state"], selling_partner_id=query["selling_partner_id"],
        code=query["spapi_oauth_code"],
    )  # fmt: skip
    assert consents.complete(answer, None) == seller_id
    consents.close()

    assert paused.until is not None
    shop.sweep("status")
    assert shop.service.clock.now < paused.until, "the pause of the old permission still runs"
    assert shop.condition("breaker", "amazon").is_open is False
    assert shop.on_sale() == len(SOUND) - 1


def test_a_suspended_account_is_found_where_the_calls_that_tell_of_it_were_spent(
    shop: Guarded,
) -> None:
    amazon = shop.service.shops.amazon(shop.service.owner(shop.seller))
    with pytest.raises(UpstreamThrottled):
        all(not amazon.is_account_suspended() for _ in range(100))
    shop.control("account", suspended=True)
    shop.sweep("status")
    for _ in range(4):
        shop.wait(65)
    assert shop.on_sale() == 0
    assert {line.detail["reason"] for line in shop.log("suspend")} == {"hasSuspendedListings"}
    assert len(shop.log("sweep.status")) == 1


def test_a_mercari_that_does_not_answer_leaves_effects_waiting_without_a_line_for_each(
    shop: Guarded,
) -> None:
    for number in SOUND:
        shop.control("quantity", asin=asin_of(number), quantity=33)
    shop.service.sandbox.control("faults", upstream="mercari", kind="503_html")
    shop.sweep("stock_price")
    for _ in range(6):
        shop.wait(60)
        shop.service.jobs.app.tasks["drain_effects"](seller=str(shop.seller.seller_id))
        shop.service.settle()
    assert shop.condition("breaker", "mercari").is_open
    failed = len(shop.log("update"))
    for _ in range(10):
        shop.service.jobs.app.tasks["drain_effects"](seller=str(shop.seller.seller_id))
        shop.service.settle()
    assert len(shop.log("update")) == failed, "nothing is tried while it is left alone"

    shop.service.sandbox.control("faults", method="DELETE")
    for _ in range(3):
        shop.wait(1000)
        shop.service.jobs.app.tasks["drain_effects"](seller=str(shop.seller.seller_id))
        shop.service.settle()
    assert shop.condition("breaker", "mercari").is_open is False
    stocks = [
        units
        for number in SOUND
        for listing in shop.service.listings(shop.seller, asin_of(number))
        for units in listing["stock"].values()
    ]
    assert {*stocks} <= {30, 31, 32, 33}


def test_stocks_are_written_twenty_a_call(shop: Guarded) -> None:
    for number in SOUND:
        shop.control("quantity", asin=asin_of(number), quantity=44)
    shop.service.sandbox.control("calls", method="DELETE")
    shop.sweep("stock_price")
    calls = shop.service.sandbox.control("calls", method="GET")["mercari"]
    assert calls["updateProductVariants"] == 1
    assert set(calls) == {"productVariant", "updateProductVariants"}
    assert calls["productVariant"] <= len(SOUND)


def test_a_listing_edited_by_hand_is_put_back_and_said(shop: Guarded) -> None:
    asin = asin_of(SOUND[1])
    (shown,) = shop.service.listings(shop.seller, asin)
    (sku_code,) = shown["stock"]
    shop.control(f"listings/{sku_code}", title="手で書いた題名", price_jpy=999)
    shop.sweep("drift")
    (after,) = shop.service.listings(shop.seller, asin)
    assert (after["title"], after["price_jpy"]) == (shown["title"], shown["price_jpy"])
    assert {row.detail["field"] for row in shop.log("drift")} == {"title", "price_jpy"}
    assert {row.error_code for row in shop.log("drift")} == {"W-106"}
    lines = len(shop.log("drift"))
    shop.sweep("drift")
    assert len(shop.log("drift")) == lines, "what was put back is no drift"


def test_what_can_t_be_bought_is_found_by_the_quick_look_before_the_next_scan(
    shop: Guarded,
) -> None:
    shop.control("suspend", asin=asin_of(SOUND[2]))
    shop.sweep("delta")
    assert shop.on_sale() == len(SOUND) - 1


def test_the_daily_report_is_only_a_reason_to_read_again(shop: Guarded) -> None:
    shop.control("suspend", asin=asin_of(SOUND[3]))
    shop.sweep("report")
    shop.wait(90)
    shop.wait(90)
    assert shop.on_sale() == len(SOUND) - 1
    assert shop.log("sweep.report")[0].outcome == "ok"


def test_a_sweep_that_is_due_while_the_one_before_runs_is_said_not_to_have_begun(
    shop: Guarded,
) -> None:
    shop.service.clock.advance(61)
    start = shop.service.jobs.app.tasks["start_sweep"]
    for _ in range(2):
        start(
            seller=str(shop.seller.seller_id), kind="status",
            due_at=shop.service.clock.now.isoformat(),
        )  # fmt: skip
        shop.service.clock.advance(1)
    shop.service.settle()
    assert len(shop.log("skip.status")) == 1
    assert len(shop.log("sweep.status")) == 1


def test_a_clock_that_jumps_back_and_ahead_takes_nothing_off_sale(shop: Guarded) -> None:
    service = shop.service
    service.tick()
    for jump_seconds in (-7_200, 3 * 86_400, -86_400):
        service.clock.advance(jump_seconds)
        service.tick()
        assert shop.on_sale() == len(SOUND)
    shop.control("suspend", asin=asin_of(SOUND[0]))
    service.pass_time(27 * 3_600, 3_600)
    assert shop.on_sale() == len(SOUND) - 1, "once the clock is past what was read, it goes on"
