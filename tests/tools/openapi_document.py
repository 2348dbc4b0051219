"""Write the OpenAPI document of the routes: `python -m tests.tools.openapi_document FILE`.

`--release` writes docs/openapi-v1.json, which the contract test holds every later document against.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from api.app import build_app
from api.desk import Desk

RELEASED = Path(__file__).parents[2] / "docs/openapi-v1.json"
NOBODYS_DESK = SimpleNamespace(
    session_secret=b"", keys=None, people=None, clock=None, image_origins=()
)
"""Routes are told from each other without a desk; none of them is called."""


def document() -> dict[str, Any]:
    return build_app(cast(Desk, NOBODYS_DESK)).openapi()


def main(arguments: list[str]) -> None:
    file = RELEASED if arguments == ["--release"] else Path(*arguments)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(), ensure_ascii=False, indent=1, sort_keys=file == RELEASED)
    file.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
