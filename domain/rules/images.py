"""Is the main image fit for Mercari: white background, no watermark, label and name in Japanese.

What the inspector measured (`ImageFacts`) knows nothing of the title; the verdict joins the two.
Source: main-image rule of 2024-02; thresholds are policy data.
"""

from __future__ import annotations

from typing import Literal

from domain.values import Value


class Mark(Value):
    """Something that looks like a watermark: how sure (0-1), and the words or place seen."""

    kind: str
    score: float
    evidence: str


class ImageFacts(Value):
    """What was measured in one image's bytes, by one engine. Scores are 0-1.

    `is_text_read` is False where no OCR is installed: then `lines` and `marks` say nothing.
    """

    sha256: str
    engine: str
    width: int
    height: int
    white_background: float
    is_text_read: bool
    marks: tuple[Mark, ...] = ()
    lines: tuple[str, ...] = ()


class ImageReading(Value):
    """What came of looking at a main image; `detail` says why there are no facts.

    `unusable` is the image's own fault (no image, SVG, truncated, too large): a person looks at it.
    `unknown` is a failed download or inspection: it is tried again. `not_installed`: no inspector.
    """

    status: Literal["inspected", "unusable", "unknown", "not_installed"]
    facts: ImageFacts | None = None
    detail: str = ""
