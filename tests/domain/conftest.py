"""Properties here are pure: no deadline to flicker on a busy machine, no folder of examples."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("domain", deadline=None, database=None, max_examples=60)
settings.load_profile("domain")
