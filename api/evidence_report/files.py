"""The files of a bundle that are read by people: README, report and a table of contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.evidence_report.as_html import as_html
from api.evidence_report.as_pdf import as_pdf
from api.evidence_report.told import report_of
from api.ids import public_id
from api.l10n import L10n
from domain.facts import Recorded
from domain.transparency.bundle import Bundle

NOTHING_PROVED = "Nothing is proved by this file: it lists what events/, leaves/ and proofs/ hold."


def readable_files(
    bundle: Bundle, history: Sequence[Recorded], shop_name: str, l10n: L10n
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each; `history` are the bundle's events as facts."""
    report = report_of(bundle, history, shop_name, l10n)
    yield "README.md", readme(bundle, l10n)
    yield "report.html", as_html(report)
    yield "report.pdf", as_pdf(report)
    yield "manifest.json", manifest(bundle)


@cache
def texts() -> Environment:
    """Plain text, so that nothing is escaped."""
    folder = str(resources.files("api").joinpath("texts"))
    return Environment(
        loader=FileSystemLoader(folder), undefined=StrictUndefined, trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  Markdown, filled with our own ids and numbers
    )  # fmt: skip


def readme(bundle: Bundle, l10n: L10n) -> bytes:
    """What is in the bundle, what it proves, and how to verify it without us."""
    template = texts().get_template(f"evidence.{l10n.language}.md")
    first, last = bundle.events[0], bundle.events[-1]
    said = template.render(
        binding=public_id("bnd", first.event.stream),
        origin=bundle.checkpoint.origin,
        size=bundle.checkpoint.size,
        versions=last.event.version,
        first=first.number,
        newer=bundle.newer,
        has_growth=bundle.consistency is not None,
    )
    return said.encode()


def manifest(bundle: Bundle) -> bytes:
    """Which version is where, for programs and for a quick look."""
    events = [
        {
            "version": event.version,
            "position": event.position,
            "leaf": number,
            "topic": event.topic,
            "recorded_at": orjson.loads(leaf)["recorded_at"],
        }
        for event, leaf, number, _ in bundle.events
    ]
    first = bundle.events[0].event
    content = {
        "note": NOTHING_PROVED,
        "binding": public_id("bnd", first.stream),
        "stream": str(first.stream),
        "log": bundle.checkpoint.origin,
        "size": bundle.checkpoint.size,
        "events": events,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
