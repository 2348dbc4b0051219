"""Outages on order: every upstream request passes the gate, is counted, and may be spoilt there.

Faults and counts live in memory and end with the process.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

import orjson
from starlette.requests import Request
from starlette.responses import Response

Upstream = Literal["amazon", "mercari", "lwa"]
FaultKind = Literal[
    "429", "503_html", "empty_200", "truncated_json", "hang", "400_batch", "created_but_timed_out"
]

UPSTREAMS: tuple[Upstream, ...] = get_args(Upstream)
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
HANG_SECONDS_DEFAULT = 60.0
WRITES = ("createProduct", "updateProduct", "updateProductVariant", "updateProductVariants")

_HTML = (
    "<html><head><title>503 Service Temporarily Unavailable</title></head>"
    "<body><center><h1>503 Service Temporarily Unavailable</h1></center></body></html>"
)
_POLL_SECONDS = 0.05
_THROTTLED_FOR = timedelta(seconds=1)


@dataclass(slots=True)
class Fault:
    """One outage. `remaining` requests are hit, None = all until cleared.

    `seconds` is how long a hanging or timed-out answer is withheld; see `ends_at` for the others.
    """

    upstream: Upstream
    kind: FaultKind
    operation: str | None = None
    remaining: int | None = None
    seconds: float | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request at the gate: what it asks for, and how it is answered, well or throttled.

    `throttled` is told when asking again would help.
    """

    upstream: Upstream
    operation: str
    answer: Callable[[], Response]
    throttled: Callable[[datetime], Response]
    batch_size: int = 1


@dataclass(slots=True)
class Gate:
    """Counts requests and spoils those that a fault is meant for, the oldest fault first."""

    clock: Callable[[], datetime]
    faults: list[Fault] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def through(self, request: Request, call: Call) -> Response:
        """Answer the request, well or with the fault that is due."""
        self.counts[call.upstream, call.operation] += 1
        fault = self._due(call)
        if fault is None:
            return call.answer()
        if fault.kind == "429":
            return call.throttled(fault.ends_at or self.clock() + _THROTTLED_FOR)
        return await _spoilt(request, call, fault)

    def calls(self) -> dict[str, dict[str, int]]:
        """The counts, by upstream and operation."""
        found: dict[str, dict[str, int]] = {upstream: {} for upstream in UPSTREAMS}
        for (upstream, operation), count in sorted(self.counts.items()):
            found[upstream][operation] = count
        return found

    def _due(self, call: Call) -> Fault | None:
        now = self.clock()
        self.faults[:] = [
            fault for fault in self.faults if fault.ends_at is None or fault.ends_at > now
        ]
        fault = next((fault for fault in self.faults if _concerns(fault, call)), None)
        if fault is not None and fault.remaining is not None:
            fault.remaining -= 1
            if fault.remaining == 0:
                self.faults.remove(fault)
        return fault


def _concerns(fault: Fault, call: Call) -> bool:
    """A batch fault spares requests for one id; a lost creation needs something to be written."""
    if fault.upstream != call.upstream or fault.operation not in (None, call.operation):
        return False
    if fault.kind == "400_batch":
        return call.batch_size > 1
    return fault.kind != "created_but_timed_out" or call.operation in WRITES


async def _spoilt(request: Request, call: Call, fault: Fault) -> Response:
    if fault.kind == "503_html":
        return Response(_HTML, status_code=503, media_type="text/html")
    if fault.kind == "empty_200":
        return Response(b"", media_type="application/json")
    if fault.kind == "truncated_json":
        body = bytes(call.answer().body)
        return Response(body[: len(body) // 2], media_type="application/json")
    if fault.kind == "400_batch":
        return json_answer(400, errors_of("InvalidInput", "Invalid 'asin' provided."))
    if fault.kind == "hang":
        seconds = HANG_SECONDS_DEFAULT if fault.seconds is None else fault.seconds
        await _withhold(request, seconds)
        return Response(b"", status_code=504)
    call.answer()
    await _withhold(request, fault.seconds or 0.0)
    message = {"message": "deadline exceeded", "extensions": {"code": "DEADLINE_EXCEEDED"}}
    return json_answer(200, {"errors": [message], "data": None})


async def _withhold(request: Request, seconds: float) -> None:
    """Wait, but no longer than the caller does."""
    clock = asyncio.get_running_loop().time
    ends_at = clock() + seconds
    while (rest := ends_at - clock()) > 0 and not await request.is_disconnected():
        await asyncio.sleep(min(rest, _POLL_SECONDS))


def json_answer(status: int, body: object, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(body), status_code=status, headers=headers, media_type="application/json"
    )


def errors_of(code: str, message: str, details: str = "") -> dict[str, object]:
    """The error body of every SP-API operation."""
    return {"errors": [{"code": code, "message": message, "details": details}]}
