"""How far each witness of the policy is: its last cosignature, and the logs that wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from domain.transparency.signed_note import cosigned_at, read_signature
from domain.transparency.trust_policy import TrustPolicy
from infra.database import Connection

LATE_MINUTES = 10
LAST = """
    SELECT k.line FROM tlog_cosignatures k JOIN tlog_checkpoints c USING (seller_id, size)
    WHERE k.witness = %s ORDER BY c.signed_at DESC LIMIT 1
"""
LATE = """
    SELECT count(DISTINCT c.seller_id) FROM tlog_checkpoints c
    WHERE c.signed_at < now() - %s * interval '1 minute' AND c.size > (
        SELECT coalesce(max(k.size), 0) FROM tlog_cosignatures k
        WHERE k.seller_id = c.seller_id AND k.witness = %s
    )
"""


class WitnessStatus(NamedTuple):
    """`late_count` logs have checkpoints of some minutes ago, and nothing later, uncosigned."""

    name: str
    url: str | None
    last_at: datetime | None
    late_count: int


def statuses(connection: Connection, policy: TrustPolicy) -> Iterator[WitnessStatus]:
    """Of each witness, in the policy's order."""
    for name, verifier, url in policy.witnesses:
        last = connection.execute(LAST, (verifier.vkey,)).fetchone()
        late = connection.execute(LATE, (LATE_MINUTES, verifier.vkey)).fetchone()
        at_second = cosigned_at(read_signature(last[0].rstrip("\n"))) if last else None
        last_at = datetime.fromtimestamp(at_second, UTC) if at_second is not None else None
        yield WitnessStatus(name, url, last_at, late[0] if late else 0)
