"""Runs the measurements that are named, or all of them; a missed gate is shown, not an error."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console

from tests.bench.append import append_8_writers, append_bulk
from tests.bench.categories import categories
from tests.bench.decisions import decisions, replayed
from tests.bench.evidence import evidence
from tests.bench.images import images
from tests.bench.measurement import Measure, keep, show
from tests.bench.page_times import page_times
from tests.bench.pages import pages
from tests.bench.promises import promises
from tests.bench.service import demonstration, new_images
from tests.bench.sweeps import sweeps
from tests.bench.transparency import transparency
from tests.bench.views import catchup, live_lag

MEASURES: Mapping[tuple[str, ...], Measure] = {
    ("category_precision", "category_recall", "category_match_ms"): categories,
    ("append_bulk_vs_library",): append_bulk,
    ("append_8_writers_vs_library",): append_8_writers,
    ("catchup_vs_library_runner",): catchup,
    ("live_lag_p99_ms_at_300",): live_lag,
    ("page_vs_bare_route",): pages,
    (
        "page_p95_ms_at_million", "streams_200_more_mib", "streams_200_idle_cores",
    ): page_times,
    (
        "sweep_unchanged_items_per_second", "sweep_changed_items_per_second", "sweep_rss_growth",
    ): sweeps,
    ("promises_worst_lateness_minutes", "sweep_calls_vs_least"): promises,
    ("decision_ms", "decisions_500_seconds"): decisions,
    ("replay_differences",): replayed,
    (
        "image_white_precision", "image_white_recall", "image_watermark_precision",
        "image_watermark_recall", "image_japanese_precision", "image_japanese_recall",
        "images_per_second_a_core", "image_worker_rss_mib",
    ): images,
    (
        "tlog_leaves_per_second", "tlog_bytes_an_event", "tlog_first_checkpoint_ms",
        "tlog_proof_p50_ms", "tlog_proof_p99_ms", "bundle_200_seconds", "bundle_200_verify_seconds",
        "fsck_million_seconds", "tlog_event_to_checkpoint_p99_seconds",
    ): transparency,
    (
        "evidence_200_seconds", "evidence_200_cpu_seconds", "evidence_200_verify_seconds",
        "evidence_200_pdf_cpu_seconds",
    ): evidence,
    ("rss_mib", "upload_500_seconds", "upstream_calls_vs_least"): demonstration,
    ("upload_500_new_images_seconds",): new_images,
}  # fmt: skip


def main(wanted: list[str]) -> None:
    """Measure, keep each figure as it comes, and show them all. Exits 2 for a name unknown."""
    console = Console()
    known = [name for names in MEASURES for name in names]
    if unknown := set(wanted) - set(known):
        console.print(f"no such measurement: {', '.join(unknown)}; there are {', '.join(known)}")
        sys.exit(2)
    done = []
    for names, measure in MEASURES.items():
        if wanted and not set(wanted) & set(names):
            continue
        console.print(f"measuring {', '.join(names)}…", style="dim")
        for measurement in measure():
            keep(measurement)
            done.append(measurement)
    show(console, done)


if __name__ == "__main__":
    main(sys.argv[1:])
