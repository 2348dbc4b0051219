"""Mails to a seller's contacts: in batches, in their language, each message once, failures seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest

from api.cloud_events import message_of
from domain.application import Change, acting_for
from domain.asin_binding.facts import BindingFact, Listed, Requested, StockAdjusted, Validated
from domain.breaker import Paused, breaker_id_of
from domain.contacts import Contact
from domain.ports import MercariListing
from domain.product import Product
from domain.rules.precheck import Terms
from domain.stamps import Work
from domain.sync_sweep import BrakeApplied, HeldChange
from domain.values import binding_id_of, sku_code_of, sweep_id_of
from infra.installation import JOB_PATIENCE_SECONDS, Installation
from infra.jobs import Jobs
from infra.mail_server import mail_server_from
from infra.messages import Mailing, failing, notify
from infra.messages_follower import MessagesFollower, note_news
from infra.projection_commands import rebuild
from infra.projection_engine import ProjectionEngine
from infra.workshop import workshop_of
from tests.mail_server import MailBox, mail_server
from tests.sellers import LinkedSeller

JA = Contact(email="aki@shop.example", language="ja")
ZH = Contact(email="chen@shop.example", language="zh", topics=("stock",))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Post:
    """One seller's mail: a server, and a clock that a test sets ahead."""

    installation: Installation
    seller: LinkedSeller
    box: MailBox
    mailing: Mailing
    ahead: timedelta = 2 * MINUTE

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def notify(self, *keys: str) -> None:
        with self.installation.database.pool("jobs").connection() as connection:
            for key in keys:
                values = {"asin": key, "title": "皿", "amazon_quantity": "1",
                          "stock_threshold": "2", "since": "11/26 12:00"}  # fmt: skip
                notify(connection, self.seller.seller_id, "stock", key, values)

    def send(self, ahead: timedelta | None = None) -> list[EmailMessage]:
        """What is sent now, by a worker that starts anew."""
        self.ahead = ahead or self.ahead
        before = len(self.box.mails)
        self.mailing.send_due(self.seller.seller_id, self.seller.name, self.now())
        return self.box.mails[before:]

    def contacts(self, *contacts: Contact) -> None:
        self.installation.contacts.replace(self.seller.seller_id, contacts)


@pytest.fixture
def post(installation: Installation, seller: LinkedSeller) -> Iterator[Post]:
    with mail_server() as (box, port):
        server = mail_server_from(f"smtp://127.0.0.1:{port}?from=sync@sync.example")
        mailing = Mailing(installation.database, server, "https://sync.example")
        made = Post(installation, seller, box, mailing)
        made.contacts(JA)
        yield made


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content())


def test_all_that_came_together_is_one_mail_a_contact_in_its_language(post: Post) -> None:
    post.contacts(JA, ZH)
    post.notify("B0MAIL0001", "B0MAIL0002")
    mails = post.send()
    assert sorted(post.box.recipients) == [JA.email, ZH.email]
    for mail, word in zip(sorted(mails, key=lambda it: it["To"]), ("在庫", "库存"), strict=True):
        assert word in mail["Subject"]
        assert post.seller.name in mail["Subject"]
        assert all(asin in text_of(mail) for asin in ("B0MAIL0001", "B0MAIL0002"))
        assert "https://sync.example/stock-alerts?state=open" in text_of(mail)
        assert "https://www.amazon.co.jp/dp/B0MAIL0001" in text_of(mail)


def test_a_message_is_told_once_however_often_it_is_noted_or_the_job_runs(post: Post) -> None:
    post.notify("B0MAIL0001")
    assert len(post.send()) == 1
    post.notify("B0MAIL0001")
    assert post.send() == []
    assert post.send(3 * HOUR) == []


def test_a_mail_waits_a_minute_for_more_and_the_next_comes_an_hour_later(post: Post) -> None:
    post.notify("B0MAIL0001")
    assert post.send(timedelta(seconds=1)) == []
    assert len(post.send(2 * MINUTE)) == 1
    post.notify("B0MAIL0002", "B0MAIL0003")
    assert post.send(HOUR) == []
    [mail] = post.send(HOUR + 3 * MINUTE)
    assert "B0MAIL0001" not in text_of(mail)
    assert all(asin in text_of(mail) for asin in ("B0MAIL0002", "B0MAIL0003"))


def test_a_mail_that_failed_is_tried_again_later_and_seen_until_it_went(post: Post) -> None:
    post.box.answer_to_recipient = b"451 try later"
    post.notify("B0MAIL0001")
    assert post.send(2 * MINUTE) == []
    [held] = post.installation.contacts.all(post.seller.seller_id)
    assert "451 try later" in (held.error or "")
    assert held.retry_at is not None
    with post.installation.database.connect("jobs") as connection:
        assert failing(connection)[0] == 1
    tries = len(post.box.recipients)
    assert post.send(2 * MINUTE) == []
    assert len(post.box.recipients) == tries
    post.box.answer_to_recipient = b"250 fine"
    assert len(post.send(4 * MINUTE)) == 1
    [held] = post.installation.contacts.all(post.seller.seller_id)
    assert (held.error, held.retry_at) == (None, None)
    assert held.sent_at is not None


def test_a_failure_for_one_contact_repeats_nothing_to_another(post: Post) -> None:
    post.contacts(JA, ZH)
    post.notify("B0MAIL0001")
    post.box.refused = ZH.email
    assert [mail["To"] for mail in post.send()] == [JA.email]
    post.box.refused = None
    assert [mail["To"] for mail in post.send(5 * MINUTE)] == [ZH.email]
    assert post.send(2 * HOUR) == []


def test_a_mail_whose_answer_was_lost_comes_again_under_the_same_id(post: Post) -> None:
    post.box.answer_to_mail = None
    post.notify("B0MAIL0001")
    [first] = post.send()
    post.box.answer_to_mail = b"250 taken"
    [again] = post.send(5 * MINUTE)
    assert first["Message-ID"] == again["Message-ID"]
    assert post.send(2 * HOUR) == []


def test_a_contact_is_told_nothing_from_before_it_was_there_and_nothing_a_day_old(
    post: Post,
) -> None:
    post.notify("B0MAIL0001")
    post.contacts(ZH)
    assert post.send() == []
    post.notify("B0MAIL0002")
    assert post.send(timedelta(hours=24, minutes=1)) == []
    assert len(post.send(timedelta(hours=23))) == 1


def test_a_deleted_contact_leaves_nothing_behind(post: Post, database_url: str) -> None:
    post.notify("B0MAIL0001")
    post.send()
    post.contacts()
    with post.installation.database.connect("jobs") as connection:
        for table in ("contact", "mailing", "message_sent"):
            row = connection.execute(f"SELECT count(*) FROM asin_sync.{table}").fetchone()
            assert row == (0,), table
    post.notify("B0MAIL0002")
    assert post.send(2 * HOUR) == []


def test_a_topic_that_was_not_chosen_is_not_told(post: Post) -> None:
    post.contacts(Contact(email=JA.email, language="ja", topics=("brake",)))
    post.notify("B0MAIL0001")
    assert post.send() == []


def test_without_a_server_nothing_is_sent_and_nothing_fails(
    post: Post, installation: Installation
) -> None:
    silent = Mailing(installation.database, None, "https://sync.example")
    post.notify("B0MAIL0001")
    assert (silent.is_on, silent.send_due(post.seller.seller_id, "x", post.now())) == (False, 0)


# --- from the fact to the mail ------------------------------------------------------------------


def facts_of_a_life(post: Post, work: Work, asin: str) -> list[BindingFact]:
    """A listing whose stock then falls to its threshold."""
    stamp, moment = work.stamp(), datetime.now(UTC)
    product = Product(asin=asin, status="active", sku="S", title="皿", price_jpy=1_000, quantity=4,
                      browse_path=("食器",), channel="fba", observed_at=moment)  # fmt: skip
    code = sku_code_of(asin, binding_id_of(post.seller.seller_id, asin))
    shown = MercariListing(listing_id="m1", sku_code=code, title="皿", price_jpy=1_000, stock=4,
                           is_on_sale=True, observed_at=moment)  # fmt: skip
    return [
        Requested(stamp=stamp, asin=asin, sku="S", terms=Terms(mercari_category_id="c")),
        Validated(stamp=stamp, product=product, warnings=(), float_rate="0", price_jpy=1_000,
                  stock=4),
        Listed(stamp=stamp, listing=shown),
        StockAdjusted(stamp=stamp, from_stock=4, to_stock=0, amazon_quantity=1, stock_threshold=2),
    ]  # fmt: skip


def live(post: Post, work: Work, asin: str) -> None:
    """Record it, and let the views fold it."""
    binding_id = binding_id_of(post.seller.seller_id, asin)
    with acting_for(post.seller.seller_id):
        post.installation.app.record(Change(binding_id, 0, facts_of_a_life(post, work, asin)))
    fold_all(post)


def fold_all(post: Post) -> None:
    engine = ProjectionEngine(post.installation.database)
    assert engine.lead()
    while engine.run_once():
        continue
    engine.close()


def noted(post: Post) -> list[str]:
    with post.installation.database.connect("jobs") as connection:
        rows = connection.execute("SELECT values ->> 'asin' FROM asin_sync.message ORDER BY 1")
        return [asin for (asin,) in rows]


def jobs_waiting(post: Post) -> list[UUID]:
    with post.installation.database.connect("jobs") as connection:
        rows = connection.execute(
            "SELECT (args ->> 'seller')::uuid FROM procrastinate_jobs"
            " WHERE task_name = 'send_messages'"
        )
        return [seller_id for (seller_id,) in rows]


def test_an_alert_becomes_one_mail_and_none_from_before_the_service_could_tell(
    post: Post, work: Work
) -> None:
    follower = MessagesFollower(post.installation.database, post.mailing, post.now)
    live(post, work, "B0BEFORE01")
    follower.tick()
    assert noted(post) == []
    live(post, work, "B0AFTER001")
    follower.tick()
    MessagesFollower(post.installation.database, post.mailing, post.now).tick()
    assert noted(post) == ["B0AFTER001"]
    assert jobs_waiting(post) == [post.seller.seller_id]
    shops = post.installation.shops(post.now, threading.Event(), JOB_PATIENCE_SECONDS)
    usual = workshop_of(post.installation, shops, post.now, threading.Event(), message_of)
    workshop = replace(usual, mailing=post.mailing)
    Jobs(workshop).send_messages(str(post.seller.seller_id))
    shops.close()
    [mail] = post.box.mails
    assert "B0AFTER001" in text_of(mail)


def test_a_rebuilt_view_tells_nothing_again(post: Post, work: Work) -> None:
    follower = MessagesFollower(post.installation.database, post.mailing, post.now)
    follower.tick()
    live(post, work, "B0AFTER001")
    follower.tick()
    again = rebuild(post.installation.database, "stock_alerts")
    next(again)
    fold_all(post)
    follower.tick()
    assert noted(post) == ["B0AFTER001"]
    again.close()


# --- from breakers and brakes to the mail -------------------------------------------------------


def paused(work: Work, tries: int) -> Paused:
    moment = datetime.now(UTC)
    return Paused(
        stamp=work.stamp(), marketplace="amazon", code="E-901", reason="HTTP 503", since=moment,
        tries=tries, retry_at=moment + MINUTE,
    )  # fmt: skip


def braked(work: Work, page: int, held: int) -> BrakeApplied:
    changes = [HeldChange(asin=f"B0HELD{n:04d}", first="¥1", second="¥2") for n in range(held)]
    return BrakeApplied(
        stamp=work.stamp(), kind="status", page=page, listings=1_000, limit=100, rate="0.1",
        drastic=150, confirmed=150 - held, held_count=held, held=tuple(changes),
    )  # fmt: skip


def guards_noted(post: Post) -> list[tuple[str, str]]:
    with post.installation.database.connect("jobs") as connection:
        rows = connection.execute(
            "SELECT topic, coalesce(values ->> 'upstream', values ->> 'changes')"
            " FROM asin_sync.message ORDER BY 1, 2"
        )
        return rows.fetchall()


def test_a_breaker_that_opens_and_a_brake_that_holds_are_told_once_and_nothing_else_is(
    post: Post, work: Work
) -> None:
    follower = MessagesFollower(post.installation.database, post.mailing, post.now)
    follower.tick()
    breaker = breaker_id_of(post.seller.seller_id, "amazon")
    sweep = sweep_id_of(post.seller.seller_id, "status", post.now())
    with acting_for(post.seller.seller_id):
        post.installation.app.record(
            Change(breaker, 0, [paused(work, 0), paused(work, 1)]),
            Change(sweep, 0, [braked(work, 1, 0), braked(work, 2, 7)]),
        )
    fold_all(post)
    follower.tick()
    follower.tick()
    MessagesFollower(post.installation.database, post.mailing, post.now).tick()
    assert guards_noted(post) == [("brake", "7"), ("breaker", "Amazon.co.jp")]
    told = "\n".join(text_of(mail) for mail in post.send())
    assert "Amazon.co.jp" in told
    assert "1000 件のうち 7 件" in told
    assert "Amazon に合わせる" in told
    assert told.count("https://sync.example/#sync") == 2


def test_what_breakers_and_brakes_did_is_noted_with_the_place_in_the_log_or_not_at_all(
    post: Post, work: Work
) -> None:
    follower = MessagesFollower(post.installation.database, post.mailing, post.now)
    follower.tick()
    with acting_for(post.seller.seller_id):
        breaker = breaker_id_of(post.seller.seller_id, "amazon")
        post.installation.app.record(Change(breaker, 0, [paused(work, 0)]))
    follower.tick()
    assert guards_noted(post) == []
    fold_all(post)
    pool = post.installation.database.pool
    with (
        pool("projector").connection() as log_,
        pool("jobs").connection() as jobs,
        jobs.transaction(force_rollback=True),
    ):
        note_news(log_, jobs)
    assert guards_noted(post) == []
    follower.tick()
    assert guards_noted(post) == [("breaker", "Amazon.co.jp")]
