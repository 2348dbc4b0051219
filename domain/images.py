"""What an inspector says of a main image, and the thresholds it is judged by."""

from __future__ import annotations

from typing import Literal

from domain.values import Value


class Mark(Value):
    """Something that looks like a watermark: how sure (0-1), and the words or place seen.

    `evidence` of a mark with words is a line exactly as it was read.
    """

    kind: str
    score: float
    evidence: str


class ImageFacts(Value):
    """What was measured in one image's bytes, by one engine. Scores are 0-1.

    `is_text_read` is False where no OCR is installed: then `lines` and `marks` say nothing.
    `doubtful_lines` were read with little certainty: enough for kana, not to tell kanji apart.
    """

    sha256: str
    engine: str
    width: int
    height: int
    white_background: float
    is_text_read: bool
    marks: tuple[Mark, ...] = ()
    lines: tuple[str, ...] = ()
    doubtful_lines: tuple[str, ...] = ()


class ImageReading(Value):
    """What came of looking at a main image; `detail` says why there are no facts.

    `unusable` is the image's own fault (no image, SVG, truncated, too large): a person looks at it.
    `unknown` is a failed download or inspection: it is tried again. `not_installed`: no inspector.
    """

    status: Literal["inspected", "unusable", "unknown", "not_installed"]
    facts: ImageFacts | None = None
    detail: str = ""


class ImageThresholds(Value):
    """Where a score passes, is looked at by a person, or fails. All from 0 to 1.

    White and name: at `pass` and above it passes, below `review` it fails. Mark: the other way.
    A name that is not found is never refused by default: another spelling can't be told from
    another thing.
    """

    white_pass: float = 0.5
    white_review: float = 0.2
    mark_fail: float = 0.8
    mark_review: float = 0.5
    name_pass: float = 0.7
    name_review: float = 0.0
