"""`python -m verifier BUNDLE`: for whoever has nothing but this folder and a bundle."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .check import told, verify


def main() -> int:
    """Verify what the command line names; 0 where it holds, 1 where it does not."""
    parser = argparse.ArgumentParser(description="Verify an evidence bundle, offline.")
    parser.add_argument("bundle", type=Path, help="a bundle's zip file, or its folder")
    parser.add_argument("--key", type=Path, help="the log's key, from another source")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint that you kept")
    parser.add_argument("--policy", type=Path, help="a C2SP tlog-policy with witnesses")
    given = parser.parse_args()
    key, held, policy = (
        file.read_text("utf-8") if file else None
        for file in (given.key, given.checkpoint, given.policy)
    )
    verdict = verify(given.bundle, key, held, policy)
    for line in told(verdict):
        print(line)
    return 1 if verdict.fault else 0


if __name__ == "__main__":
    sys.exit(main())
