"""The mail server of `SMTP_URL`: plain-text mails, over TLS wherever one leaves this computer."""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from domain.contacts import is_address

TIMEOUT_SECONDS = 20.0
PORTS = {"smtp": 587, "smtps": 465}
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class MailFailed(Exception):
    """The server did not take the mail; it may still have, where the answer was lost."""


class MailServer(NamedTuple):
    """Where mail goes out, as whom. `is_tls_first` is `smtps`; else STARTTLS."""

    host: str
    port: int
    user: str
    password: str
    is_tls_first: bool
    sender: str

    def __str__(self) -> str:
        return f"{'smtps' if self.is_tls_first else 'smtp'}://{self.host}:{self.port}"


def mail_server_from(url: str) -> MailServer | None:
    """`smtp://user:pass@host:587?from=address` or `smtps://…`; None for an empty text.

    Raises ValueError, with what to write instead; the message never holds the password.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("the host or port of SMTP_URL can't be read") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("SMTP_URL has the form smtp://user:password@host:587 or smtps://…")
    user = unquote(parts.username or "")
    given = parse_qs(parts.query).get("from", [""])[0]
    sender = given or (user if is_address(user) else f"asin-sync@{parts.hostname}")
    if given and not is_address(given):
        raise ValueError("from= in SMTP_URL is not a mail address")
    return MailServer(
        host=parts.hostname, port=port or PORTS[parts.scheme], user=user,
        password=unquote(parts.password or ""), is_tls_first=parts.scheme == "smtps",
        sender=sender,
    )  # fmt: skip


def message_to(
    server: MailServer, email: str, subject: str, text: str, message_id: str, now: datetime
) -> EmailMessage:
    """The mail as it is sent. Raises MailFailed for what would not be one header line."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = Address("ASIN Sync", addr_spec=server.sender)
        message["To"] = Address(addr_spec=email)
        message["Subject"] = subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{message_id}@{server.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
    except (ValueError, IndexError, MessageError) as error:
        raise MailFailed(f"not a header: {type(error).__name__}") from error
    message.set_content(text)
    return message


def deliver(server: MailServer, message: EmailMessage) -> None:
    """Hand the mail over. Raises MailFailed."""
    try:
        with connected(server) as client:
            client.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(said(error)) from error


def greet(server: MailServer) -> None:
    """Connect, as far as a mail would; sends none. Raises MailFailed."""
    try:
        connected(server).quit()
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(said(error)) from error


def connected(server: MailServer) -> smtplib.SMTP:
    """A session, encrypted and logged in; one on this computer itself may do without TLS."""
    name = server.sender.rpartition("@")[2]
    context = ssl.create_default_context()
    if server.is_tls_first:
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, name, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        client = smtplib.SMTP(server.host, server.port, name, timeout=TIMEOUT_SECONDS)
    try:
        client.ehlo()
        if not server.is_tls_first:
            encrypt(client, server, context)
        if server.user:
            client.login(server.user, server.password)
    except BaseException:
        client.close()
        raise
    return client


def encrypt(client: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> None:
    """STARTTLS; refuses to go on in the clear, but for this computer itself without a password."""
    if client.has_extn("starttls"):
        client.starttls(context=context)
        client.ehlo()
    elif server.user or server.host not in LOOPBACK_HOSTS:
        raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")


def said(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = [f"{code} {text.decode(errors='replace')}" for code, text in
                   error.recipients.values()]  # fmt: skip
        return " ".join(["the server refused the address:", *answers])[:300]
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        detail = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        return f"{error.smtp_code} {detail}"[:300]
    return f"{type(error).__name__}: {error}"[:300]
