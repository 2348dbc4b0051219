"""Is the main image fit for Mercari: white background, no watermark, label and name in Japanese.

What the inspector measured (`ImageFacts`) knows nothing of the title; the verdict joins the two.
Source: main-image rule of 2024-02; thresholds are policy data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.images import ImageFacts, ImageReading, ImageThresholds, Mark
from domain.rules.findings import Check, Finding, Verdict
from domain.rules.image_text import (
    Label,
    is_telling,
    is_undecided_script,
    label_in,
    name_share,
    own_words,
)

IMAGE_RULE = "main-image rule of 2024-02"
SEEN_LENGTH_MAX = 80
NOTHING_READ = "–"

FILE_FAULTS = (
    "address_not_allowed", "redirected", "http_status", "empty", "too_many_bytes", "encoded",
    "not_an_image", "unreadable", "bytes_after_end", "too_many_pixels", "too_small",
)  # fmt: skip
"""Why an image is unusable: `detail` is one of these, or one with `: ` and the value seen."""


def judge_image(
    reading: ImageReading, title: str, brand: str | None, thresholds: ImageThresholds
) -> Check:
    """The verdict on one image of the product with this title; each thing wrong is a finding."""
    if reading.status == "not_installed":
        return Check(name="image", verdict="unknown", is_advisory=True)
    if reading.status == "unusable":
        return Check(name="image", verdict="review", findings=(unusable(reading.detail),))
    if reading.status == "unknown" or reading.facts is None:
        return Check(name="image", verdict="unknown")
    facts = reading.facts
    seen = [judge_background(facts, thresholds)]
    if facts.is_text_read:
        marks = standing_marks(facts, title, brand)
        seen += [judge_marks(marks, thresholds), judge_text(facts, marks, title, brand, thresholds)]
    findings = tuple(finding for _, finding in seen if finding is not None)
    verdict = worst([verdict for verdict, _ in seen])
    is_half_read = verdict == "pass" and not facts.is_text_read
    return Check(
        name="image",
        verdict="unknown" if is_half_read else verdict,
        findings=findings,
        is_advisory=is_half_read,
    )


def state_in_words(reading: ImageReading, check: Check) -> str | None:
    """The wording of a check that found nothing wrong; None where its findings say it all."""
    if check.findings or reading.status == "unusable":
        return None
    if reading.status == "not_installed":
        return "image_not_installed"
    if check.is_advisory:
        return "image_text_not_read"
    return "image_passed" if check.verdict == "pass" else "image_unknown"


Judged = tuple[Verdict, Finding | None]


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    order: tuple[Verdict, ...] = ("fail", "review")
    return next((verdict for verdict in order if verdict in verdicts), "pass")


def judge_background(facts: ImageFacts, thresholds: ImageThresholds) -> Judged:
    score = facts.white_background
    if score >= thresholds.white_pass:
        return "pass", None
    is_near = score >= thresholds.white_review
    rule = "image_background_unsure" if is_near else "image_background"
    shown = figure(score)
    values = {"score": shown, "needed": figure(thresholds.white_pass)}
    return ("review" if is_near else "fail"), finding("E-410", rule, shown, values)


def standing_marks(facts: ImageFacts, title: str, brand: str | None) -> tuple[Mark, ...]:
    """The marks that are not the product's own name or brand, the surest first."""
    own = own_words(f"{title} {brand or ''}")
    standing = [mark for mark in facts.marks if not is_own(mark, own)]
    return tuple(sorted(standing, key=lambda mark: -mark.score))


def is_own(mark: Mark, own: str) -> bool:
    words = own_words(mark.evidence)
    return mark.kind in KINDS_WITH_WORDS and len(words) > 1 and words in own


KINDS_WITH_WORDS = (
    "wording", "repeated_text", "pale_text", "slanted_text", "wide_text", "corner_text",
)  # fmt: skip


def judge_marks(marks: Sequence[Mark], thresholds: ImageThresholds) -> Judged:
    """A mark that was found tells something; that none was found does not mean there is none."""
    if not marks or marks[0].score < thresholds.mark_review:
        return "pass", None
    mark = marks[0]
    is_sure = mark.score >= thresholds.mark_fail
    rule = f"image_mark_{mark.kind}" if mark.kind in MARK_RULES else "image_mark_pale_text"
    shown, score = excerpt(mark.evidence), figure(mark.score)
    found = finding("E-411", rule, f"{shown} ({score})", {"evidence": shown, "score": score})
    return ("fail" if is_sure else "review"), found


MARK_RULES = (
    "wording", "repeated_text", "pattern", "pale_text", "slanted_text", "wide_text", "corner_mark",
    "large_letter", "corner_text",
)  # fmt: skip


def judge_text(
    facts: ImageFacts,
    marks: Sequence[Mark],
    title: str,
    brand: str | None,
    thresholds: ImageThresholds,
) -> Judged:
    """A Japanese label, and the product's name in Japanese, outside of watermarks."""
    marked = [mark.evidence for mark in marks if mark.score >= thresholds.mark_review]
    sure = outside_of(marked, facts.lines)
    lines = [*sure, *outside_of(marked, facts.doubtful_lines)]
    label = label_in(sure, lines)
    share = max((name_share(line, title, brand) for line in lines), default=0.0)
    if share >= thresholds.name_pass and label.how != "foreign":
        return "pass", None
    verdict, rule = text_fault(label, lines, share, thresholds)
    read = excerpt(" / ".join(label.lines or lines)) or NOTHING_READ
    values = {"read": read, "title": excerpt(title), "share": figure(share)}
    return verdict, finding("E-412", rule, read, values)


def outside_of(marked: Sequence[str], lines: Sequence[str]) -> list[str]:
    """The lines that are no watermark, nor a piece of one."""
    return [line for line in lines if not any(line in mark for mark in marked)]


def text_fault(
    label: Label, lines: Sequence[str], share: float, thresholds: ImageThresholds
) -> tuple[Verdict, str]:
    """What is missing, and whether a person has to tell: kanji alone may be either language."""
    if label.how in ("kana", "kanji"):
        is_refused = share < thresholds.name_review
        return ("fail" if is_refused else "review"), "image_name_missing"
    if label.how != "foreign" and any(is_undecided_script(line) for line in lines):
        return "review", "image_script_unclear"
    if any(is_telling(line) for line in lines):
        return "fail", "image_text_not_japanese"
    return "fail", "image_text_missing"


def unusable(detail: str) -> Finding:
    """What is wrong with the file itself, by the part of the detail before the value seen."""
    fault, _, seen = detail.partition(": ")
    known = fault if fault in FILE_FAULTS else "unreadable"
    return finding("E-410", f"image_file_{known}", seen or known, {"seen": seen or NOTHING_READ})


def finding(code: str, rule: str, seen: str, values: Mapping[str, str]) -> Finding:
    return Finding(
        code=code, field="main_image", seen=seen, rule=rule, source=IMAGE_RULE, values=values
    )


def figure(score: float) -> str:
    return f"{score:.2f}"


def excerpt(text: str) -> str:
    return text if len(text) <= SEEN_LENGTH_MAX else f"{text[: SEEN_LENGTH_MAX - 1]}…"
