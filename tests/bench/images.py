"""The image inspector on labelled drawings: how right it is by rule, and what a picture costs.

Drawings flatter it: see adr/0009. Tuned on seed 1; the seeds here were never tuned on.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from rich.console import Console

from domain.rules.images import (
    ImageReading,
    ImageThresholds,
    judge_image,
    judge_marks,
    standing_marks,
)  # fmt: skip
from infra.images.engine import can_read
from infra.images.workers import Workers
from tests.bench.measurement import Measurement
from tests.images.make_images import APT_LINE, Truth, missing_fonts, pictures

SEEDS = (11, 12)
PICTURES_A_SET = 60
GATES = {"white": (0.98, 0.95), "watermark": (0.95, 0.6), "japanese": (0.98, 0.9)}

Counts = Counter[tuple[str, bool, bool]]


def images() -> Iterator[Measurement]:
    """Precision and recall of each rule, then pictures a second of one core, and memory."""
    if lacking := missing_fonts():
        Console().print(f"NOT RUN, fonts are missing ({', '.join(lacking)}): {APT_LINE}")
        return
    if not can_read():
        Console().print("NOT RUN: pip install 'asin-sync[image-ocr]'")
        return
    workers = Workers(idle_seconds_max=600)
    counts = {name: counted(workers, is_hard=name == "hard") for name in ("normal", "hard")}
    for rule in GATES:
        yield from rates(rule, counts)
    yield from cost(workers, sum(sum(each.values()) for each in counts.values()) // len(GATES))
    workers.close()


def counted(workers: Workers, *, is_hard: bool) -> Counts:
    """How often each rule was right and wrong: (rule, truth, verdict)."""
    drawn = chain.from_iterable(pictures(seed, PICTURES_A_SET, is_hard=is_hard) for seed in SEEDS)
    counts: Counts = Counter()
    with ThreadPoolExecutor(2) as threads:
        for truth, reading in threads.map(lambda each: (each[0], workers.measure(each[1])), drawn):
            counts.update(outcomes(truth, reading))
    return counts


def outcomes(truth: Truth, reading: ImageReading) -> list[tuple[str, bool, bool]]:
    """A mark counts as found when it is refused or shown to a person."""
    thresholds = ImageThresholds()
    if reading.facts is None:
        return [(rule, True, False) for rule in GATES]
    marks = standing_marks(reading.facts, truth.title, truth.brand)
    check = judge_image(reading, truth.title, truth.brand, thresholds)
    text = [finding.rule for finding in check.findings if finding.code == "E-412"]
    return [
        ("white", truth.is_white, reading.facts.white_background >= thresholds.white_pass),
        ("watermark", truth.has_mark, judge_marks(marks, thresholds)[1] is not None),
        ("japanese", truth.has_japanese, text in ([], ["image_name_missing"])),
    ]


def rates(rule: str, counts: dict[str, Counts]) -> Iterator[Measurement]:
    total: Counts = sum(counts.values(), Counter())
    for name, gate in zip(("precision", "recall"), GATES[rule], strict=True):
        by_set = {each: share(rule, name, counts[each]) for each in counts}
        note = ", ".join(f"{each} {right}/{of}" for each, (right, of) in by_set.items())
        right, of = share(rule, name, total)
        yield Measurement(
            name=f"image_{rule}_{name}", value=right / max(1, of), unit="share", reference=None,
            ratio=None, gate=gate, is_ratio_gated=False, note=f"{note}; drawings, seeds {SEEDS}",
        )  # fmt: skip


def share(rule: str, name: str, counts: Counts) -> tuple[int, int]:
    right = counts[rule, True, True]
    wrong = counts[rule, False, True] if name == "precision" else counts[rule, True, False]
    return right, right + wrong


def cost(workers: Workers, picture_count: int) -> Iterator[Measurement]:
    processes = [Path(f"/proc/{process_id}") for process_id in workers.process_ids()]
    if not processes or not processes[0].exists():
        return
    seconds = sum(map(cpu_seconds, processes))
    yield Measurement(
        name="images_per_second_a_core", value=picture_count / seconds, unit="images/s",
        reference=None, ratio=None, gate=1.0, is_ratio_gated=False,
        note=f"{seconds / picture_count:.2f} CPU s a picture of 800 px, start included",
    )  # fmt: skip
    yield Measurement(
        name="image_worker_rss_mib", value=max(peak_mib(each) for each in processes), unit="MiB",
        reference=None, ratio=None, gate=600, is_ratio_gated=False, is_lower_better=True,
        note="peak of one process",
    )  # fmt: skip


def cpu_seconds(process: Path) -> float:
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(process: Path) -> float:
    lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024
