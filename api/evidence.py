"""Routes of the transparency log: a history's evidence as one file, and what is signed."""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from api.evidence_report.files import readable_files
from api.ids import inner_id
from api.requests import Reception, Visit
from domain.asin_binding.facts import Requested
from domain.errors import NotFound, NothingSigned
from domain.transparency.bundle import Bundle, proof_files
from projections import sellers

COVER_SECONDS = 3.0
COVER_STEP_SECONDS = 0.1
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
Since = Annotated[
    int | None,
    Query(ge=1, le=10**15, description="Leaves of a checkpoint you hold: prove that it grew."),
]
ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bundle.", "content": {"application/zip": {}}}
}


def build_evidence(reception: Reception) -> APIRouter:
    """Evidence of a binding, the newest checkpoint, and its keys."""
    router = APIRouter(tags=["evidence"])

    @router.get("/bindings/{binding_id}/evidence", response_class=Response, responses=ZIP)
    def evidence(request: Request, binding_id: str, since: Since = None) -> Response:
        """Everything that proves a binding's history, as a zip file to be verified offline.

        Events as stored, their leaves and proofs, the signed checkpoint, and where the history
        ends. `asin-sync audit verify` checks it, and so do programs of others. To be read, and
        proving nothing: the history told in a language (`lang`, `Accept-Language`) as HTML and
        PDF, and how to verify it all.
        """
        visit = reception.reading(request)
        inner = inner_id("bnd", binding_id)
        ensure_binding(visit, inner)
        content = zipped(files_of(visit, inner, since))
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        name = f"evidence-{binding_id}.zip"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Digest": f"sha-256=:{digest}:",
            "Content-Language": visit.l10n.tongue.tag,
        }
        return Response(content, media_type="application/zip", headers=headers)

    @router.get("/checkpoint", response_class=PlainTextResponse)
    def checkpoint(request: Request) -> str:
        """The newest checkpoint of the seller's log (C2SP signed note). Keep it: it binds us.

        Where witnesses cosign, the newest that reaches the installation's quorum of them.
        """
        visit = reception.reading(request)
        return visit.desk.transparency.checkpoint(visit.seller_id)

    @router.get("/checkpoint/keys", response_class=PlainTextResponse)
    def keys(request: Request) -> str:
        """The keys that checkpoints are signed with (C2SP vkeys), one a line, oldest first."""
        visit = reception.reading(request)
        return "".join(f"{key}\n" for key in visit.desk.transparency.vkeys(visit.seller_id))

    return router


def ensure_binding(visit: Visit, inner: UUID) -> None:
    """Raises NotFound for what is no binding of this seller."""
    events = visit.desk.history(visit.seller_id, inner, at_version=1)
    if not events or not isinstance(events[0].fact, Requested):
        raise NotFound("no such binding")


def files_of(visit: Visit, stream: UUID, since: int | None) -> Iterator[tuple[str, bytes]]:
    """What is read, then what proves it."""
    bundle = covered(visit, stream, since)
    last = bundle.events[-1].event.version
    history = visit.desk.history(visit.seller_id, stream, at_version=last)
    with visit.desk.reading_for(visit.seller_id) as connection:
        seller = sellers.one(connection, visit.seller_id)
    yield from readable_files(bundle, history, seller.shop_name if seller else "", visit.l10n)
    yield from proof_files(bundle)


def covered(visit: Visit, stream: UUID, since: int | None) -> Bundle:
    """The evidence of the whole stream; waits shortly for the newest events' checkpoint."""
    ends_at = time.monotonic() + COVER_SECONDS
    while True:
        try:
            bundle = visit.desk.transparency.prove(visit.seller_id, stream, since)
        except NothingSigned:
            if time.monotonic() > ends_at:
                raise
        else:
            if not bundle.newer or time.monotonic() > ends_at:
                return bundle
        time.sleep(COVER_STEP_SECONDS)


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """The same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
