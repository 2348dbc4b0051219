"""Sends one message to one endpoint, signed as Standard Webhooks say; what came back, never raised.

One deadline for the whole exchange, no redirects, public addresses only, and little of the answer
is read: its status says all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import httpx

from domain.rules.webhook_address import is_allowed
from domain.webhooks import Message
from infra.http_deadline import open_client, within
from infra.public_addresses import NameUnknown, NotPublic, PublicOnly

SECONDS_MAX = 15.0
READ_BYTES_MAX = 4096
SECRET_PREFIX = "whsec_"  # noqa: S105
SECRET_BYTES = 32


class Reply(NamedTuple):
    """A status, or the reason why there is none: one of ERRORS."""

    status: int | None
    error: str | None
    duration_ms: int

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == httpx.codes.GONE


ERRORS = (
    "timed_out", "address_not_public", "name_unknown", "not_connected", "broken_answer",
    "redirected", "secret_missing", "event_unreadable",
)  # fmt: skip


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of `id.timestamp.body`, in base64 (Standard Webhooks 1.0)."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class WebhookSender:
    """One client of its own, so that nothing else ever shares its rules of whom to speak to."""

    def __init__(
        self, *, may_be_loopback: bool, guard: PublicOnly | None = None,
        seconds_max: float = SECONDS_MAX,
    ) -> None:  # fmt: skip
        self._may_be_loopback = may_be_loopback
        guard = guard or PublicOnly(may_be_loopback=may_be_loopback)
        self._client = open_client(guard.address_of)
        self._seconds_max = seconds_max

    def send(self, url: str, secret: str | None, message: Message, now: datetime) -> Reply:
        """Post the message; `now` goes into the signature."""
        began = time.monotonic()
        status, error = self._sent(url, secret, message, now)
        return Reply(status, error, round((time.monotonic() - began) * 1000))

    def close(self) -> None:
        self._client.close()

    def _sent(
        self, url: str, secret: str | None, message: Message, now: datetime
    ) -> tuple[int | None, str | None]:
        if secret is None:
            return None, "secret_missing"
        if not is_allowed(url, may_be_loopback=self._may_be_loopback):
            return None, "address_not_public"
        timestamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/cloudevents+json",
            "User-Agent": "asin-sync",
            "Accept-Encoding": "identity",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secret, message.message_id, timestamp, message.body),
        }
        try:
            with within(self._seconds_max):
                return self._posted(url, headers, message.body)
        except (NotPublic, httpx.InvalidURL):
            return None, "address_not_public"
        except NameUnknown:
            return None, "name_unknown"
        except httpx.TimeoutException:
            return None, "timed_out"
        except httpx.ConnectError:
            return None, "not_connected"
        except (httpx.HTTPError, httpx.StreamError):
            return None, "broken_answer"

    def _posted(
        self, url: str, headers: dict[str, str], body: bytes
    ) -> tuple[int | None, str | None]:
        with self._client.stream(
            "POST", url, headers=headers, content=body, timeout=self._seconds_max
        ) as response:
            if is_short(response):
                with suppress(httpx.HTTPError):  # read only to use the connection again
                    response.read()
            error = "redirected" if response.has_redirect_location else None
            return response.status_code, error


def is_short(response: httpx.Response) -> bool:
    length = response.headers.get("content-length", "")
    return length.isdecimal() and len(length) < 9 and int(length) <= READ_BYTES_MAX
