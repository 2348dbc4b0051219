"""Reads the words in a picture, with their place, by PP-OCR models that lie in a wheel.

Every model's path is given and only arrays are passed: a model that is missing is an error here,
while the library by itself would ask a server for it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rapidocr
from numpy.typing import NDArray

LINE_SCORE_MIN = 0.5
DETECTION_SIDE_PIXELS = 640
SOFT_SIDE_PIXELS = 384
SOFT_BLUR = 0.6
MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
    "Cls.model_path": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}
NETWORK_EVENTS = ("socket.connect", "socket.getaddrinfo")


@dataclass(frozen=True)
class Line:
    """Words read in one place: how sure (0-1), and the corners clockwise from the words' start."""

    text: str
    score: float
    corners: NDArray[np.float32]


class TextReader:
    """One engine on one thread; its models are loaded when first used, about a second."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._engine = rapidocr.RapidOCR(params=parameters())

    def read(self, rgb: NDArray[np.uint8]) -> list[Line]:
        """The lines in this picture, the longest and surest first.

        Read twice: as it is, and small and soft. The detector finds small print only in the first
        and misses large, hard-edged letters there (measured: adr/0009).
        """
        scale = SOFT_SIDE_PIXELS / max(rgb.shape[:2])
        lines = self._read_once(rgb)
        if scale < 1:
            soft = cv2.GaussianBlur(rgb, (0, 0), SOFT_BLUR / scale)
            soft = cv2.resize(soft, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            lines += [enlarged(line, 1 / scale) for line in self._read_once(soft)]
        return without_doubles(lines)

    def _read_once(self, rgb: NDArray[Any]) -> list[Line]:
        answer: Any = self._engine(np.ascontiguousarray(rgb[:, :, ::-1]))
        if answer.boxes is None or answer.txts is None:
            return []
        return [
            Line(text.strip(), float(score), np.asarray(corners, dtype=np.float32))
            for text, score, corners in zip(answer.txts, answer.scores, answer.boxes, strict=True)
        ]


def enlarged(line: Line, scale: float) -> Line:
    return Line(line.text, line.score, line.corners * np.float32(scale))


def without_doubles(lines: Sequence[Line]) -> list[Line]:
    """Of lines that lie on each other the longer and surer one."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda each: -each.score * len(each.text)):
        if not any(lie_on_each_other(line, other) for other in kept):
            kept.append(line)
    return kept


def lie_on_each_other(one: Line, other: Line) -> bool:
    return holds(one, other) or holds(other, one)


def holds(one: Line, other: Line) -> bool:
    """Whether the middle of the other line lies within this one."""
    x, y = (float(place) for place in other.corners.mean(axis=0))
    return bool(cv2.pointPolygonTest(one.corners, (x, y), False) >= 0)


def parameters() -> dict[str, Any]:
    """The engine's settings. Raises FileNotFoundError where a model is missing."""
    folder = Path(str(rapidocr.__file__)).parent / "models"
    paths = {name: folder / file for name, file in MODELS.items()}
    for path in paths.values():
        path.stat()
    return {
        "Global.log_level": "critical",
        "Global.text_score": LINE_SCORE_MIN,
        "Det.limit_type": "max",
        "Det.limit_side_len": DETECTION_SIDE_PIXELS,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        **{name: str(path) for name, path in paths.items()},
    }


def forbid_network() -> None:
    """From here on nothing in this process may open a connection, whatever a library tries."""
    sys.addaudithook(refuse_network)


def refuse_network(event: str, _arguments: tuple[object, ...]) -> None:
    if event in NETWORK_EVENTS:
        raise PermissionError(f"{event} is not allowed where images are measured")
