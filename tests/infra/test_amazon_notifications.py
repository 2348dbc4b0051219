"""Amazon's notifications as they come: its own examples, every carrier, and what is not one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import NotificationRefused
from domain.hints import Hint
from domain.values import AMAZON_JP_MARKETPLACE_ID
from infra.amazon.notifications import BODY_BYTES_MAX, read_notifications
from infra.sandbox.notifications import event_of, in_camel_case, in_pascal_case
from tests.contracts.notifications import FILES, examples

US = "ATVPDKIKX0DER"
LISTING = ("offer", "AXXXXXXXXXXXXX", US, "NLS-SHOES-03", "BT6RZ7JM4H")
# What each of Amazon's examples is a hint of: kind, seller, marketplace, SKU, ASIN.
EXPECTED: dict[str, list[tuple[str | None, ...]]] = {
    "LISTINGS_ITEM_STATUS_CHANGE": [("offer", "A3AYAZLIQ7AX77", US, "NLS-SHOES-03", "BT6RZ7JM4H")],
    "LISTINGS_ITEM_ISSUES_CHANGE": [LISTING],
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": [
        ("offer", "AXXXXXXXXXXXXX", None, "NLS-SHOES-03", None)
    ],
    "FBA_INVENTORY_AVAILABILITY_CHANGES": [
        ("offer", "A3TH9S8BH6GOGM", US, "SELLERSKU-1", "B00001ABCD")
    ],
    "ANY_OFFER_CHANGED": [("offers", "A3TH9S8BH6GOGM", US, None, "123")],
    "PRICING_HEALTH": [("offers", "A3EZFOFNDPFB8R", US, None, "B007IBIWZY")],
    "BRANDED_ITEM_CONTENT_CHANGE": [("catalogue", None, US, None, "B1234567")],
    "ITEM_PRODUCT_TYPE_CHANGE": [("catalogue", None, US, None, "B1234567")],
    "REPORT_PROCESSING_FINISHED": [
        (None, "A3TH9S8BH6GOGM", None, None, None), (None, None, None, None, None)
    ],
}  # fmt: skip


def status_change(**changes: Any) -> Any:
    """Amazon's example of a status change."""
    return {**examples("LISTINGS_ITEM_STATUS_CHANGE")[0], **changes}


def seen(hint: Hint) -> tuple[str | None, ...]:
    return (hint.kind, hint.amazon_seller_id, hint.marketplace_id, hint.sku, hint.asin)


def read(content: Any) -> list[Hint]:
    return read_notifications(json.dumps(content).encode())


@pytest.mark.parametrize("kind", FILES)
def test_each_of_amazons_own_examples_is_the_right_hint(kind: str) -> None:
    found = [read(example) for example in examples(kind)]
    assert [seen(hint) for [hint] in found] == EXPECTED[kind]
    assert all(hint.type == kind and hint.event_time for [hint] in found)
    assert all(hint.notification_id in json.dumps(examples(kind)) for [hint] in found)


CARRIERS: dict[str, Callable[[Any], Any]] = {
    "bare": lambda it: it,
    "pascal": in_pascal_case,
    "camel": in_camel_case,
    "eventbridge": event_of,
    "sqs": lambda it: {"Messages": [{"MessageId": "1", "Body": json.dumps(it)}]},
    "sqs message": lambda it: {"MessageId": "1", "Body": json.dumps(it)},
    "sns in sqs": lambda it: {
        "Body": json.dumps({"Type": "Notification", "Message": json.dumps(it)})
    },
    "eventbridge in sqs": lambda it: {"Body": json.dumps(event_of(it))},
    "lambda": lambda it: {"Records": [{"messageId": "1", "body": json.dumps(it)}]},
    "list": lambda it: [it],
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("kind", FILES)
def test_the_carrier_and_the_spelling_do_not_count(kind: str, carrier: str) -> None:
    for example in examples(kind):
        assert read(CARRIERS[carrier](example)) == read(example)


def test_an_sqs_batch_is_read_in_order() -> None:
    kinds = list(FILES)
    messages = [{"Body": json.dumps(examples(kind)[0])} for kind in kinds]
    assert [hint.type for hint in read({"Messages": messages})] == kinds


def test_both_names_of_the_status_type_are_one() -> None:
    [hint] = read(status_change(NotificationType="LISTINGS_ITEM_STATUS_CHANGED"))
    assert hint == read(status_change())[0]


def test_japan_counts_where_it_is_one_of_several_marketplaces() -> None:
    example = json.loads(json.dumps(examples("FBA_INVENTORY_AVAILABILITY_CHANGES")[0]))
    stocks = example["Payload"]["FulfillmentInventoryByMarketplace"]
    stocks[1]["MarketplaceId"] = AMAZON_JP_MARKETPLACE_ID
    [hint] = read(example)
    assert hint.marketplace_id == AMAZON_JP_MARKETPLACE_ID


@pytest.mark.parametrize(
    "payload",
    [
        {"SellerId": "A3TH9S8BH6GOGM"},
        {"AccountStatusChangeNotification": {"MerchantId": "A3TH9S8BH6GOGM"}},
        {"accountStatus": {"sellerId": "A3TH9S8BH6GOGM"}},
    ],
)
def test_an_account_is_found_whatever_the_unpublished_shape(payload: Any) -> None:
    [hint] = read(status_change(NotificationType="ACCOUNT_STATUS_CHANGED", Payload=payload))
    assert (hint.kind, hint.amazon_seller_id) == ("account", "A3TH9S8BH6GOGM")


def test_a_type_nobody_knows_is_a_hint_of_nothing() -> None:
    [hint] = read(status_change(NotificationType="SOMETHING_NEW", Payload={"any": ["thing"]}))
    assert (hint.type, hint.kind) == ("SOMETHING_NEW", None)


def test_a_time_that_cannot_be_read_is_no_time() -> None:
    assert read(status_change(EventTime="yesterday"))[0].event_time is None
    assert read(status_change(EventTime="2021-02-03T18:59:30"))[0].event_time is None
    assert read(status_change())[0].event_time == datetime(2021, 2, 3, 18, 59, 30, 194_000, UTC)


def without(path: str) -> Any:
    """The example, one field taken away."""
    whole = json.loads(json.dumps(status_change()))
    holder, _, name = path.rpartition(".")
    del (whole[holder] if holder else whole)[name]
    return whole


def with_payload(**changes: Any) -> Any:
    return status_change(Payload={**status_change()["Payload"], **changes})


def nested(depth: int) -> Any:
    content: Any = status_change()
    for _ in range(depth):
        content = {"Body": json.dumps(content)}
    return content


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"<html>",
    "a number": b"7",
    "a text": b'"LISTINGS_ITEM_STATUS_CHANGE"',
    "null": b"null",
    "an empty object": b"{}",
    "an empty list": b"[]",
    "no messages": b'{"Messages": []}',
    "messages that are none": b'{"Messages": [1, null]}',
    "half a message": json.dumps({"Body": json.dumps(status_change())[:-9]}).encode(),
    "NaN": b'{"detail": NaN}',
    "a key twice": b'{"detail": {}, "detail": {}}',
    "a key in two cases": b'{"detail": {}, "Detail": {}}',
    "too deep": b"[" * 5_000 + b"]" * 5_000,
    "wrapped too often": json.dumps(nested(5)).encode(),
    "too long": json.dumps(status_change(Extra="x" * BODY_BYTES_MAX)).encode(),
    "a NUL": json.dumps(with_payload(Sku="a\0b")).encode(),
    "no id": json.dumps(without("NotificationMetadata.NotificationId")).encode(),
    "no metadata": json.dumps(without("NotificationMetadata")).encode(),
    "no seller": json.dumps(without("Payload.SellerId")).encode(),
    "no SKU": json.dumps(without("Payload.Sku")).encode(),
    "no type": json.dumps(status_change(NotificationType=None)).encode(),
    "a type that is none": json.dumps(status_change(NotificationType="a b")).encode(),
    "a payload that is none": json.dumps(status_change(Payload=[1])).encode(),
    "a seller that is none": json.dumps(with_payload(SellerId="'; DROP TABLE")).encode(),
    "a SKU that is a list": json.dumps(with_payload(Sku=["a"])).encode(),
    "a SKU that breaks lines": json.dumps(with_payload(Sku="a\nb")).encode(),
    "an endless SKU": json.dumps(with_payload(Sku="a" * 201)).encode(),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_notification_is_refused(what: str) -> None:
    with pytest.raises(NotificationRefused) as refused:
        read_notifications(HOSTILE[what])
    assert refused.value.detail


def test_one_bad_message_refuses_the_whole_batch() -> None:
    good, bad = {"Body": json.dumps(status_change())}, {"Body": "{"}
    with pytest.raises(NotificationRefused):
        read({"Messages": [good, bad]})
