"""The one strict way to ask an upstream: in budget, in time, bounded, strict JSON or nothing.

It asks once. What is not a complete, well-formed answer raises UpstreamError; it never retries.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from domain.ports import UpstreamRefused, UpstreamThrottled, UpstreamUnavailable
from infra.http_deadline import within
from infra.limiter import Limiter
from infra.strict_json import NotStrictJson, parse

OnCall = Callable[[str], None]
Allows = Callable[[str, httpx.Request], bool]
"""Whether an operation, by its name, may send this request, as it would stand on the wire."""

ReadT = TypeVar("ReadT")

_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
_CHARSET = re.compile(r'charset\s*=\s*"?([^";\s]+)', re.IGNORECASE)
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json")
_EXCERPT_LENGTH_MAX = 200
_GZIP_WINDOW = 31
_RETRY_AFTER_SECONDS_MAX = 3600.0


@dataclass(frozen=True)
class HttpSettings:
    """`timeout_seconds` is for a whole exchange; `body_bytes_max` counts decoded bytes."""

    timeout_seconds: float = 30.0
    body_bytes_max: int = 8 * 2**20


@dataclass(frozen=True)
class Pace:
    """What an answer's headers said about the budget; None = not said."""

    rate_per_second: float | None = None
    reset_seconds: float | None = None


@dataclass(frozen=True)
class Answer:
    """The status of success with JSON as its `content`; or a refusal (4xx) with JSON or None."""

    status: int
    media_type: str
    content: Any


@dataclass(frozen=True)
class Document:
    """A file that is not JSON, as it was sent."""

    content_type: str
    content: bytes


@dataclass(frozen=True)
class Question:
    """A request but for the host's and the budget's affairs. `name` is the operation's name.

    `success` is the one status that carries an answer.
    """

    name: str
    method: str
    url: str
    headers: Mapping[str, str]
    parameters: Mapping[str, str] | None = None
    body: bytes | None = None
    success: int = 200


class NotAllowed(UpstreamRefused):
    """No rule allows this request: nothing was sent, and no budget spent."""


class StrictHttp:
    """Asks one upstream for one seller, through a client made by `http_deadline.open_client`.

    `allows` is asked about every request, built as it would be sent, before anything else is done.
    """

    def __init__(
        self,
        upstream: str,
        client: httpx.Client,
        settings: HttpSettings,
        *,
        allows: Allows,
        limiter: Limiter | None = None,
        pace_of: Callable[[httpx.Headers], Pace] = lambda _: Pace(),
        on_call: OnCall | None = None,
    ) -> None:
        self.upstream = upstream
        self._client = client
        self._settings = settings
        self._allows = allows
        self._limiter = limiter
        self._pace_of = pace_of
        self._on_call = on_call

    def ask(self, question: Question) -> Answer:
        """One call. Raises NotAllowed, UpstreamThrottled (429, no budget), UpstreamUnavailable."""
        return self._exchange(question, self._answer)

    def fetch(self, question: Question) -> Document:
        """A document, whose type its reader judges. Raises as `ask`; a 4xx is unavailable too."""
        return self._exchange(question, self._document)

    def _exchange(self, question: Question, read: Callable[[str, httpx.Response], ReadT]) -> ReadT:
        try:
            request = self._built(question)
            if not self._allows(question.name, request):
                asked = f"{request.method} {request.url.raw_path.decode()}"
                raise NotAllowed(self.upstream, question.name, excerpt(f"not allowed: {asked}"))
            if self._limiter:
                self._limiter.wait(question.name)
            if self._on_call:
                self._on_call(question.name)
            with within(self._settings.timeout_seconds):
                return self._sent(question, request, read)
        except (httpx.HTTPError, httpx.InvalidURL, zlib.error) as error:
            raise self.unavailable(question.name, f"{type(error).__name__}: {error}") from error

    def unavailable(self, operation: str, detail: str) -> UpstreamUnavailable:
        """The error for an answer that cannot be believed."""
        return UpstreamUnavailable(self.upstream, operation, excerpt(detail))

    def _built(self, question: Question) -> httpx.Request:
        return self._client.build_request(
            question.method,
            question.url,
            params=question.parameters,
            content=question.body,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                **question.headers,
            },
            timeout=self._settings.timeout_seconds,
        )

    def _sent(
        self,
        question: Question,
        request: httpx.Request,
        read: Callable[[str, httpx.Response], ReadT],
    ) -> ReadT:
        response = self._client.send(request, stream=True)
        try:
            self._heed(question, response)
            return read(question.name, response)
        finally:
            response.close()

    def _heed(self, question: Question, response: httpx.Response) -> None:
        """Tell the limiter what the headers say; raise for a status that carries no answer."""
        operation = question.name
        pace = self._pace_of(response.headers)
        if self._limiter and pace != Pace():
            self._limiter.observe(operation, pace.rate_per_second, pace.reset_seconds)
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            seconds = _retry_after_seconds(pace, response.headers)
            if self._limiter:
                self._limiter.pause(operation, seconds)
            raise UpstreamThrottled(
                self.upstream, operation, "HTTP 429", retry_after_seconds=seconds
            )
        if status != question.success and not response.is_client_error:
            raise self.unavailable(operation, f"HTTP {status}")

    def _answer(self, operation: str, response: httpx.Response) -> Answer:
        status = response.status_code
        body = self._body(operation, response)
        content_type = response.headers.get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type == "text/html":
            raise self.unavailable(operation, f"HTTP {status} with an HTML page")
        try:
            return Answer(status, media_type, _content(media_type, content_type, body))
        except NotStrictJson as error:
            if not response.is_client_error:
                raise self.unavailable(operation, f"HTTP {status}, but {error}") from error
            return Answer(status, media_type, None)

    def _document(self, operation: str, response: httpx.Response) -> Document:
        content_type = response.headers.get("content-type", "")
        if response.status_code != httpx.codes.OK or "html" in content_type.lower():
            raise self.unavailable(operation, f"HTTP {response.status_code}, {content_type}")
        return Document(content_type, self._body(operation, response))

    def _body(self, operation: str, response: httpx.Response) -> bytes:
        body = bytearray()
        for chunk in self._decoded(operation, response):
            body += chunk
            if len(body) > self._settings.body_bytes_max:
                raise self.unavailable(operation, "the answer is too large")
        return bytes(body)

    def _decoded(self, operation: str, response: httpx.Response) -> Iterator[bytes]:
        """The body in pieces, each within the cap however far it would unpack."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding == "identity":
            yield from response.iter_raw()
            return
        if encoding != "gzip":
            raise self.unavailable(operation, f"unasked content encoding {encoding}")
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        for chunk in response.iter_raw():
            yield unpacker.decompress(chunk, self._settings.body_bytes_max + 1)
        if not unpacker.eof or unpacker.unused_data:
            raise self.unavailable(operation, "the gzip stream does not end where it should")


def only(name: str | Collection[str], method: str, url: str) -> Allows:
    """One method at one address, for the operations of these names."""
    names = (name,) if isinstance(name, str) else name
    address = httpx.URL(url)
    return lambda asked, request: (
        asked in names and (request.method, request.url) == (method, address)
    )


def number_in(headers: httpx.Headers, name: str) -> float | None:
    """A header's value where it is a plain number above zero; None for anything else."""
    text = headers.get(name, "").strip()
    return float(text) or None if _NUMBER.fullmatch(text) else None


def excerpt(text: str) -> str:
    """An upstream's words, fit for a log line: short and printable."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return printable[:_EXCERPT_LENGTH_MAX].strip()


def _retry_after_seconds(pace: Pace, headers: httpx.Headers) -> float | None:
    """What the upstream's own headers ask for, the usual one last; never more than an hour."""
    seconds = pace.reset_seconds
    if seconds is None and pace.rate_per_second is not None:
        seconds = 1 / pace.rate_per_second
    if seconds is None:
        seconds = number_in(headers, "retry-after")
    return None if seconds is None else min(seconds, _RETRY_AFTER_SECONDS_MAX)


def _content(media_type: str, content_type: str, body: bytes) -> Any:
    """Raises NotStrictJson."""
    charset = _CHARSET.search(content_type)
    if charset and charset[1].lower().replace("-", "") != "utf8":
        raise NotStrictJson(f"its charset is {charset[1]}")
    if not _JSON.fullmatch(media_type):
        raise NotStrictJson(f"its type is {media_type or 'not given'}")
    return parse(body)
