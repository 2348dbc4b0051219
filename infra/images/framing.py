"""How images and answers travel between processes: four bytes of length, then the content."""

from __future__ import annotations

from typing import IO


def receive(stream: IO[bytes]) -> bytes | None:
    """The next content; None where the stream ends, also in the middle of one."""
    size = stream.read(4)
    if len(size) < 4:
        return None
    content = stream.read(int.from_bytes(size))
    return content if len(content) == int.from_bytes(size) else None


def send(stream: IO[bytes], content: bytes) -> None:
    stream.write(len(content).to_bytes(4) + content)
    stream.flush()
