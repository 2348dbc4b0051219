"""Webhooks as decisions: which addresses, how many, and when one is no longer told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from domain.catalogue import BY_TOPIC
from domain.errors import NotFound, WebhookRefused
from domain.event_types import types_from
from domain.rules.webhook_address import is_allowed
from domain.ticket.facts import STAFF_ONLY
from domain.webhooks import (
    RETRY_DELAYS,
    WEBHOOKS_MAX,
    ChangeWebhook,
    DisableWebhook,
    RegisterWebhook,
    RemoveWebhook,
    WebhookChanged,
    WebhookDisabled,
    WebhookFact,
    WebhookRegistered,
    WebhookRemoved,
    Webhooks,
    after,
    change_webhook,
    disable_webhook,
    register_webhook,
    remove_webhook,
    wants,
)
from tests.examples import STAMP
from tests.spec import given_by

URL = "https://hooks.example.com/asin?shop=1"
ID = UUID(int=7)


def fold(facts: Sequence[WebhookFact]) -> Webhooks:
    held: Webhooks = ()
    for fact in facts:
        held = after(held, fact)
    return held


given: Any = given_by(fold)


def registered(webhook_id: UUID = ID, **values: Any) -> WebhookRegistered:
    fields = {"url": URL, "types": ("asin_binding.",), **values}
    return WebhookRegistered(stamp=STAMP, webhook_id=webhook_id, **fields)


def register(url: str = URL, **values: Any) -> RegisterWebhook:
    fields = {"types": ("asin_binding.",), "may_be_loopback": False, **values}
    return RegisterWebhook(stamp=STAMP, webhook_id=ID, url=url, **fields)


def change(**values: Any) -> ChangeWebhook:
    fields = {"url": URL, "types": ("asin_binding.",), "is_enabled": True,
              "may_be_loopback": False, **values}  # fmt: skip
    return ChangeWebhook(stamp=STAMP, webhook_id=ID, **fields)


HOSTILE = [
    "http://hooks.example.com/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/",
    "https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/",
    "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[fd00::1]/",
    "https://user:word@hooks.example.com/", "https://hooks.example.com@evil.example/",
    "https://hooks.example.com:22/", "https://hooks.example.com:0443/",
    "https://hooks.example.com:80/", "https://hooks.example.com/#part",
    "https://hooks.example.com\\@127.0.0.1/", "https://hooks.example.com/\r\nHost: evil",
    "https://hooks.example.com/ space", "https://hooks。example。com/", "https://ｈooks.example.com/",
    "https://hooks.example.com./", "https://hooks..example.com/", "https://-hooks.example.com/",
    "https:///hooks.example.com/", "//hooks.example.com/", "ftp://hooks.example.com/", "file:///etc",
    "https://metadata/", f"https://hooks.example.com/{'a' * 2000}", f"https://{'a.' * 130}com/", "",
    "http://127.0.0.1:9000/", "gopher://127.0.0.1:6379/_",
]  # fmt: skip


@pytest.mark.parametrize("url", HOSTILE)
def test_an_address_that_could_lead_inwards_is_refused(url: str) -> None:
    refused = given().when(register_webhook, register(url)).then_refused(WebhookRefused)
    assert refused.fields["rules"] == {"url": "webhook_address"}
    given(registered()).when(change_webhook, change(url=url)).then_refused(WebhookRefused)


@pytest.mark.parametrize(
    "url", [URL, "https://a.co", "https://hooks.example.com:8443/x", "https://HOOKS.Example.com:443",
            "https://xn--eckwd4c7c.xn--zckzah/a?b=c,d"],
)  # fmt: skip
def test_a_public_https_address_is_accepted(url: str) -> None:
    given().when(register_webhook, register(url)).then(registered(url=url))


def test_only_the_sandbox_may_tell_this_computer() -> None:
    for url in ("http://127.0.0.1:9000/hook", "http://localhost:1", "http://[::1]:65535/"):
        assert is_allowed(url, may_be_loopback=True)
        assert not is_allowed(url, may_be_loopback=False)
    for url in ("http://127.0.0.1:65536/", "http://127.0.0.2:9000/", "http://10.0.0.1:9000/",
                "http://x@127.0.0.1:9000/"):  # fmt: skip
        assert not is_allowed(url, may_be_loopback=True)


def test_the_eleventh_webhook_is_refused() -> None:
    held = [registered(UUID(int=number)) for number in range(WEBHOOKS_MAX)]
    refused = given(*held).when(register_webhook, register()).then_refused(WebhookRefused)
    assert refused.fields["rules"] == {"webhooks": "webhook_too_many"}


def test_changing_nothing_records_nothing() -> None:
    given(registered()).when(change_webhook, change()).then_nothing()


def test_a_webhook_that_is_not_there_can_be_neither_changed_nor_removed() -> None:
    given().when(change_webhook, change()).then_refused(NotFound)
    remove = RemoveWebhook(stamp=STAMP, webhook_id=ID)
    given().when(remove_webhook, remove).then_refused(NotFound)
    gone = WebhookRemoved(stamp=STAMP, webhook_id=ID)
    given(registered(), gone).when(remove_webhook, remove).then_refused(NotFound)


def test_a_webhook_is_disabled_once_and_switched_on_again_by_hand() -> None:
    disable = DisableWebhook(stamp=STAMP, webhook_id=ID, reason="gone")
    disabled = WebhookDisabled(stamp=STAMP, webhook_id=ID, reason="gone")
    given(registered()).when(disable_webhook, disable).then(disabled)
    given(registered(), disabled).when(disable_webhook, disable).then_nothing()
    given().when(disable_webhook, disable).then_nothing()
    (off,) = fold([registered(), disabled])
    assert (off.is_enabled, off.disabled_because) == (False, "gone")
    switched = WebhookChanged(
        stamp=STAMP, webhook_id=ID, url=URL, types=("asin_binding.",), is_enabled=True
    )
    given(registered(), disabled).when(change_webhook, change()).then(switched)
    (on,) = fold([registered(), disabled, switched])
    assert (on.is_enabled, on.disabled_because) == (True, None)


def test_types_are_beginnings_of_types_that_exist() -> None:
    assert types_from([" asin_binding. ", "seller", "seller"]) == ("asin_binding.", "seller")
    assert types_from([]) == types_from(["", " "]) == ()
    for wrong in ("asin_bindings.", "%", "asin_binding.listed.x", "*"):
        with pytest.raises(WebhookRefused) as refused:
            types_from(["asin_binding.", wrong])
        assert refused.value.fields["rules"] == {"types": "event_type_known"}


@whatever(st.sampled_from(sorted(set(BY_TOPIC) - STAFF_ONLY)), st.integers(1, 30))
def test_whatever_the_type_each_of_its_beginnings_wants_it(topic: str, length: int) -> None:
    assert wants([topic[:length]], topic)
    assert wants([], topic)
    assert not wants([topic + "x"], topic)


def test_no_endpoint_is_told_what_staff_say_to_staff() -> None:
    assert not any(wants(types, topic) for topic in STAFF_ONLY for types in ([], [topic]))


def test_an_event_is_tried_for_three_days_before_it_is_given_up() -> None:
    hours = sum(delay.total_seconds() for delay in RETRY_DELAYS) / 3600
    assert 75 < hours < 76
    assert list(RETRY_DELAYS) == sorted(RETRY_DELAYS)
