"""Refusals and failures as RFC 9457 problems: one table from what happened to a status.

Who opens an address in a browser reads the same problem as a page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import NotSignedIn, ReasonRequired, RoleForbids, SellerNotNamed
from api.field_faults import fault_of_field
from api.form_length import FormTooLarge
from api.ids import NotAnEventId
from api.languages import l10n_of
from api.log_text import broken_rules
from api.request_ids import request_id_of
from domain import errors, ports
from domain.error_codes import ERROR_CODES, Language, reason

log = logging.getLogger(__name__)

STATUSES: Mapping[type[Exception], int] = {
    NotAnEventId: 400,
    errors.FileRefused: 422,
    errors.SyncNotEnabled: 403,
    errors.SellerTerminated: 403,
    errors.NotFound: 404,
    errors.WrongState: 409,
    errors.VersionConflict: 412,
    errors.SellerExists: 409,
    errors.NotificationRefused: 400,
    errors.TooManyRequests: 429,
    errors.NothingSigned: 503,
    errors.EvidenceBroken: 409,
    errors.ParquetNotInstalled: 501,
    errors.Refusal: 422,
    ports.UpstreamThrottled: 503,
    ports.UpstreamRefused: 502,
    ports.AuthorisationRevoked: 403,
    ports.UpstreamError: 503,
    FormTooLarge: 413,
    NotSignedIn: 401,
    RoleForbids: 403,
    ReasonRequired: 403,
    SellerNotNamed: 422,
}

TITLES: Mapping[str, Mapping[Language, str]] = {
    "not-found": {"zh": "未找到", "ja": "見つかりません", "en": "Not found"},
    "wrong-state": {
        "zh": "当前状态不允许此操作",
        "ja": "現在の状態ではこの操作はできません",
        "en": "The current state does not allow this",
    },
    "conflict": {
        "zh": "内容已被更改，请重新读取后再试",
        "ja": "内容が変更されています。再度読み込んでからお試しください",
        "en": "It was changed in between: read it again and retry",
    },
    "key-reused": {
        "zh": "此 Idempotency-Key 已用于另一请求",
        "ja": "この Idempotency-Key は別のリクエストで使われています",
        "en": "This Idempotency-Key was used for another request",
    },
    "precondition-required": {
        "zh": "请在 If-Match 中注明版本",
        "ja": "If-Match にバージョンを指定してください",
        "en": "Name the version in If-Match",
    },
    "unauthenticated": {
        "zh": "请提供有效的 API 密钥",
        "ja": "有効な API キーを指定してください",
        "en": "Give a valid API key",
    },
    "forbidden": {
        "zh": "您的角色无权执行此操作",
        "ja": "お使いの役割ではこの操作はできません",
        "en": "Your role may not do this",
    },
    "seller-required": {
        "zh": "请用 seller_id 指明卖家",
        "ja": "seller_id で出品者を指定してください",
        "en": "Name the seller with seller_id",
    },
    "reason-required": {
        "zh": "请说明查看该卖家数据的原因：用 Access-Reason 请求头、reason= 或 ticket= 参数",
        "ja": "この出品者のデータを見る理由を、Access-Reason ヘッダー、reason= または ticket= で"
        "指定してください",
        "en": "Say why you look at this seller: header Access-Reason, reason= or ticket=",
    },
    "nothing-signed": {
        "zh": "尚未签名，请两秒后再试",
        "ja": "まだ署名されていません。2 秒後にもう一度お試しください",
        "en": "Not signed yet: ask again in two seconds",
    },
    "evidence-broken": {
        "zh": "存储的历史与透明日志不符，无法出具证据",
        "ja": "保存された履歴が透明性ログと一致しないため、証拠を作成できません",
        "en": "What is stored is not what was logged: there is no evidence of it",
    },
    "parquet-not-installed": {
        "zh": "此处未安装 Parquet 组件，请改用 CSV 或 JSON",
        "ja": "Parquet 用の部品がありません。CSV または JSON を指定してください",
        "en": "Parquet is not installed here: ask for CSV or JSON Lines",
    },
    "invalid-request": {
        "zh": "请求格式不正确",
        "ja": "リクエストの形式が正しくありません",
        "en": "The request is malformed",
    },
    "too-large": {
        "zh": "发送的内容过大，未被读取",
        "ja": "送信された内容が大きすぎるため、読み込みませんでした",
        "en": "What was sent is too large; none of it was read",
    },
    "too-many-requests": {
        "zh": "请求过于频繁，请稍后再试",
        "ja": "リクエストが多すぎます。しばらくしてからお試しください",
        "en": "Too many requests: wait, then try again",
    },
    "unavailable": {
        "zh": "数据库暂时没有响应",
        "ja": "データベースが応答していません",
        "en": "The database has no answer at the moment",
    },
    "internal": {
        "zh": "服务内部错误，未做任何更改",
        "ja": "内部エラーが発生しました。何も変更されていません",
        "en": "An internal error; nothing was changed",
    },
}

UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError)
"""Postgres is away, restarts, or is too busy; any other error of its is a fault of ours."""

CODES: Mapping[type[Exception], str] = {
    NotSignedIn: "unauthenticated",
    RoleForbids: "forbidden",
    ReasonRequired: "reason-required",
    SellerNotNamed: "seller-required",
}


FAULTS_MAX = 100
UNAVAILABLE_SECONDS = 5
"""After so long a database that has no answer may be asked again."""
ProblemPage = Callable[[Request, Mapping[str, Any]], Response]


class PreconditionRequired(Exception):
    """A write came without If-Match."""


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str = "",
    *,
    faults: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    **fields: Any,
) -> Response:
    """The answer that says what is wrong, in the reader's language, and what to do about it."""
    language = l10n_of(request).language
    known = ERROR_CODES.get(code)
    title = known.texts[language].title if known else TITLES[code][language]
    body: dict[str, Any] = {
        "type": f"/docs/errors/{code}", "title": title, "status": status, "detail": detail,
        "instance": request.url.path, "code": code,
        "request_id": request_id_of(request),
    }  # fmt: skip
    if known:
        body |= {"action": known.texts[language].action, "who_acts": known.who_acts}
    if faults:
        body["errors"] = [
            {**fault, "detail": reason(fault["key"], language, **fault["values"])}
            for fault in faults
        ]
    body |= fields
    if is_for_a_reader(request):
        page: ProblemPage = request.app.state.problem_page
        answer = page(request, body)
        answer.headers.update(headers or {})
    else:
        answer = JSONResponse(body, status, headers, media_type="application/problem+json")
    answer.headers.add_vary_header("Accept")
    return answer


def is_for_a_reader(request: Request) -> bool:
    """A browser goes there, no program."""
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and "json" not in accepted


def install(app: FastAPI, page: ProblemPage) -> None:
    """Give every exception its problem, and browsers the page that `page` makes of it.

    What is not in the table is a 500 that says nothing; our log has the rest, by the request's id.
    """
    app.state.problem_page = page
    for kind in STATUSES:
        app.add_exception_handler(kind, on_known)
    for fault in UNAVAILABLE:
        app.add_exception_handler(fault, on_unavailable)
    app.add_exception_handler(PreconditionRequired, on_precondition)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


class Unexpected:
    """ASGI middleware: the innermost, so that its answer passes all others on its way out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_answered = False

        async def watched(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if is_answered or scope["type"] != "http":
                raise
            await on_unexpected(Request(scope, receive), error)(scope, receive, send)


def on_known(request: Request, error: Exception) -> Response:
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    if isinstance(error, errors.FileRefused):
        faults = [{"key": key, "values": values} for key, values in error.faults]
        return problem(request, status, error.code, faults=faults)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if wait_seconds := getattr(error, "retry_after_seconds", None):
        headers["Retry-After"] = str(int(wait_seconds) + 1)
    code = CODES.get(type(error)) or str(getattr(error, "code", "invalid-request"))
    fields = dict(error.fields) if isinstance(error, errors.Refusal) else {}
    if rules := fields.pop("rules", None):
        fields["errors"] = broken_rules(rules, l10n_of(request).language)
    return problem(request, status, code, str(error), headers=headers, **fields)


def on_precondition(request: Request, _: Exception) -> Response:
    return problem(request, 428, "precondition-required")


def on_invalid(request: Request, error: Exception) -> Response:
    """422 with a pointer to each field that is wrong."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    language = l10n_of(request).language
    fields = [
        {
            "pointer": "/" + "/".join(str(part) for part in each["loc"]),
            "detail": fault_of_field(each, language),
        }
        for each in found[:FAULTS_MAX]
    ]
    return problem(request, 422, "invalid-request", errors=fields)


def on_http(request: Request, error: Exception) -> Response:
    """404, 405, 413 and the like, raised by the framework."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = "not-found" if status == 404 else "invalid-request"
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == 405:
        headers = {"Allow": ", ".join(sorted(allowed(request)))}
    return problem(request, status, code, detail, headers=headers)


def allowed(request: Request) -> set[str]:
    """Every method of this path, whichever route has it."""
    path = request.scope["path"]
    return {
        method
        for context in iter_route_contexts(request.app.routes)
        if context.path and compile_path(context.path)[0].match(path)
        for method in context.methods or ()
    }


def on_unavailable(request: Request, error: Exception) -> Response:
    note(request, error)
    return problem(request, 503, "unavailable", headers={"Retry-After": str(UNAVAILABLE_SECONDS)})


def on_unexpected(request: Request, error: Exception) -> Response:
    note(request, error)
    return problem(request, 500, "internal")


def note(request: Request, error: Exception) -> None:
    """In our log, by the id that the answer names."""
    told = (request_id_of(request), request.method, request.url.path)
    log.error("request %s: %s %s failed", *told, exc_info=error)
