"""Examples made from schemas: of a request what it needs, of an answer all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
DEPTH_MAX = 6
UUID_EXAMPLE = "0f3c9a52-6f0e-4f6f-9a0e-2f1f3a5b7c9d"
EXAMPLES: Mapping[str, Any] = {
    "actor": "key:4f1c2a9b7e10", "amazon_seller_id": "A1EXAMPLE00", "asin": "B0EXAMPLE1",
    "binding_id": "bnd_1_" + "0f3c9a526f0e4f6f9a0e2f1f3a5b7c9d", "brand": "Example",
    "brake_pct": 10, "cause": "arbitrage", "channel": "own_site", "code": "E-405",
    "company_name": "Example Co., Ltd.", "conditions": "商品到着後の初期不良",
    "contact_email": "shop@example.com", "contact_name": "Li Hua", "days": 30,
    "decision": "dismiss", "email": "shop@example.com", "entity": "cn_company",
    "error_code": "E-405", "event_id": "evt_MTo0Mg", "exclusions": "使用後の破損", "from": 1,
    "image_url": "https://m.media-amazon.com/images/I/example.jpg", "instance": "/v1/bindings",
    "label": "warehouse", "log_position": 42, "mercari_category_id": "sbx-01", "note": "",
    "operation": "price_sync", "policy": "2026-11", "position": 42, "price_jpy": 1980,
    "reason": "asked by telephone", "registration_number": "91110000600037341L",
    "remedy": "交換または返金", "representative_name": "Li Hua", "role": "service",
    "seller_id": "sel_1_" + "9d7c5b3a1f2f0e9a6f4f0e6f529a3c0f", "shop_name": "Example Shop",
    "suspicion_id": "1", "text": "Why was it suspended?", "title": "ステンレスタンブラー 420ml",
    "to": "reviewer", "type": "asin_binding.price_adjusted",
    "url": "https://hooks.example.com/asin-sync", "version": 5,
}  # fmt: skip
"""By the name of the field, where its type alone makes no example."""


def resolved(schema: Schema, schemas: Schema) -> Schema:
    """The schema itself, for one that is named; of several the first that is not null."""
    if "$ref" in schema:
        return resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        chosen = next(each for each in schema["anyOf"] if each.get("type") != "null")
        return resolved(chosen, schemas)
    return schema


def example_of(
    name: str, given: Schema, schemas: Schema, *, is_whole: bool = False, depth: int = 0
) -> Any:
    """A value that the schema allows; of an object what is required, or all where it is whole."""
    schema = resolved(given, schemas)
    if "example" in schema or "enum" in schema or "const" in schema:
        return schema.get("example", schema.get("const", next(iter(schema.get("enum", ())), None)))
    match schema.get("type"):
        case "object":
            return object_example(schema, schemas, is_whole=is_whole, depth=depth + 1)
        case "array":
            if depth > DEPTH_MAX or (depth > 1 and is_whole and "$ref" in schema["items"]):
                return []
            inner = schema["items"]
            return [example_of(name.removesuffix("s"), inner, schemas, is_whole=is_whole,
                               depth=depth)]  # fmt: skip
        case "boolean":
            return True
        case "null":
            return None
        case "integer" | "number":
            number = EXAMPLES.get(name)
            return number if isinstance(number, int) else max(0, int(schema.get("minimum", 1)))
    return text_example(name, schema)


def text_example(name: str, schema: Schema) -> str:
    match schema.get("format"):
        case "date-time":
            return "2026-11-26T00:00:00Z"
        case "date":
            return "2026-11-26"
        case "uuid":
            return UUID_EXAMPLE
    found = EXAMPLES.get(name)
    example = found if isinstance(found, str) else "example"
    pattern = schema.get("pattern")
    return example if pattern is None or re.search(pattern, example) else "B0EXAMPLE1"


def object_example(
    schema: Schema, schemas: Schema, *, is_whole: bool = False, depth: int = 0
) -> dict[str, Any]:
    properties = schema.get("properties", {})
    open_fields = [name for name in properties if "password" not in json.dumps(properties[name])]
    names = list(properties) if is_whole else schema.get("required") or open_fields[:1]
    return {
        name: example_of(name, properties[name], schemas, is_whole=is_whole, depth=depth)
        for name in names
    }
