"""Sending mail: encrypted or not at all, one header line a header, and every refusal said."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from infra.mail_server import MailFailed, MailServer, deliver, greet, mail_server_from, message_to
from infra.settings import Settings, described
from tests.mail_server import LOGIN, certificate_in, mail_server

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
TO = "o'brien+jp@mail.example.jp"
SAFE_LOGIN = "seller:p%3A%40%2Fss"


def server_at(url: str) -> MailServer:
    found = mail_server_from(url)
    assert found is not None
    return found


def a_mail(server: MailServer, email: str = TO, subject: str = "在庫アラート") -> EmailMessage:
    return message_to(server, email, subject, "本文です。\n.点で始まる行\n", "abc", NOW)


def test_a_mail_arrives_as_it_was_written() -> None:
    with mail_server() as (box, port):
        server = server_at(f"smtp://127.0.0.1:{port}?from=sync@shop.example")
        deliver(server, a_mail(server))
    [mail] = box.mails
    assert box.recipients == [TO]
    assert (mail["To"], mail["Subject"]) == (TO, "在庫アラート")
    assert mail["From"] == "ASIN Sync <sync@shop.example>"
    assert mail["Message-ID"] == "<abc@shop.example>"
    assert mail.get_content().splitlines() == ["本文です。", ".点で始まる行"]
    assert mail.get_content_type() == "text/plain"


@pytest.mark.parametrize("is_tls_first", [False, True])
def test_a_password_is_given_over_tls_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_tls_first: bool
) -> None:
    certificate = certificate_in(tmp_path)
    scheme = "smtps" if is_tls_first else "smtp"
    with mail_server(certificate, is_tls_first=is_tls_first) as (box, port):
        server = server_at(f"{scheme}://{SAFE_LOGIN}@127.0.0.1:{port}")
        with pytest.raises(MailFailed, match="CERTIFICATE_VERIFY_FAILED"):
            greet(server)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        deliver(server, a_mail(server))
        assert (len(box.mails), box.logins) == (1, [LOGIN[0]])
        wrong = server._replace(password="guess")
        with pytest.raises(MailFailed, match="535"):
            greet(wrong)
    assert box.commands.index("AUTH") > (-1 if is_tls_first else box.commands.index("STARTTLS"))


def test_without_tls_no_password_leaves_and_no_mail_goes_to_another_computer() -> None:
    with mail_server() as (box, port):
        server = server_at(f"smtp://{SAFE_LOGIN}@127.0.0.1:{port}")
        with pytest.raises(MailFailed, match="STARTTLS"):
            deliver(server, a_mail(server))
    assert (box.logins, box.mails) == ([], [])


@pytest.mark.parametrize("answer", [b"550 no such box", b"451 later"])
def test_a_refused_address_is_said_with_the_server_s_own_words(answer: bytes) -> None:
    with mail_server() as (box, port):
        box.answer_to_recipient = answer
        server = server_at(f"smtp://127.0.0.1:{port}")
        with pytest.raises(MailFailed, match=answer.decode()):
            deliver(server, a_mail(server))


def test_a_server_that_is_not_there_or_cuts_the_line_is_a_failure() -> None:
    with mail_server() as (box, port):
        box.answer_to_mail = None
        server = server_at(f"smtp://127.0.0.1:{port}")
        with pytest.raises(MailFailed):
            deliver(server, a_mail(server))
    with pytest.raises(MailFailed):
        deliver(server, a_mail(server))


@pytest.mark.parametrize(
    ("email", "subject"),
    [
        ("a@b.example\r\nBcc: all@c.example", "x"), ("a@b.example\n", "x"), ("", "x"),
        (TO, "x\r\nBcc: all@c.example"), (TO, "x\nX-Evil: 1"),
    ],
)  # fmt: skip
def test_what_would_begin_another_header_is_refused(email: str, subject: str) -> None:
    server = server_at("smtp://127.0.0.1:25")
    with pytest.raises(MailFailed):
        a_mail(server, email, subject)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.jp", "http://mail.example.jp", "smtp://", "smtp://h:port", "smtp://h:99999",
        "smtp://h?from=a%0d%0aBcc:x@y.example", "smtp://user:secret@",
    ],
)  # fmt: skip
def test_an_address_of_a_server_that_can_t_be_is_a_fault_of_the_settings(url: str) -> None:
    [fault] = Settings(smtp_url=url).faults()
    assert "SMTP_URL" in fault
    assert "secret" not in fault


def test_the_password_is_never_shown() -> None:
    settings = Settings(smtp_url="smtp://me%40shop.example:secret@mail.example")
    assert not [row for row in described(settings) if "secret" in str(row)]
    server = server_at(settings.smtp_url)
    assert (server.port, server.sender, str(server)) == (
        587, "me@shop.example", "smtp://mail.example:587",
    )  # fmt: skip
    assert server_at("smtps://mail.example").port == 465
    assert mail_server_from("") is None
