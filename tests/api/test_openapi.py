"""The OpenAPI document: valid, complete, its examples hold, and no promise of it is broken."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.openapi.answers import ANSWERS
from domain.catalogue import BY_TOPIC
from domain.ticket.facts import STAFF_ONLY
from tests.tools.breaking_changes import breaking_changes, resolved
from tests.tools.openapi_document import RELEASED, document

RELEASE = "python -m tests.tools.openapi_document --release"
PROBLEM = "application/problem+json"
now = cache(document)


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in now()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_document_is_openapi_3_1() -> None:
    assert now()["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(now()).iter_errors()] == []


def test_each_operation_says_how_it_answers_and_no_other_does() -> None:
    assert {name for name, _ in operations()} == set(ANSWERS)


def test_every_refusal_is_a_problem() -> None:
    assert "HTTPValidationError" not in now()["components"]["schemas"]
    for name, operation in operations():
        refusals = {
            status: resolved(answer, now())
            for status, answer in operation["responses"].items()
            if status[0] in "45" and name != "GET /readyz"
        }
        assert "500" in refusals or name == "GET /readyz", name
        for answer in refusals.values():
            assert set(answer["content"]) == {PROBLEM}, name
        if " /v1/" in name and operation["security"]:
            assert {"401", "403", "404", "422", "429"} <= set(refusals), name


def media_in(part: Any) -> Iterator[dict[str, Any]]:
    """Everything with a schema and an example, wherever it stands."""
    if isinstance(part, list):
        for each in part:
            yield from media_in(each)
    elif isinstance(part, dict):
        if "schema" in part and ("example" in part or "examples" in part):
            yield part
        for each in part.values():
            yield from media_in(each)


def test_every_example_is_what_its_schema_says() -> None:
    count = 0
    for media in media_in([now()["paths"], now()["components"]["responses"]]):
        named = [each["value"] for each in media.get("examples", {}).values()]
        for example in [media["example"]] if "example" in media else named:
            schema = {**media["schema"], "components": now()["components"]}
            faults = Draft202012Validator(schema).iter_errors(example)
            assert [fault.message for fault in faults] == [], example
            count += 1
    assert count > 100


def test_every_event_that_can_be_told_is_a_webhook_with_its_data() -> None:
    assert set(now()["webhooks"]) == set(BY_TOPIC) - STAFF_ONLY
    for topic in now()["webhooks"]:
        assert "stamp" not in now()["components"]["schemas"][f"event.{topic}"]["properties"]


# --- the promise ----------------------------------------------------------------------------------


def test_the_document_keeps_what_the_released_one_promised() -> None:
    released = json.loads(RELEASED.read_text("utf-8"))
    broken = breaking_changes(released, now())
    assert broken == [], (
        "Clients would break. Keep the old form beside the new one, or, for a new major version "
        f"of the API, release the document anew: {RELEASE}"
    )


def the_binding(changed: dict[str, Any]) -> dict[str, Any]:
    return changed["components"]["schemas"]["Binding"]


def without_a_path(changed: dict[str, Any]) -> None:
    del changed["paths"]["/v1/fees"]


def without_an_operation(changed: dict[str, Any]) -> None:
    del changed["paths"]["/v1/keys"]["post"]


def without_a_field(changed: dict[str, Any]) -> None:
    del the_binding(changed)["properties"]["asin"]


def with_a_field_that_may_be_missing(changed: dict[str, Any]) -> None:
    the_binding(changed)["required"].remove("asin")


def with_another_type(changed: dict[str, Any]) -> None:
    the_binding(changed)["properties"]["asin"] = {"type": "integer"}


def with_null_where_there_was_none(changed: dict[str, Any]) -> None:
    either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    the_binding(changed)["properties"]["asin"] = either


def without_a_value_of_an_enumeration(changed: dict[str, Any]) -> None:
    the_binding(changed)["properties"]["status"]["enum"].remove("listed")


def with_a_field_more_to_send(changed: dict[str, Any]) -> None:
    changed["components"]["schemas"]["KeyBody"]["required"].append("colour")


def without_a_value_that_could_be_sent(changed: dict[str, Any]) -> None:
    body = changed["components"]["schemas"]["SettingsBody"]["properties"]["reinstatement"]
    body["anyOf"][0]["enum"].remove("manual")


def with_a_parameter_more_to_send(changed: dict[str, Any]) -> None:
    one = {"name": "colour", "in": "query", "required": True, "schema": {"type": "string"}}
    changed["paths"]["/v1/fees"]["get"]["parameters"].append(one)


def without_a_parameter(changed: dict[str, Any]) -> None:
    found = changed["paths"]["/v1/bindings"]["get"]["parameters"]
    found[:] = [each for each in found if each.get("name") != "asin"]


def without_a_way_to_send(changed: dict[str, Any]) -> None:
    content = changed["paths"]["/v1/submissions"]["post"]["requestBody"]["content"]
    content["application/xml"] = content.pop("multipart/form-data")


def with_another_status(changed: dict[str, Any]) -> None:
    answers = changed["paths"]["/v1/keys"]["post"]["responses"]
    answers["200"] = answers.pop("201")


def without_an_event(changed: dict[str, Any]) -> None:
    del changed["webhooks"]["asin_binding.listed"]


def without_data_of_an_event(changed: dict[str, Any]) -> None:
    del changed["components"]["schemas"]["event.asin_binding.price_adjusted"]["properties"][
        "to_price_jpy"
    ]


@pytest.mark.parametrize(
    "change",
    [
        without_a_path, without_an_operation, without_a_field, with_a_field_that_may_be_missing,
        with_another_type, with_null_where_there_was_none, without_a_value_of_an_enumeration,
        with_a_field_more_to_send, without_a_value_that_could_be_sent,
        with_a_parameter_more_to_send, without_a_parameter, without_a_way_to_send,
        with_another_status, without_an_event, without_data_of_an_event,
    ],
)  # fmt: skip
def test_what_would_break_a_client_is_named(change: Callable[[dict[str, Any]], None]) -> None:
    changed = copy.deepcopy(now())
    change(changed)
    assert breaking_changes(now(), changed) != []


def test_what_is_added_breaks_no_client() -> None:
    added = copy.deepcopy(now())
    added["paths"]["/v1/new"] = copy.deepcopy(added["paths"]["/v1/fees"])
    the_binding(added)["properties"]["colour"] = {"type": "string"}
    the_binding(added)["required"].append("colour")
    added["components"]["schemas"]["KeyBody"]["properties"]["colour"] = {"type": "string"}
    one = {"name": "colour", "in": "query", "schema": {"type": "string"}}
    added["paths"]["/v1/fees"]["get"]["parameters"].append(one)
    added["webhooks"]["asin_binding.new"] = added["webhooks"]["asin_binding.listed"]
    assert breaking_changes(now(), added) == []
