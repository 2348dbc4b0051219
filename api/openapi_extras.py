"""What the OpenAPI document could not know of a route that reads its own body or headers."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
IF_MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "schema": {**TEXT, "example": '"v1"'},
            "description": "The version that was seen, from the `ETag` of the answer.",
        }
    ]
}


MAY_MATCH: dict[str, Any] = {"parameters": [{**IF_MATCH["parameters"][0], "required": False}]}


def json_body(example: dict[str, Any]) -> dict[str, Any]:
    """A JSON body, told by an example."""
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def form_body(file: str, **examples: str) -> dict[str, Any]:
    """A multipart form with these fields and a `file`, told by its name."""
    fields: dict[str, Any] = {name: {**TEXT, "example": text} for name, text in examples.items()}
    fields["file"] = {**TEXT, "format": "binary", "example": file}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}
