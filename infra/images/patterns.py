"""Finds a pattern that repeats over the background: a tiled watermark, with or without letters."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.images import Mark
from infra.images.backdrop import Backdrop, Mask

PEAK_MIN = 0.7
SPREAD_MIN = 0.2
SHARED_ENERGY_MIN = 0.25
PATTERN_SCORE = 0.9
ENERGY_MIN = 0.35
LAG_PIXELS_MIN = 30
OVERLAP_SHARE_MIN = 0.15
GROUND_PIXELS = 15
EDGE_PIXELS = 9
CELLS = 12

Residue = NDArray[np.float32]


def find_pattern(backdrop: Backdrop) -> list[Mark]:
    """At most one mark, with the distance at which the background is most like itself."""
    grey = cv2.cvtColor(backdrop.small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    plain = plain_part(backdrop.light)
    if plain.mean() < OVERLAP_SHARE_MIN:
        return []
    residue = residue_of(grey, plain)
    energy = float(residue[plain].std())
    if energy < ENERGY_MIN or spread_of(residue, plain) < SPREAD_MIN:
        return []
    peak, lag = strongest_repeat(residue, plain)
    if peak < PEAK_MIN or max(lag) <= LAG_PIXELS_MIN + 1:  # a smooth slope, not a repeat
        return []
    return [Mark(kind="pattern", score=PATTERN_SCORE, evidence=f"{lag[0]} × {lag[1]} px")]


def plain_part(mask: Mask) -> Mask:
    """The background without the product's edge, its small dark spots taken in: they are ink."""
    closed = cv2.morphologyEx(
        mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((GROUND_PIXELS, GROUND_PIXELS), np.uint8)
    )
    eroded = cv2.erode(closed, np.ones((EDGE_PIXELS, EDGE_PIXELS), np.uint8))
    return np.asarray(eroded, dtype=np.bool_)


def residue_of(grey: Residue, plain: Mask) -> Residue:
    """What differs from its surroundings, and nothing outside the background."""
    weight = plain.astype(np.float32)
    size = (2 * GROUND_PIXELS + 1, 2 * GROUND_PIXELS + 1)
    ground = cv2.blur(grey * weight, size) / np.maximum(cv2.blur(weight, size), 1e-3)
    residue = np.where(plain, grey - ground, 0).astype(np.float32)
    return residue - np.float32(residue[plain].mean()) * weight


def spread_of(residue: Residue, plain: Mask) -> float:
    """In how much of the background there is something at all, by cells."""
    rows, columns = (np.array_split(np.arange(side), CELLS) for side in residue.shape)
    cells = [
        float(residue[np.ix_(down, across)][plain[np.ix_(down, across)]].std())
        for down in rows
        for across in columns
        if plain[np.ix_(down, across)].mean() > 0.5
    ]
    if not cells:
        return 0.0
    return float(np.mean(np.array(cells) >= 0.5 * np.percentile(cells, 90)))


def strongest_repeat(residue: Residue, plain: Mask) -> tuple[float, tuple[int, int]]:
    """The best likeness with a shifted self, -1 to 1, and the shift across and down."""
    shape = tuple(2 * side for side in residue.shape)
    clipped = np.clip(residue, *np.percentile(residue[plain], (1, 99)))
    weight = plain.astype(np.float32)
    spectrum, squares, area = (
        np.fft.rfft2(part, shape) for part in (clipped * weight, clipped**2 * weight, weight)
    )
    product = np.fft.irfft2(np.abs(spectrum) ** 2, shape)
    energy = np.fft.irfft2(squares * np.conj(area), shape)
    mirrored = np.roll(np.flip(energy), 1, axis=(0, 1))
    overlap = np.fft.irfft2(np.abs(area) ** 2, shape)
    likeness = product / np.sqrt(np.maximum(energy, 1e-6) * np.maximum(mirrored, 1e-6))
    shared = SHARED_ENERGY_MIN * float((clipped**2).sum())
    likeness[(overlap < OVERLAP_SHARE_MIN * plain.sum()) | (energy < shared)] = -1
    likeness[mirrored < shared] = -1
    height, width = residue.shape
    down = np.minimum(np.arange(shape[0]), shape[0] - np.arange(shape[0]))[:, None]
    across = np.minimum(np.arange(shape[1]), shape[1] - np.arange(shape[1]))[None, :]
    likeness[(np.maximum(down, across) < LAG_PIXELS_MIN) | (down > height) | (across > width)] = -1
    place = np.unravel_index(int(likeness.argmax()), likeness.shape)
    return float(likeness[place]), (int(across[0, place[1]]), int(down[place[0], 0]))
