"""Lets generated requests name things that exist: loaded by Schemathesis, not by pytest."""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

import schemathesis

KNOWN: dict[str, str] = json.loads(os.environ["FUZZED_IDS"])


@schemathesis.hook
def map_path_parameters(
    context: schemathesis.HookContext, path_parameters: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Of each id every other one is that of a thing that is there; which ones, the text decides."""
    return path_parameters and {
        name: KNOWN[name] if name in KNOWN and zlib.crc32(repr(value).encode()) % 2 else value
        for name, value in path_parameters.items()
    }
