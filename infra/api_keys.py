"""API keys: shown once, stored as HMAC-SHA256 under the pepper, found by their public part.

`abk_live_<id>_<secret>_<checksum>`: secret scanners can match it, a mistyped key is told at once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import zlib
from threading import Lock
from uuid import UUID

from psycopg.rows import class_row

from domain.callers import Caller, KeyInfo
from domain.errors import KeyRefused
from domain.seller import Role
from infra.database import Connection, Database

CACHE_SECONDS = 5.0
_FORM = re.compile(r"abk_live_([0-9a-z]{12})_([0-9A-Za-z_-]{43})_([0-9a-f]{8})")
_SHOWN = "key_id, role, seller_id, label, created_at, revoked_at, last_used_at"
USE_NOTED_SECONDS = 3600.0


class ApiKeys:
    """The keys of one installation. A revoked key closes within five seconds everywhere."""

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper
        self._cache: dict[str, tuple[float, bytes, Caller | None]] = {}
        self._noted: dict[str, float] = {}
        self._lock = Lock()

    def caller(self, key: str) -> Caller | None:
        """Who holds this key; None for one that is malformed, unknown or revoked."""
        form = _FORM.fullmatch(key)
        if form is None or checksum(key.rpartition("_")[0]) != form[3]:
            return None
        digest, caller = self._looked_up(form[1])
        if caller is None or not hmac.compare_digest(digest, self._digest(form[2])):
            return None
        self._note_use(form[1])
        return caller

    def known(self, key: str) -> Caller | None:
        """The same from memory; None also where the database has to be asked."""
        form = _FORM.fullmatch(key)
        return self.caller(key) if form and self._cached(form[1]) else None

    def by_id(self, key_id: str) -> Caller | None:
        """The holder of a key that is still open."""
        return self._looked_up(key_id)[1]

    def create(self, role: Role, seller_id: UUID | None, label: str) -> tuple[str, str]:
        """Make a key; return its id and the key itself, which can't be had again."""
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        with self._database.pool("keystore").connection() as connection:
            connection.execute(
                "INSERT INTO asin_sync.api_key (key_id, seller_id, role, label, digest)"
                " VALUES (%s, %s, %s, %s, %s)",
                (key_id, seller_id, role, label, self._digest(secret)),
            )
        body = f"abk_live_{key_id}_{secret}"
        return key_id, f"{body}_{checksum(body)}"

    def all(self, seller_id: UUID | None) -> list[KeyInfo]:
        """The seller's keys, or everybody's for None; newest first."""
        with self._database.pool("keystore").connection() as connection:
            return (
                connection.cursor(row_factory=class_row(KeyInfo))
                .execute(
                    f"SELECT {_SHOWN} FROM asin_sync.api_key"  # noqa: S608
                    " WHERE %(seller)s::uuid IS NULL OR seller_id = %(seller)s"
                    " ORDER BY created_at DESC",
                    {"seller": seller_id},
                )
                .fetchall()
            )

    def revoke(self, key_id: str, seller_id: UUID | None, *, may_be_last: bool = True) -> bool:
        """Close a key; False where this seller (or anybody, for None) has none open of that id.

        Raises KeyRefused for a seller's last key that people sign in with, unless it may be that.
        """
        with self._database.pool("keystore").connection() as connection, connection.transaction():
            if not may_be_last:
                ensure_not_last(connection, key_id, seller_id)
            revoked = connection.execute(
                "UPDATE asin_sync.api_key SET revoked_at = now() WHERE key_id = %(key)s"
                " AND revoked_at IS NULL AND (%(seller)s::uuid IS NULL OR seller_id = %(seller)s)",
                {"key": key_id, "seller": seller_id},
            )
        with self._lock:
            self._cache.pop(key_id, None)
        return revoked.rowcount == 1

    def _note_use(self, key_id: str) -> None:
        """Write down, once an hour, that the key was used."""
        now = time.monotonic()
        if now - self._noted.get(key_id, -USE_NOTED_SECONDS) < USE_NOTED_SECONDS:
            return
        self._noted[key_id] = now
        with self._database.pool("keystore").connection() as connection:
            connection.execute(
                "UPDATE asin_sync.api_key SET last_used_at = now() WHERE key_id = %s"
                " AND (last_used_at IS NULL OR last_used_at < now() - interval '1 hour')",
                (key_id,),
            )

    def _cached(self, key_id: str) -> tuple[bytes, Caller | None] | None:
        with self._lock:
            cached = self._cache.get(key_id)
        is_fresh = cached and time.monotonic() - cached[0] < CACHE_SECONDS
        return cached[1:] if cached and is_fresh else None

    def _looked_up(self, key_id: str) -> tuple[bytes, Caller | None]:
        """Digest and holder, at most five seconds old; a random digest for a key that is not."""
        if cached := self._cached(key_id):
            return cached
        now = time.monotonic()
        with self._database.pool("keystore").connection() as connection:
            row = connection.execute(
                "SELECT digest, role, seller_id, label FROM asin_sync.api_key"
                " WHERE key_id = %s AND revoked_at IS NULL",
                (key_id,),
            ).fetchone()
        if row is None:
            return secrets.token_bytes(32), None
        caller = Caller(key_id=key_id, role=row[1], seller_id=row[2], label=row[3])
        with self._lock:
            self._cache[key_id] = (now, row[0], caller)
        return row[0], caller

    def _digest(self, secret: str) -> bytes:
        return hmac.digest(self._pepper, secret.encode(), hashlib.sha256)


def ensure_not_last(connection: Connection, key_id: str, seller_id: UUID | None) -> None:
    """Two that revoke at once wait for each other, so that one key is left. Raises KeyRefused."""
    rows = connection.execute(
        "SELECT key_id FROM asin_sync.api_key"
        " WHERE seller_id = %s AND role = 'seller' AND revoked_at IS NULL FOR UPDATE",
        (seller_id,),
    ).fetchall()
    if [found for (found,) in rows] == [key_id]:
        raise KeyRefused(f"{key_id} is the last seller key", rules={"key_id": "key_last"})


def checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
