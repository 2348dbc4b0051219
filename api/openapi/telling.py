"""The events that a webhook is told, for the `webhooks` part of the document: one each type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from inspect import getdoc
from typing import Any

from pydantic.json_schema import models_json_schema

from api.openapi.parts import TEXT, parameter
from domain.catalogue import BY_TOPIC
from domain.ticket.facts import STAFF_ONLY

CLOUD_EVENTS = "application/cloudevents+json"
SCHEMAS = "#/components/schemas/"
STAMPED = ("value.Stamp", "value.Cause")
"""What the envelope tells in its own words."""
SIGNED: tuple[dict[str, Any], ...] = (
    {**parameter("webhook-id", "header", "The event's id: the same however often it is sent.",
                 {**TEXT, "example": "evt_MTo0Mg"}), "required": True},
    {**parameter("webhook-timestamp", "header", "Seconds since 1970, of this attempt.",
                 {**TEXT, "example": "1795651200"}), "required": True},
    {**parameter("webhook-signature", "header",
                 "HMAC-SHA256 by Standard Webhooks: `v1,` and base64, several apart by spaces.",
                 {**TEXT, "example": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="}),
     "required": True},
)  # fmt: skip
"""By which the receiver knows that it is ours."""


def event_schemas() -> dict[str, Any]:
    """The data of each type under `event.TYPE`, and the values in it under `value.NAME`."""
    facts = {topic: fact for topic, fact in BY_TOPIC.items() if topic not in STAFF_ONLY}
    refs, defined = models_json_schema(
        [(fact, "serialization") for fact in facts.values()], ref_template=SCHEMAS + "{model}"
    )
    named = {refs[fact, "serialization"]["$ref"]: topic for topic, fact in facts.items()}
    schemas = {}
    for name, schema in defined["$defs"].items():
        topic = named.get(SCHEMAS + name)
        if topic is not None:
            schema["properties"].pop("stamp", None)
            schema["required"] = [each for each in schema["required"] if each != "stamp"]
            schema["title"] = topic
        schemas[f"event.{topic}" if topic else value_name(name)] = referring_to_values(schema)
    return {name: each for name, each in schemas.items() if name not in STAMPED}


def value_name(name: str) -> str:
    return "value." + re.sub(r"^domain__|__", lambda it: "" if it[0] != "__" else ".", name)


def referring_to_values(schema: Any) -> Any:
    """The same schema with its references renamed."""
    if isinstance(schema, list):
        return [referring_to_values(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: SCHEMAS + value_name(value.removeprefix(SCHEMAS))
        if key == "$ref"
        else referring_to_values(value)
        for key, value in schema.items()
    }


def webhooks_told() -> Mapping[str, Any]:
    """One operation for each type: what is POSTed, and how it is answered."""
    return {
        topic: {
            "post": {
                "operationId": f"told_{topic.replace('.', '_')}",
                "summary": topic,
                "description": (getdoc(fact) or topic).splitlines()[0],
                "tags": ["feed"],
                "security": [],
                "parameters": list(SIGNED),
                "requestBody": {
                    "required": True,
                    "content": {CLOUD_EVENTS: {"schema": told_schema(topic)}},
                },
                "responses": {
                    "2XX": {"description": "Taken. Anything else is tried again for three days."},
                    "410": {"description": "The endpoint is gone: it is told nothing more."},
                },
            }
        }
        for topic, fact in BY_TOPIC.items()
        if topic not in STAFF_ONLY
    }


def told_schema(topic: str) -> dict[str, Any]:
    narrowed = {"type": {"const": topic}, "data": {"$ref": f"{SCHEMAS}event.{topic}"}}
    return {"allOf": [{"$ref": SCHEMAS + "CloudEvent"}, {"properties": narrowed}]}
