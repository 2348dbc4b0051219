"""Downloading main images: only from the allowed places, bounded in bytes and in time."""

from __future__ import annotations

import time

import httpx
import pytest

from infra.images.fetching import BYTES_MAX, ImageFetcher, ImageUnavailable, UnusableImage
from tests.images import files
from tests.infra.scripted_server import Reply, ScriptedServer, dripped, reply

AMAZON = "https://m.media-amazon.com"


def fetched(client: httpx.Client, *replies: Reply, seconds_max: float = 5) -> bytes:
    with ScriptedServer(*replies) as server:
        fetcher = ImageFetcher(client, [server.url], seconds_max)
        return fetcher.fetch(f"{server.url}/images/I/71abc.jpg")


def image_reply(content: bytes, **headers: str) -> list[bytes | float]:
    return reply(200, content, "image/jpeg", **headers)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://m.media-amazon.com/images/I/1.jpg",
        "https://images.example/I/1.jpg",
        "https://m.media-amazon.com@127.0.0.1/images/I/1.jpg",
        "https://user:word@m.media-amazon.com/images/I/1.jpg",
        "https://m.media-amazon.com:8443/images/I/1.jpg",
        "https://m.media-amazon.com.evil/images/I/1.jpg",
        "https://m.media-amazon.com.evil.example/images/I/1.jpg",
        "https://evil.example/?https://m.media-amazon.com/images/I/1.jpg",
        "https://m.media-amazon.com\\@127.0.0.1/1.jpg",
        "https://m。media-amazon。com/images/I/1.jpg",
        "https://m.media-amazon.com/images/I/1.jpg?next=http://127.0.0.1",
        "https://m.media-amazon.com/images/../../1.jpg",
        "https://m.media-amazon.com/images/I/1.jpg\r\nHost: 127.0.0.1",
        "https://m.media-amazon.com/images/I/1.jpg\n",
        " https://m.media-amazon.com/images/I/1.jpg",
        "HTTPS://M.MEDIA-AMAZON.COM/images/I/1.jpg",
        "https://m.media-amazon.com/",
        "//m.media-amazon.com/images/I/1.jpg",
        "data:image/png;base64,AAAA",
        "",
    ],
)
def test_an_address_that_is_not_on_the_list_is_never_asked(client: httpx.Client, url: str) -> None:
    with pytest.raises(UnusableImage, match="address_not_allowed"):
        ImageFetcher(client, [AMAZON]).fetch(url)


def test_an_amazon_image_address_is_on_the_list(client: httpx.Client) -> None:
    allowed = ImageFetcher(client, [AMAZON])._allowed
    assert allowed.fullmatch(f"{AMAZON}/images/I/71%2Bab-c_+d._AC_SL1500_.jpg")


@pytest.mark.parametrize(
    "origin", ["http://m.media-amazon.com", "https://a.example:8443", "http://10.0.0.1:80", "*", ""]
)
def test_only_https_hosts_and_one_loopback_origin_can_be_allowed(
    client: httpx.Client, origin: str
) -> None:
    with pytest.raises(ValueError, match="can't be fetched from"):
        ImageFetcher(client, [origin])


def test_an_image_comes_as_it_was_sent(client: httpx.Client) -> None:
    assert fetched(client, image_reply(files.jpeg())) == files.jpeg()


def test_another_port_on_loopback_is_not_the_sandbox(client: httpx.Client) -> None:
    with ScriptedServer(image_reply(files.jpeg())) as sandbox, ScriptedServer([b""]) as other:
        with pytest.raises(UnusableImage, match="address_not_allowed"):
            ImageFetcher(client, [sandbox.url]).fetch(f"{other.url}/images/1.jpg")
        assert other.received == []


def test_a_redirect_is_not_followed(client: httpx.Client) -> None:
    with ScriptedServer(image_reply(files.jpeg())) as target:
        moved = reply(302, b"", None, Location=f"{target.url}/images/1.jpg")
        with pytest.raises(UnusableImage, match="redirected: HTTP 302"):
            fetched(client, moved)
        assert target.received == []


def test_six_megabytes_are_not_read_to_the_end(client: httpx.Client) -> None:
    content = files.jpeg().ljust(6 * 2**20, b"\0")
    assert len(content) > BYTES_MAX
    with pytest.raises(UnusableImage, match="too_many_bytes: 5 MB"):
        fetched(client, image_reply(content))


def test_six_megabytes_without_a_length_are_counted_too(client: httpx.Client) -> None:
    piece = b"100000\r\n" + bytes(2**20) + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: image/jpeg\r\n\r\n"
    with pytest.raises(UnusableImage, match="too_many_bytes"):
        fetched(client, [head, *[piece] * 6, b"0\r\n\r\n"])


def test_a_slow_drip_ends_at_the_deadline(client: httpx.Client) -> None:
    began_at = time.monotonic()
    with pytest.raises(ImageUnavailable, match="Timeout"):
        fetched(client, dripped(image_reply(files.jpeg()), 0.02), seconds_max=0.6)
    assert time.monotonic() - began_at < 2


@pytest.mark.parametrize("content", [files.SVG, files.HTML, b"%PDF-1.7", b"BM" + bytes(60)])
def test_what_is_no_image_is_told_by_its_first_bytes(client: httpx.Client, content: bytes) -> None:
    with pytest.raises(UnusableImage, match="not_an_image"):
        fetched(client, image_reply(content))


def test_an_empty_body_is_no_image(client: httpx.Client) -> None:
    with pytest.raises(UnusableImage, match="empty"):
        fetched(client, image_reply(b""))


def test_a_packed_body_is_not_unpacked(client: httpx.Client) -> None:
    with pytest.raises(UnusableImage, match="encoded: gzip"):
        fetched(client, image_reply(b"\x1f\x8b" + bytes(40), Content_Encoding="gzip"))


def test_an_image_that_is_gone_is_the_images_fault(client: httpx.Client) -> None:
    with pytest.raises(UnusableImage, match="http_status: 404"):
        fetched(client, reply(404))


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_in_trouble_says_nothing_about_the_image(
    client: httpx.Client, status: int
) -> None:
    with pytest.raises(ImageUnavailable, match=f"HTTP {status}"):
        fetched(client, reply(status))


def test_a_body_cut_short_says_nothing_about_the_image(client: httpx.Client) -> None:
    with pytest.raises(ImageUnavailable):
        fetched(client, [image_reply(files.jpeg())[0][:-200]])


def test_nobody_at_the_door_says_nothing_about_the_image(client: httpx.Client) -> None:
    with pytest.raises(ImageUnavailable):
        ImageFetcher(client, ["http://127.0.0.1:9"]).fetch("http://127.0.0.1:9/images/1.jpg")
