"""A fact as those outside are told it: a CloudEvent 1.0, the same in the feed and in a webhook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from api.ids import Kind, event_id_at, public_id
from domain.facts import Recorded
from domain.webhooks import Message, Webhook

TEST_TYPE = "webhook.test"
SUBJECTS: Mapping[str, Kind] = {
    "asin_binding": "bnd",
    "submission": "sub",
    "seller": "sel",
    "sync_sweep": "swp",
}


def cloud_event(recorded: Recorded) -> dict[str, Any]:
    """`sequence` orders a seller's events as text; `subjectversion` is the place in its history."""
    fact, stamp = recorded.fact, recorded.fact.stamp
    event = {
        "specversion": "1.0",
        "id": event_id_at(recorded.position),
        "source": source_of(recorded.seller_id),
        "type": fact.TOPIC,
        "subject": subject_of(fact.TOPIC, recorded.originator_id),
        "time": recorded.recorded_at,
        "datacontenttype": "application/json",
        "sequence": f"{recorded.position:020}",
        "subjectversion": recorded.version,
        "actor": stamp.actor,
        "policy": stamp.policy,
        "correlationid": str(stamp.cause.correlation_id),
        "decidedat": stamp.decided_at,
        "data": fact.model_dump(mode="json", exclude={"stamp"}),
    }
    if stamp.observed_at:
        event["observedat"] = stamp.observed_at
    if stamp.cause.causation_id:
        event["causationid"] = str(stamp.cause.causation_id)
    return event


def message_of(recorded: Recorded) -> Message:
    """The event as a webhook is sent it."""
    return Message(event_id_at(recorded.position), json_of(cloud_event(recorded)))


def trial_message(seller_id: UUID, webhook: Webhook, now: datetime, number: UUID) -> Message:
    """A message that is no event of the log, to try an endpoint with."""
    message_id = f"test_{number.hex}"
    event = {
        "specversion": "1.0",
        "id": message_id,
        "source": source_of(seller_id),
        "type": TEST_TYPE,
        "subject": public_id("whk", webhook.webhook_id),
        "time": now,
        "datacontenttype": "application/json",
        "data": {"webhook_id": public_id("whk", webhook.webhook_id)},
    }
    return Message(message_id, json_of(event))


def json_of(event: Mapping[str, Any]) -> bytes:
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)


def source_of(seller_id: UUID) -> str:
    return f"/v1/sellers/{public_id('sel', seller_id)}"


def subject_of(topic: str, originator_id: UUID) -> str:
    kind = SUBJECTS.get(topic.partition(".")[0])
    return public_id(kind, originator_id) if kind else str(originator_id)
