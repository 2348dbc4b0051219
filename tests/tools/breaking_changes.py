"""What of an OpenAPI document would break a client of an earlier one; additions do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

Schema = Mapping[str, Any]
Direction = Literal["sent", "received"]


class Pair(NamedTuple):
    """The documents, and the named schemas that are being compared already."""

    before: Schema
    after: Schema
    seen: set[tuple[str, str, str]]


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """One line for each; empty where every client of `before` gets on with `after`."""
    pair = Pair(before, after, set())
    found: list[str] = []
    for part in ("paths", "webhooks"):
        for path, operations in before.get(part, {}).items():
            held = after.get(part, {}).get(path)
            if held is None:
                found.append(f"{path} is gone")
                continue
            for method, operation in operations.items():
                where = f"{method.upper()} {path}"
                if method not in held:
                    found.append(f"{where} is gone")
                else:
                    found += of_operation(pair, operation, held[method], where, part)
    return found


def of_operation(pair: Pair, before: Schema, after: Schema, where: str, part: str) -> Iterator[str]:
    """What we are sent in an operation we receive, and the other way round in a webhook."""
    asked: Direction = "sent" if part == "paths" else "received"
    yield from of_parameters(pair, before, after, where, asked)
    yield from of_body(pair, before, after, where, asked)
    for status, answer in before["responses"].items():
        if not status.startswith("2"):
            continue
        if status not in after["responses"]:
            yield f"{where} answers {status} no more"
            continue
        contents = resolved(after["responses"][status], pair.after).get("content", {})
        for media_type, media in resolved(answer, pair.before).get("content", {}).items():
            place = f"{where} {status}"
            if media_type not in contents:
                yield f"{place} is not {media_type} any more"
            else:
                schemas = media["schema"], contents[media_type]["schema"]
                yield from of_schema(pair, *schemas, place, "received")


def of_parameters(
    pair: Pair, before: Schema, after: Schema, where: str, asked: Direction
) -> Iterator[str]:
    earlier = parameters_of(before, pair.before)
    for name, given in parameters_of(after, pair.after).items():
        known = earlier.pop(name, None)
        if given.get("required") and not (known or {}).get("required"):
            yield f"{where} now needs {name}"
        if known is not None:
            yield from of_schema(pair, known["schema"], given["schema"], f"{where} {name}", asked)
    yield from (f"{where} takes {name} no more" for name in earlier)


def parameters_of(operation: Schema, document: Schema) -> dict[str, Schema]:
    found = [resolved(each, document) for each in operation.get("parameters", [])]
    return {f"{each['in']} {each['name']}": each for each in found}


def of_body(
    pair: Pair, before: Schema, after: Schema, where: str, asked: Direction
) -> Iterator[str]:
    earlier, later = before.get("requestBody", {}), after.get("requestBody", {})
    if later.get("required") and not earlier.get("required"):
        yield f"{where} now needs a body"
    contents = later.get("content", {})
    for media_type, media in earlier.get("content", {}).items():
        if media_type not in contents:
            yield f"{where} takes {media_type} no more"
        else:
            schemas = media["schema"], contents[media_type]["schema"]
            yield from of_schema(pair, *schemas, f"{where} body", asked)


def of_schema(
    pair: Pair, before: Schema, after: Schema, where: str, direction: Direction
) -> Iterator[str]:
    """Fields that are gone or newly needed, types and enumerations that are narrower (or wider)."""
    known = (before.get("$ref", ""), after.get("$ref", ""), direction)
    if all(known):
        if known in pair.seen:
            return
        pair.seen.add(known)
    before, after = resolved(before, pair.before), resolved(after, pair.after)
    earlier, later = types_of(before, pair.before), types_of(after, pair.after)
    narrow, wide = (earlier, later) if direction == "sent" else (later, earlier)
    if not narrow <= wide:
        yield f"{where}: {' or '.join(sorted(earlier))} became {' or '.join(sorted(later))}"
        return
    if gone := [each for each in before.get("enum", ()) if each not in after.get("enum", [each])]:
        yield f"{where}: {', '.join(map(str, gone))} is gone"
    if direction == "sent" and "enum" in after and "enum" not in before:
        yield f"{where}: only {', '.join(map(str, after['enum']))} now"
    yield from of_fields(pair, before, after, where, direction)
    for part in ("items", "additionalProperties"):
        if isinstance(before.get(part), Mapping) and isinstance(after.get(part), Mapping):
            yield from of_schema(pair, before[part], after[part], f"{where}[]", direction)
    for part in ("anyOf", "allOf"):
        for one, other in zip(before.get(part, ()), after.get(part, ()), strict=False):
            yield from of_schema(pair, one, other, where, direction)


def of_fields(
    pair: Pair, before: Schema, after: Schema, where: str, direction: Direction
) -> Iterator[str]:
    needed, once_needed = set(after.get("required", ())), set(before.get("required", ()))
    if direction == "sent":
        yield from (f"{where} now needs {name}" for name in sorted(needed - once_needed))
    fields = after.get("properties", {})
    for name, schema in before.get("properties", {}).items():
        if name not in fields:
            yield f"{where}.{name} is gone"
            continue
        if direction == "received" and name in once_needed - needed:
            yield f"{where}.{name} may be missing now"
        yield from of_schema(pair, schema, fields[name], f"{where}.{name}", direction)


def types_of(schema: Schema, document: Schema) -> set[str]:
    """The JSON types it allows; `any` where it says nothing."""
    schema = resolved(schema, document)
    options = schema.get("anyOf", ())
    if options:
        return set().union(*(types_of(each, document) for each in options))
    if "allOf" in schema:
        return {"object"}
    kind = schema.get("type", "any")
    return set(kind) if isinstance(kind, list) else {kind}


def resolved(schema: Schema, document: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema
