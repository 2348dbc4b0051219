"""The report as a PDF, to be printed or filed; it says what the HTML says."""

from __future__ import annotations

from collections.abc import Iterator

from api.evidence_report.told import Field, Report, ToldEvent
from api.evidence_report.typesetting import GREY, Sheet, Style

TITLE = Style(18, 24, is_bold=True)
HEADING = Style(12.5, 18, is_bold=True, space_before=16, space_after=4)
EVENT = Style(10.5, 15, is_bold=True, space_after=2)
TEXT = Style()
STRONG = Style(9.5, 14, is_bold=True, space_before=6)
SMALL = Style(8, 11.5, grey=GREY)
VALUE = Style(8, 11.5)
FIXED = Style(7.5, 11.5, is_fixed=True)
FIXED_LABEL = Style(7.5, 11.5, is_fixed=True, grey=GREY)
LABELS, FIELDS = 92.0, 224.0


def as_pdf(report: Report) -> bytes:
    """A4, no script, no attachment; the footer counts the pages."""
    l10n, sheet = report.l10n, Sheet(report.l10n.language)
    head(sheet, report)
    state(sheet, report)
    sheet.paragraph(l10n.text("Events, oldest first"), HEADING)
    if report.left_out:
        sheet.paragraph(left_out(report), SMALL)
    for each in report.events:
        event(sheet, report, each)
    checkpoint(sheet, report)
    title = f"{report.now.asin} · {l10n.text('History of a binding')}"

    def foot(page: int, pages: int) -> str:
        return f"{page} / {pages} · {report.now.asin} · {report.binding}"

    return sheet.pdf(title, l10n.tongue.tag, foot)


def head(sheet: Sheet, report: Report) -> None:
    """What it is about, and that it proves nothing."""
    l10n = report.l10n
    sheet.paragraph(l10n.text("History of a binding"), TITLE)
    if report.now.title:
        sheet.paragraph(report.now.title, TEXT, language="ja")
    sheet.paragraph(l10n.text("This is a rendering, made to be read. It proves nothing."), STRONG)
    sheet.paragraph(
        l10n.text(
            "What is proved are the files in %(folder)s: compare with them, and verify the bundle"
            " as %(file)s says.", folder="events/", file="README.md",
        ), TEXT,
    )  # fmt: skip
    sheet.rule()
    shop = f"{report.shop_name} · " if report.shop_name else ""
    sheet.pair(l10n.text("Seller"), shop + report.seller, LABELS, (SMALL, VALUE), language="ja")
    for label, text in (
        ("ASIN", report.now.asin),
        (l10n.text("Binding"), report.binding),
        (l10n.text("Stream"), str(report.stream)),
    ):
        sheet.pair(label, text, LABELS, (SMALL, FIXED))
    sheet.pair(l10n.text("Covers"), report.covers, LABELS, (SMALL, VALUE))


def state(sheet: Sheet, report: Report) -> None:
    """What the history comes to."""
    sheet.paragraph(report.l10n.text("State after the last event"), HEADING)
    for each in report.state:
        field(sheet, each, LABELS + 40, SMALL)


def field(sheet: Sheet, each: Field, at: float, label: Style) -> None:
    tongue = "ja" if each.is_japanese else None
    sheet.pair(each.name, each.value, at, (label, VALUE), language=tongue)


def left_out(report: Report) -> str:
    return report.l10n.plural(
        "%(n)s older event is not told here; it is in %(folder)s like the others.",
        "%(n)s older events are not told here; they are in %(folder)s like the others.",
        report.left_out, folder="events/",
    )  # fmt: skip


def event(sheet: Sheet, report: Report, each: ToldEvent) -> None:
    sheet.rule()
    sheet.paragraph(f"v{each.version}  {each.said or each.topic}", EVENT)
    for difference in each.differences:
        sheet.paragraph(difference, TEXT)
    for label, text, style in told(report, each):
        sheet.pair(report.l10n.text(label), text, LABELS, (SMALL, style))
    if each.fields:
        what = report.l10n.text("Recorded with it: what was known, and what was decided")
        sheet.paragraph(f"{what} · events/{each.version}.json", SMALL._replace(space_before=3))
    for one in each.fields:
        field(sheet, one, FIELDS, FIXED_LABEL)


def told(report: Report, each: ToldEvent) -> Iterator[tuple[str, str, Style]]:
    """When, by whom, why, under which policy, and where it is proved."""
    l10n, stamp = report.l10n, each.stamp
    yield "Recorded", f"{l10n.stamp(each.recorded_at)} JST · {each.utc}", VALUE
    yield "Event", f"{each.topic} · {l10n.text('position')} {each.position}", VALUE
    yield "By whom", stamp.actor, FIXED
    work = f"{l10n.text('Piece of work')} {stamp.cause.correlation_id}"
    yield "Why", f"{report.why(each)} · {work}", VALUE
    if each.codes:
        yield "Code", " · ".join(f"{code} {title}" for code, title in each.codes), VALUE
    read = stamp.observed_at
    seen = f" · {l10n.text('Amazon read at')} {l10n.stamp(read)} JST" if read else ""
    yield "Policy", stamp.policy + seen, VALUE
    yield "Leaf", f"{each.number} · {each.leaf_hash}", FIXED


def checkpoint(sheet: Sheet, report: Report) -> None:
    """What was signed, and by which keys."""
    l10n, point = report.l10n, report.checkpoint
    sheet.paragraph(l10n.text("The checkpoint, and who signed it"), HEADING)
    for label, text in (
        (l10n.text("Log"), point.origin),
        (l10n.text("Leaves"), l10n.number(point.size)),
        (l10n.text("Root (SHA-256)"), point.root.hex()),
        *((l10n.text("Signed by"), f"{it.name} · {it.key_id.hex()}") for it in report.signatures),
    ):
        sheet.pair(label, text, LABELS, (SMALL, FIXED))
    sheet.paragraph(
        l10n.text("Compare these key ids with those that you had from another source."), SMALL
    )
