"""A form that came with no session, or with an earlier one: nothing is done, nothing typed is lost.

The page holds what was typed, and sends it again when its reader has signed in and says so. Only a
form that the browser itself calls ours is shown again: another site's is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.auth import session_token
from api.pages.page_frame import Page
from api.pages.page_server import PageServer, page_before

UNTYPED = ("csrf", "action", "version", "key", "stage", "round", "person")
"""What a form brings along by itself; it is sent again but not shown."""
NEVER_SHOWN = ("csrf", "access_token", "secret", "password")
LENGTH_MAX = 64 * 1024
"""More than this is not shown again."""

Answered = Callable[[Request], Awaitable[Response]]


def route_keeping_text(server: PageServer) -> type[APIRoute]:
    """The kind of route whose forms are shown again where they were not sent."""

    class Keeping(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Any]:
            handle = super().get_route_handler()

            async def answered(request: Request) -> Response:
                answer: Response = await handle(request)
                if getattr(request.state, "is_unsent", False) and is_surely_ours(request):
                    return await shown_again(request, server) or answer
                return answer

            return answered

    return Keeping


async def shown_again(request: Request, server: PageServer) -> Response | None:
    """What was typed; None where nothing was, or too much."""
    form = await request.form()
    texts = [
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and name not in NEVER_SHOWN
    ]
    typed = [(name, value) for name, value in texts if name not in UNTYPED and value.strip()]
    if not typed or sum(len(value) for _, value in texts) > LENGTH_MAX:
        return None
    token, back = session_token(request), page_before(request)
    caller = await run_in_threadpool(server.sessions.caller_of, token)
    context = {
        "action": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "texts": texts,
        "typed": typed,
        "has_file": any(isinstance(each, UploadFile) for _, each in form.multi_items()),
        "caller": caller,
        "csrf": server.sessions.csrf_of(token) if caller else "",
        "back": back,
        "sign_in": f"/sign-in?{urlencode({'next': back, 'sent': 'no'})}",
        "here": lambda **_changed: back,
    }
    return server.plain(request, Page("unsent.html", context, 409 if caller else 401))


def is_surely_ours(request: Request) -> bool:
    """The browser says so; one that says nothing may carry anybody's form."""
    own = f"{request.url.scheme}://{request.url.netloc}"
    site = request.headers.get("sec-fetch-site")
    return request.headers.get("origin") == own and site in (None, "same-origin")
