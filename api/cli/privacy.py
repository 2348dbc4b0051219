"""`asin-sync doctor privacy`: what is read from Amazon, what is held, how, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import typer
from rich.markup import escape

from api.cli.client import Json, Lang, print_json, stdout
from api.l10n import L10n
from domain.error_codes import LANGUAGES, Language
from domain.privacy import HELD, LOG_TABLE, READS, Held, Read
from domain.texts import rule_text

Requests = Callable[[], Mapping[str, str]]
"""Method and path of each operation, by name."""


def add_privacy(doctor: typer.Typer, find_requests: Requests) -> None:
    @doctor.command()
    def privacy(lang: Lang = None, as_json: Json = False) -> None:
        """What is read from Amazon and what is held: why, where, how safe, how long, which law."""
        language = next((each for each in LANGUAGES if each == (lang or "en")), None)
        if language is None:
            raise typer.BadParameter(f"choose one of {', '.join(LANGUAGES)}", param_hint="--lang")
        requests = find_requests()
        if as_json:
            for read in READS:
                print_json(read_answer(read, requests[read.operation], language))
            for held in HELD:
                print_json(held_answer(held, language))
            return
        for line in [*read_lines(requests, language), *held_lines(language)]:
            stdout.print(line)


def read_answer(read: Read, request: str, language: Language) -> dict[str, Any]:
    return {
        "section": "read",
        "operation": read.operation,
        "request": request,
        "data_set": read.data_set,
        "what": said(read.key, language),
        "why": said(f"{read.key}_why", language),
    }


def held_answer(held: Held, language: Language) -> dict[str, Any]:
    """`kept_days` is None where it is no number of days that ends it."""
    return {
        "section": "held",
        "kind": held.key.removeprefix("held_"),
        "what": said(held.key, language),
        "why": said(f"{held.key}_why", language),
        "sources": held.sources,
        "tables": held.tables,
        "event_types": held.topics,
        "is_personal": held.is_personal,
        "protection": said(f"protection_{held.protection}", language),
        "kept": kept(held, language),
        "kept_days": held.kept_days,
        "laws": [said(f"law_{law}", language) for law in held.laws],
    }


def read_lines(requests: Mapping[str, str], language: Language) -> Iterator[str]:
    """Operation by operation, each with what is read of it and why."""
    yield f"[bold]{said('privacy_read', language)}[/]"
    told = None
    for read in READS:
        if read.operation != told:
            told = read.operation
            yield f"\n[cyan]{told}[/] [dim]{escape(requests[told])}[/]"
        of = f"[dim]{read.data_set}[/] " if read.data_set else ""
        yield f"  {of}{escape(said(read.key, language))}"
        yield f"    [dim]→[/] {escape(said(f'{read.key}_why', language))}"
    yield f"\n[green]{said('privacy_never', language)}[/]\n"


def held_lines(language: Language) -> Iterator[str]:
    """Kind by kind; what may name a person is marked."""
    l10n = L10n(language)
    yield f"[bold]{said('privacy_held', language)}[/]"
    for held in HELD:
        mark = f" [yellow]· {said('privacy_personal', language)}[/]" if held.is_personal else ""
        yield f"\n[cyan]{escape(said(held.key, language))}[/]{mark}"
        lines = {
            "why": said(f"{held.key}_why", language),
            "from": l10n.listed([said(f"source_{each}", language) for each in held.sources]),
            "stored": " · ".join(places(held, language)),
            "protected": said(f"protection_{held.protection}", language),
            "kept": kept(held, language),
            "law": " · ".join(said(f"law_{law}", language) for law in held.laws),
        }
        for label, text in lines.items():
            yield f"  [dim]{said(f'privacy_{label}', language)}[/]{escape(text)}"


def places(held: Held, language: Language) -> Iterator[str]:
    """Tables, and the facts that are in the log; all facts of an aggregate end in `*`."""
    if held.tables:
        yield f"{said('privacy_table', language)} {', '.join(held.tables)}"
    if held.topics:
        types = ", ".join(f"{each}*" if each.endswith(".") else each for each in held.topics)
        yield f"{said('privacy_events', language)} {types} ({LOG_TABLE})"


def kept(held: Held, language: Language) -> str:
    return rule_text(f"end_{held.end}", {"days": str(held.kept_days)}, language)


def said(key: str, language: Language) -> str:
    return rule_text(key, {}, language)
