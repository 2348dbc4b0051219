"""The program of a measuring process: an image comes in, an answer goes out, until no more come.

An answer is one JSON object: the facts, or why there are none.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import BinaryIO

import orjson

from infra.images.framing import receive, send
from infra.images.measuring import Measurer, Unusable


def main() -> None:
    """Serve whoever started this process; ends when their end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = own_output()
    measurer = Measurer()
    while (image := receive(sys.stdin.buffer)) is not None:
        send(answers, answer_to(measurer, image))


def own_output() -> BinaryIO:
    """Standard output for answers alone: what a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def answer_to(measurer: Measurer, image: bytes) -> bytes:
    try:
        facts = measurer.measure(image)
    except Unusable as fault:
        return orjson.dumps({"unusable": str(fault)})
    except Exception as error:  # whatever the libraries raise concerns this image alone
        return orjson.dumps({"failed": f"{type(error).__name__}: {error}"})
    return orjson.dumps({"facts": facts.model_dump(mode="json")})


if __name__ == "__main__":
    main()
