"""The newest checkpoint of the seller's log, as the audit page shows it to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.desk import Desk
from api.pages.page_frame import Visit
from domain.errors import NothingSigned
from domain.transparency.signed_note import read_checkpoint, read_note, read_vkey
from domain.values import Value


class CheckpointShown(Value):
    """What was signed, when, and the ids of the keys; `note` and `keys` are where both are had."""

    origin: str
    size: int
    root: str
    signed_at: datetime | None
    key_ids: Sequence[str]
    note: str
    keys: str
    file: str


def newest_checkpoint(desk: Desk, visit: Visit) -> CheckpointShown | None:
    """None where nothing of the seller is signed yet."""
    try:
        text = desk.transparency.checkpoint(visit.seller_id)
    except NothingSigned:
        return None
    checkpoint = read_checkpoint(read_note(text).text)
    vkeys = desk.transparency.vkeys(visit.seller_id)
    return CheckpointShown(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        signed_at=desk.transparency.signed_at(visit.seller_id, checkpoint.size),
        key_ids=[read_vkey(vkey).key_id.hex() for vkey in vkeys],
        note=visit.url("/v1/checkpoint"),
        keys=visit.url("/v1/checkpoint/keys"),
        file=f"asin-sync-{checkpoint.size}.checkpoint",
    )
