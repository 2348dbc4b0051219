"""A mail server of this computer that speaks enough SMTP, and fails where a test wants it to."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOGIN = ("seller", "p:@/ss")


@dataclass
class MailBox:
    """What arrived, and how the server behaves."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    answer_to_recipient: bytes = b"250 fine"
    refused: str | None = None
    answer_to_mail: bytes | None = b"250 taken"
    """None: the mail is kept and the connection cut, as when an answer is lost."""


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    box: MailBox
    context: ssl.SSLContext | None = None
    is_tls_first = False


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """A client that breaks off, or does not trust the certificate, ends its session."""
        with suppress(OSError):
            self.converse()

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def converse(self) -> None:
        if self.server.is_tls_first:
            self.encrypt()
        self.say(b"220 test")
        while line := self.rfile.readline():
            verb = line.strip().upper().split(b" ")[0].decode()
            self.server.box.commands.append(verb)
            if not self.answer(verb, line.strip()):
                return

    def answer(self, verb: str, line: bytes) -> bool:
        """Answer one command; False ends the session."""
        box = self.server.box
        match verb:
            case "EHLO":
                self.say(b"250-test")
                if self.server.context and not isinstance(self.connection, ssl.SSLSocket):
                    self.say(b"250-STARTTLS")
                self.say(b"250 AUTH PLAIN")
            case "STARTTLS":
                self.say(b"220 go on")
                self.encrypt()
            case "AUTH":
                given = base64.b64decode(line.split(b" ")[2]).decode().split("\0")
                box.logins.append(given[1])
                self.say(b"235 in" if tuple(given[1:]) == LOGIN else b"535 wrong password")
            case "RCPT":
                box.recipients.append(line.decode().partition("<")[2].partition(">")[0])
                is_refused = box.recipients[-1] == box.refused
                self.say(b"550 no such box" if is_refused else box.answer_to_recipient)
            case "DATA":
                return self.take_mail()
            case "QUIT":
                self.say(b"221 bye")
                return False
            case _:
                self.say(b"250 fine")
        return True

    def take_mail(self) -> bool:
        self.say(b"354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        answer = self.server.box.answer_to_mail
        if answer is None or answer.startswith(b"2"):
            parsed = message_from_bytes(b"".join(lines), policy=policy.default)
            self.server.box.mails.append(cast(EmailMessage, parsed))
        if answer is not None:
            self.say(answer)
        return answer is not None

    def encrypt(self) -> None:
        assert self.server.context is not None
        self.rfile.close()
        self.connection = self.server.context.wrap_socket(
            self.connection, server_side=True, do_handshake_on_connect=False
        )
        self.connection.do_handshake()
        self.rfile = self.connection.makefile("rb")

    def say(self, answer: bytes) -> None:
        self.connection.sendall(answer + b"\r\n")


@contextmanager
def mail_server(
    certificate: Path | None = None, *, is_tls_first: bool = False
) -> Iterator[tuple[MailBox, int]]:
    """A running server, its box and its port; with a certificate it speaks TLS."""
    server = _Server(("127.0.0.1", 0), _Session)
    server.box, server.is_tls_first = MailBox(), is_tls_first
    if certificate:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.box, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate_in(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1)).add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "mail.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return file
