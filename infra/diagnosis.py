"""`doctor`: every setting with its value, and whether each part of the service answers."""

from __future__ import annotations

import locale
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import httpx
import psycopg

from domain.errors import SignInRefused
from infra.http_client import excerpt
from infra.installation import (
    Installation,
    NotRunning,
    connect,
    consent_access,
    oidc_access,
    upstream_urls,
)
from infra.mail_server import MailFailed, greet
from infra.messages import failing
from infra.oidc import OidcProvider
from infra.projection_commands import status
from infra.roles import UnsafeRole
from infra.settings import Settings, described
from infra.transparency.log_state import log_state
from infra.transparency.witness_status import LATE_MINUTES, WitnessStatus, statuses

Line = tuple[str, str, str]
"""Name, state (ok, fault, setting) and detail."""


def diagnose(settings: Settings) -> Iterator[Line]:
    """All of it, one line each; nothing is changed."""
    for name, value, meaning in described(settings):
        yield name, "setting", f"{value or '(not set)'}  – {meaning}"
    is_new_enough = sys.version_info >= (3, 11)
    yield "python", "ok" if is_new_enough else "fault", sys.version.split()[0]
    yield "locale", "ok", f"{locale.getpreferredencoding()}, {sys.getfilesystemencoding()}"
    yield data_folder(settings)
    yield web_port(settings)
    yield from database(settings)
    yield mail(settings)
    yield from upstreams(settings)


def data_folder(settings: Settings) -> Line:
    folder = settings.data_folder
    if not folder.exists():
        return "data folder", "ok", f"{folder} will be made at the first start"
    mode = folder.stat().st_mode & 0o777
    return "data folder", "ok", f"{folder} (mode {mode:o})"


def web_port(settings: Settings) -> Line:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        is_open = probe.connect_ex((settings.host, int(settings.port))) == 0
    detail = "something listens" if is_open else "free"
    return "web port", "ok", f"{settings.host}:{settings.port} – {detail}"


def database(settings: Settings) -> Iterator[Line]:
    try:
        installation = connect(settings)
    except (NotRunning, UnsafeRole, psycopg.Error) as error:
        yield "database", "fault", str(error)
        return
    with installation.database.connect("reader") as connection:
        version = connection.info.server_version // 10_000
    yield "database", "ok" if version >= 15 else "fault", f"PostgreSQL {version}"
    for line in status(installation.database):
        state = "fault" if line["error"] else "ok"
        detail = f"position {line['position']}, {line['lag']} behind {line['error'] or ''}"
        yield f"view {line['name']}", state, detail
    log = log_state(installation.database)
    behind = f"{log.lag_events} events behind"
    yield "transparency log", "fault" if log.fault else "ok", log.fault or behind
    with installation.database.connect("jobs") as connection:
        count, why = failing(connection)
    if count:
        yield "contacts", "fault", f"{count} can't be reached by mail: {why}"
    yield from logs(installation)
    installation.close()


def logs(installation: Installation) -> Iterator[Line]:
    """The name and keys of the transparency logs, and who cosigns their checkpoints."""
    keys = " ".join(installation.log_keys.installation_vkeys)
    yield "logs", "ok", f"{keys} – a witness trusts them with --installation"
    policy = installation.settings.trust_policy
    if policy is None:
        yield "witnesses", "setting", "ASIN_SYNC_WITNESSES is not set: nobody cosigns checkpoints"
        return
    with installation.database.connect("signer") as connection:
        for each in statuses(connection, policy):
            state = "setting" if not each.url else "fault" if each.late_count else "ok"
            yield f"witness {excerpt(each.name)}", state, told(each)


def told(status: WitnessStatus) -> str:
    if not status.url:
        return "it has no address in ASIN_SYNC_WITNESSES: it is never asked"
    last = f"last cosigned at {status.last_at:%Y-%m-%d %H:%M:%S} UTC" if status.last_at else ""
    late = f", {status.late_count} logs wait since {LATE_MINUTES} minutes: see the worker's log"
    return f"{status.url} {last or 'never cosigned'}{late if status.late_count else ''}"


def mail(settings: Settings) -> Line:
    """Whether the mail server answers; no mail is sent."""
    server = settings.mail_server
    if server is None:
        return "mail", "setting", "SMTP_URL is not set: no mail is sent, alerts stand on the pages"
    try:
        greet(server)
    except MailFailed as error:
        return "mail", "fault", f"{server}: {error}"
    return "mail", "ok", f"{server} answers; links begin with {settings.base_url}"


def upstreams(settings: Settings) -> Iterator[Line]:
    """Reachable or not; nothing is asked with a seller's permission."""
    kind = "sandbox" if settings.is_sandbox else "real"
    try:
        urls = upstream_urls(settings)
    except NotRunning as error:
        yield "upstreams", "fault", str(error)
        return
    yield consent(settings)
    yield sign_in(settings)
    for name, url in (("amazon", urls.amazon_spapi_url), ("mercari", urls.mercari_graphql_url)):
        try:
            answer = httpx.get(url, timeout=5)
        except httpx.HTTPError as error:
            yield name, "fault", f"{kind} {url}: {type(error).__name__}"
        else:
            yield name, "ok", f"{kind} {url} answers ({answer.status_code})"


def sign_in(settings: Settings) -> Line:
    """Whether people can sign in without a key: the provider answers, and is the one named."""
    access = oidc_access(settings)
    if access is None:
        return "sign-in", "setting", "OIDC_ISSUER is not set: people sign in with API keys alone"
    provider = OidcProvider(access, lambda: datetime.now(UTC))
    try:
        provider.address("doctor", "doctor", "doctor")
    except SignInRefused as refused:
        return "sign-in", "fault", f"{access.issuer}: {refused.detail}"
    finally:
        provider.close()
    return "sign-in", "ok", f"{access.issuer} leads back to {access.callback_url} – register that"


def consent(settings: Settings) -> Line:
    """Whether sellers can link Amazon by its page; the page itself is asked by browsers alone."""
    access = consent_access(settings)
    if not access.application_id:
        return "amazon consent", "setting", "AMAZON_APPLICATION_ID is not set: no link by consent"
    page = f"{access.origin} leads back to {access.callback_url}"
    return "amazon consent", "ok", f"{page} – register exactly this with the application"
