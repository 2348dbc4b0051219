"""Types of events as those outside name them: whole, or by their beginning."""

from __future__ import annotations

from collections.abc import Iterable

from domain.catalogue import BY_TOPIC
from domain.errors import WebhookRefused


def types_from(texts: Iterable[str]) -> tuple[str, ...]:
    """These types or beginnings, each once, in order. Raises WebhookRefused for one of nothing."""
    types = tuple(sorted({text.strip() for text in texts if text.strip()}))
    unknown = [each for each in types if not any(topic.startswith(each) for topic in BY_TOPIC)]
    if unknown:
        detail = f"type {', '.join(repr(each[:60]) for each in unknown[:5])}"
        raise WebhookRefused(detail, rules={"types": "event_type_known"})
    return types
