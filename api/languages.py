"""The language that a request is answered in, and the cookie that keeps it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.l10n import L10NS, L10n, language_of
from domain.error_codes import LANGUAGES

LANGUAGE_COOKIE = "asin_sync_lang"
YEAR_SECONDS = 365 * 24 * 3600


def l10n_of(request: Request) -> L10n:
    """The language of `?lang=`, of the cookie, or of the browser."""
    return L10NS[
        language_of(
            request.query_params.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language", ""),
        )
    ]


def remembering(request: Request, response: Response) -> Response:
    """Keep the language that was asked for."""
    wanted = request.query_params.get("lang")
    if wanted in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, wanted, max_age=YEAR_SECONDS, httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
    return response
