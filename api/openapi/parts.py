"""What operations share: parameters, headers, the problem, and which refusals each can give."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

PROBLEM = "application/problem+json"
TEXT = {"type": "string"}
KEY = "key"
SECURITY = {
    KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `Authorization: Bearer abk_live_…`. Made at `/api-keys`.",
    }
}


def header(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {**TEXT, "example": example}}


def parameter(name: str, place: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "description": description, "schema": dict(schema)}


HEADERS: Mapping[str, Any] = {
    "ETag": header("The version of the answer, for `If-Match` and `If-None-Match`.", '"v17"'),
    "Link": header("The next page.", '</v1/bindings?cursor=MTo0Mg>; rel="next"'),
    "Location": header("Where what was made can be read.", "/v1/submissions/sub_1_0f3c…"),
    "Idempotency-Replayed": header(
        "`true` where this key had been used: nothing was recorded again.", "true"
    ),
    "RateLimit-Policy": header(
        "How many requests a key may send in a window.", '"default";q=6000;w=60'
    ),
    "RateLimit": header(
        "How many it may still send, and after how many seconds all of them.",
        '"default";r=5999;t=1',
    ),
    "Retry-After": header("Seconds to wait before the request can succeed.", "2"),
}
PARAMETERS: Mapping[str, Any] = {
    "Language": parameter(
        "lang", "query", "The language of what is told to people, before `Accept-Language`.",
        {**TEXT, "example": "ja"},
    ),
    "AtPosition": parameter(
        "at_position", "query",
        "Wait up to two seconds until the answer shows this position of the log.",
        {**TEXT, "example": "42"},
    ),
    "SellerId": parameter(
        "seller_id", "query", "The seller that is meant; a key of staff has to say.",
        {**TEXT, "example": "sel_1_9d7c5b3a1f2f0e9a6f4f0e6f529a3c0f"},
    ),
    "AccessReason": parameter(
        "Access-Reason", "header",
        "Staff of Mercari say why they look at the seller; it is recorded.",
        {**TEXT, "example": "the seller asked by telephone"},
    ),
    "IdempotencyKey": parameter(
        "Idempotency-Key", "header",
        "Sent again under the same key, the request is answered as it was, and done once.",
        {**TEXT, "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$",
         "example": "order-42"},
    ),
    "IfNoneMatch": parameter(
        "If-None-Match", "header", "The `ETag` that is held: where it still is, 304.",
        {**TEXT, "example": '"v17"'},
    ),
}  # fmt: skip
PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "A refusal or failure (RFC 9457). Decide by `code`: it never changes.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {**TEXT, "description": "The page of this code, relative to the installation."},
        "title": {**TEXT, "description": "What is wrong, in the reader's language."},
        "status": {"type": "integer"},
        "detail": TEXT,
        "instance": TEXT,
        "code": TEXT,
        "request_id": TEXT,
        "action": {**TEXT, "description": "What to do about it, for codes that have a number."},
        "who_acts": {**TEXT, "enum": ["seller", "mercari", "automatic"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {**TEXT, "description": "Which part of the request is meant."},
                    "detail": TEXT,
                },
            },
        },
    },
}
REFUSALS: Mapping[int, str] = {
    400: "The request can't be read.",
    401: "No key, or one that opens nothing.",
    403: "The role, or the state of the seller, does not allow it; or a reason is missing.",
    404: "Nothing of that id, or nothing that the caller may see.",
    409: "The state it is in does not allow it.",
    412: "It was changed since that version; `version` is the one that stands.",
    413: "The body is larger than is taken.",
    422: "A value is not what it has to be: `errors` points at each.",
    428: "The version is missing: name it in `If-Match`.",
    429: "Too many requests: wait for `Retry-After` seconds.",
    500: "Something broke inside; nothing was changed.",
    501: "This installation lacks what that takes; the detail says how to add it.",
    502: "A marketplace refused what was asked of it.",
    503: "A marketplace, the database or the signer has no answer yet: try again.",
}


def refusal(status: int) -> dict[str, Any]:
    """The answer of this status as a problem, with an example."""
    code = {404: "not-found", 401: "unauthenticated", 412: "conflict"}.get(
        status, "invalid-request"
    )
    example = {
        "type": f"/docs/errors/{code}", "title": HTTPStatus(status).phrase, "status": status,
        "detail": "", "instance": "/v1/bindings", "code": code,
        "request_id": "0f3c9a526f0e4f6f9a0e2f1f3a5b7c9d",
    }  # fmt: skip
    schema = {"$ref": "#/components/schemas/Problem"}
    answer: dict[str, Any] = {
        "description": REFUSALS[status],
        "content": {PROBLEM: {"schema": schema, "example": example}},
    }
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return answer
