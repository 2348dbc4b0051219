"""What can measure images here, and under which name its facts are kept."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

RULES_VERSION = "1"
"""Raised with every change of what is measured, so that no older facts are taken for new ones."""

BASE_MODULES = ("numpy", "PIL")
READING_MODULES = ("cv2", "onnxruntime", "rapidocr")


def can_measure() -> bool:
    """Whether the extra `image` is installed; nothing is imported to find out."""
    return all(find_spec(name) for name in BASE_MODULES)


def can_read() -> bool:
    """Whether the extra `image-ocr` is installed."""
    return can_measure() and all(find_spec(name) for name in READING_MODULES)


def engine_name() -> str:
    """Our rules and what else the facts depend on, for example `rules 1, pillow 13.0.0`."""
    packages = ["pillow"] + (["rapidocr", "onnxruntime"] if can_read() else [])
    return ", ".join([f"rules {RULES_VERSION}", *(f"{name} {release(name)}" for name in packages)])


def release(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
