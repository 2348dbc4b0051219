"""Downloads main images: only from the allowed places, no further than told, bounded, in time.

What was sent is checked to be an image by its first bytes; nothing is decoded here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import httpx

from infra.http_deadline import within
from infra.images.containers import format_of

BYTES_MAX = 5 * 2**20
SECONDS_MAX = 20.0

_PATH = r"/(?!.*\.\.)[A-Za-z0-9/_.+%,\-]{1,512}"
_HTTPS = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}")
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS)


class UnusableImage(Exception):
    """The image's own fault, as one of the domain's FILE_FAULTS and a value."""


class ImageUnavailable(Exception):
    """Nothing was learnt about the image: try again later."""


class ImageFetcher:
    """Fetches through a client made by `http_deadline.open_client`; threads may share it.

    `origins` are `https://host` without a port, or one exact loopback origin (the sandbox).
    """

    def __init__(
        self, client: httpx.Client, origins: Sequence[str], seconds_max: float = SECONDS_MAX
    ) -> None:
        self._client = client
        self._allowed = pattern_of(origins)
        self._seconds_max = seconds_max

    def fetch(self, url: str) -> bytes:
        """The image's bytes. Raises UnusableImage, or ImageUnavailable."""
        if not self._allowed.fullmatch(url):
            raise UnusableImage("address_not_allowed")
        try:
            with within(self._seconds_max):
                image = self._body(url)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise ImageUnavailable(f"{type(error).__name__}: {error}") from error
        if not image:
            raise UnusableImage("empty")
        if format_of(image) is None:
            raise UnusableImage("not_an_image")
        return image

    def _body(self, url: str) -> bytes:
        headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
        with self._client.stream(
            "GET", url, headers=headers, timeout=self._seconds_max, follow_redirects=False
        ) as response:
            check_status(response)
            pieces, count = [], 0
            for piece in response.iter_raw():
                pieces.append(piece)
                count += len(piece)
                if count > BYTES_MAX:
                    raise UnusableImage(f"too_many_bytes: {BYTES_MAX // 2**20} MB")
            return b"".join(pieces)


def pattern_of(origins: Sequence[str]) -> re.Pattern[str]:
    """One expression for a whole address. Raises ValueError for an origin of another form."""
    wrong = [each for each in origins if not (_HTTPS.fullmatch(each) or _LOOPBACK.fullmatch(each))]
    if wrong or not origins:
        raise ValueError(f"images can't be fetched from {', '.join(wrong) or 'nowhere'}")
    return re.compile(f"(?:{'|'.join(map(re.escape, origins))}){_PATH}", re.ASCII)


def check_status(response: httpx.Response) -> None:
    """A complete 200 in plain bytes goes on; the rest is the image's fault, or nobody's."""
    status = response.status_code
    if response.is_redirect or response.has_redirect_location:
        raise UnusableImage(f"redirected: HTTP {status}")
    if response.is_client_error and status not in _LATER:
        raise UnusableImage(f"http_status: {status}")
    if status != httpx.codes.OK:
        raise ImageUnavailable(f"HTTP {status}")
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise UnusableImage(f"encoded: {coding[:40]}")
