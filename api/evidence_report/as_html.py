"""The report as one HTML file that needs nothing else: no script, no font, no address."""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from api.evidence_report.told import EVENTS_MAX, Report


@cache
def template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(str(resources.files("api").joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("evidence_report.html")


def as_html(report: Report) -> bytes:
    """In UTF-8."""
    l10n = report.l10n
    words = {"l10n": l10n, "_": l10n.text, "ngettext": l10n.plural}
    return template().render(report=report, events_max=EVENTS_MAX, **words).encode()
