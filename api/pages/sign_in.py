"""Signing in with a key, and out again. The key itself never comes back and is kept nowhere."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.auth import (
    NotSignedIn,
    cookie_name,
    is_plain_loopback,
    is_same_origin,
    poster_of,
    session_token,
)
from api.desk import Caller
from api.l10n import mark
from api.pages.page_frame import Page
from api.pages.page_server import PageServer, local_path
from api.sessions import LIFETIME

START_PATH = "/sign-in/start"
KEY_LENGTH_MAX = 400


def add_sign_in(router: APIRouter, server: PageServer) -> None:
    """The routes `/sign-in` and `/sign-out`."""

    @router.get("/sign-in")
    async def sign_in_form(request: Request) -> Response:
        return sign_in_page(request, server)

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        async with request.form() as form:
            key = str(form.get("key", "")).strip()[:KEY_LENGTH_MAX]
            following = local_path(str(form.get("next", "")))
        if fault := fault_of_way(request):
            return sign_in_page(request, server, fault, 403)
        caller = await run_in_threadpool(server.desk.keys.caller, key)
        if caller is None:
            return sign_in_page(request, server, mark("This key opens nothing here."), 401)
        return await signed_in(request, server, RedirectResponse(following, 303), caller)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        async with request.form() as form:
            csrf = str(form.get("csrf", ""))
        try:
            await run_in_threadpool(poster_of, request, csrf, server.sessions)
        except NotSignedIn as refused:
            return server.refusal(request, refused)
        await run_in_threadpool(server.sessions.end, session_token(request))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(
            cookie_name(request), httponly=True, samesite="lax",
            secure=not is_plain_loopback(request),
        )  # fmt: skip
        return response


def fault_of_way(request: Request) -> str | None:
    """Why no session is opened this way: a form of another site, or a cookie without https."""
    if not is_same_origin(request):
        return mark("Send the form from this page.")
    return fault_of_transport(request)


def fault_of_transport(request: Request) -> str | None:
    """Why no session is opened over this connection."""
    if request.url.scheme == "http" and not is_plain_loopback(request):
        return mark("Open this page over https to sign in.")
    return None


async def signed_in(
    request: Request, server: PageServer, answer: Response, caller: Caller
) -> Response:
    """The answer, with a new session for whoever came in; the one before ends."""
    token = await run_in_threadpool(server.sessions.issue, caller, session_token(request))
    answer.set_cookie(
        cookie_name(request), token, httponly=True, samesite="lax",
        max_age=int(LIFETIME.total_seconds()), secure=not is_plain_loopback(request),
    )  # fmt: skip
    return answer


def sign_in_page(
    request: Request, server: PageServer, fault: str | None = None, status: int = 200
) -> Response:
    following = local_path(request.query_params.get("next", "/"))
    context = {
        "next": following,
        "fault": fault,
        "provider": server.desk.sign_ins.provider,
        "start": f"{START_PATH}?{urlencode({'next': following})}",
        "is_unsent": request.query_params.get("sent") == "no",
        "is_upload": following.startswith("/upload"),
    }
    return server.plain(request, Page("sign_in.html", context, status))
