"""How much of the longest tests is lived: all of it, or with SAMPLE_EVERY=n each n-th part.

`make test` lives all of it. A run that takes samples says so in its header.
"""

from __future__ import annotations

import os

import pytest

EVERY = int(os.environ.get("SAMPLE_EVERY", "1"))
SAID = "every part of the longest tests" if EVERY == 1 else f"1 of {EVERY} parts of the longest"
ALL_ONLY = pytest.mark.skipif(EVERY > 1, reason="a minute long: lived where no samples are taken")
