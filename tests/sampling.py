"""How much of the longest tests is lived: all of it, or with SAMPLE_EVERY=n each n-th part.

`make test` lives all of it. A run that takes samples says so in its header.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence

import pytest

EVERY = int(os.environ.get("SAMPLE_EVERY", "1"))
SAID = "every part of the longest tests" if EVERY == 1 else f"1 of {EVERY} parts of the longest"
ALL_ONLY = pytest.mark.skipif(EVERY > 1, reason="a minute long: lived where no samples are taken")
CASES_MAX = 3
SAMPLED = {"api", "infra", "browser", "foreign", "contracts"}


def beyond_sample(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Of a test with many cases in a folder that needs a server, those that a sample leaves out."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if EVERY > 1 and not SAMPLED.isdisjoint(item.path.parts):
            cases[item.nodeid.partition("[")[0]].append(item)
    many = [each for each in cases.values() if len(each) > CASES_MAX]
    return [item for each in many for number, item in enumerate(each) if number % EVERY]
