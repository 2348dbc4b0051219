"""Headers on every answer: nothing is run or loaded that is not ours, and no cache shares it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def content_security_policy(image_origins: Sequence[str], form_origins: Sequence[str] = ()) -> str:
    """Scripts and styles from files of our own only; images also from the given origins.

    A form, and where its answer redirects to, stays with us but for the origins given.
    """
    images = " ".join(("'self'", *image_origins))
    forms = " ".join(("'self'", *form_origins))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src {images}",
            "connect-src 'self'",
            f"form-action {forms}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


WHO_AND_HOW = "Authorization, Cookie, Accept-Language"
"""What every answer of the API depends on."""


class SecurityHeaders:
    """ASGI middleware; an answer that sets one of these headers itself keeps its own."""

    def __init__(self, app: ASGIApp, image_origins: Sequence[str] = ()) -> None:
        self._app = app
        self._headers = {
            "content-security-policy": content_security_policy(image_origins),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), microphone=(), geolocation=()",
            "cache-control": "private, no-cache",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/v1/"):
                    headers.add_vary_header(WHO_AND_HOW)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
