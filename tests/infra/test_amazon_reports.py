"""How a report is asked for, waited for and downloaded, and from where it never is."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from domain.ports import UpstreamRefused, UpstreamThrottled, UpstreamUnavailable
from tests.contracts.validators import check_amazon_request
from tests.infra.amazon_replies import amazon_at, refused
from tests.infra.hostile_answers import HOSTILE_200
from tests.infra.scripted_server import Reply, ScriptedServer, dripped, json_reply, reply
from tests.infra.test_amazon_listings_report import ENGLISH, LISTING, ROW

DONE = {
    "reportId": "1",
    "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
    "processingStatus": "DONE",
    "createdTime": "2026-11-24T00:00:00Z",
    "reportDocumentId": "d",
}
TEXT = f"{ENGLISH}\n{ROW}\n".encode()
PLAIN = "text/plain; charset=UTF-8"


def document(url: str, **fields: str) -> list[bytes | float]:
    return json_reply({"reportDocumentId": "d", "url": url, **fields})


def script(server: ScriptedServer, *download: Reply, **fields: str) -> None:
    address = f"{server.url}/documents/d?X-Amz-Signature=0"
    server.script(json_reply(DONE), document(address, **fields), *download)


def test_a_report_is_asked_for_with_english_headers(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply({"reportId": "50012"}, 202))
    assert amazon_at(server, client).request_listings_report() == "50012"
    [sent] = server.asked
    check_amazon_request(sent.method, sent.target, sent.body)
    assert json.loads(sent.body)["reportOptions"] == {"preferredReportDocumentLocale": "en_US"}


@pytest.mark.parametrize(
    "sent",
    [json_reply({"reportId": "1"}), json_reply({}, 202), json_reply({"reportId": ""}, 202),
     reply(202), json_reply({"reportId": 1}, 202)],
)  # fmt: skip
def test_an_answer_without_an_id_is_no_answer(
    sent: Reply, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(sent)
    with pytest.raises(UpstreamUnavailable):
        amazon_at(server, client).request_listings_report()


@pytest.mark.parametrize("status", ["IN_QUEUE", "IN_PROGRESS"])
def test_a_report_that_is_not_done_is_none(
    status: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply({**DONE, "processingStatus": status}))
    assert amazon_at(server, client).read_listings_report("1") is None
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", ["FATAL", "CANCELLED"])
def test_a_report_that_will_never_be_done_is_refused(
    status: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply({**DONE, "processingStatus": status}))
    with pytest.raises(UpstreamRefused, match=status):
        amazon_at(server, client).read_listings_report("1")


@pytest.mark.parametrize(
    "changes",
    [
        {"processingStatus": "SHINY"},
        {"reportDocumentId": None},
        {"reportId": "2"},
        {"reportType": "GET_FLAT_FILE_OPEN_LISTINGS_DATA"},
    ],
)
def test_what_is_not_this_report_is_not_believed(
    changes: dict[str, Any], server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply({**DONE, **changes}))
    with pytest.raises(UpstreamUnavailable):
        amazon_at(server, client).read_listings_report("1")


def test_a_document_is_downloaded_without_the_token(
    server: ScriptedServer, client: httpx.Client
) -> None:
    script(server, reply(200, TEXT, PLAIN))
    assert amazon_at(server, client).read_listings_report("1") == [LISTING]
    download = server.asked[-1]
    assert download.target == "/documents/d?X-Amz-Signature=0"
    assert "x-amz-access-token" not in download.headers


def test_a_packed_document_is_unpacked(server: ScriptedServer, client: httpx.Client) -> None:
    script(server, reply(200, gzip.compress(TEXT), PLAIN), compressionAlgorithm="GZIP")
    assert amazon_at(server, client).read_listings_report("1") == [LISTING]


@pytest.mark.parametrize(
    "url",
    [
        "http://tortuga-prod-fe.s3-us-west-2.amazonaws.com/d",
        "https://example.com/d",
        "https://amazonaws.com.example.com/d",
        "https://example.com/.amazonaws.com/d",
        "https://evilamazonaws.com/d",
        "https://a.amazonaws.com:22/d",
        "https://a.amazonaws.com@example.com/d",
        "https://user@a.amazonaws.com/d",
        "https://example.com\\.amazonaws.com/d",
        "https://a.amazonaws.com\n.example.com/d",
        "https://169.254.169.254/latest",
        "ftp://a.amazonaws.com/d",
        "{origin}.example.com/d",
        "{origin}0/d",
        "{origin}@example.com/d",
        "{origin}/d\r\nHost: example.com",
        "//a.amazonaws.com/d",
        "",
    ],
)
def test_an_address_that_is_not_amazons_is_never_asked(
    url: str, server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(json_reply(DONE), document(url.replace("{origin}", server.url)))
    with pytest.raises(UpstreamUnavailable, match="not Amazon"):
        amazon_at(server, client).read_listings_report("1")
    assert len(server.asked) == 2


BAD_DOWNLOADS: dict[str, Reply] = {
    "empty": reply(200, b"", PLAIN),
    "json": json_reply({"errors": []}),
    "html": reply(200, TEXT, "text/html"),
    "expired": reply(403, b"<Error><Code>AccessDenied</Code></Error>", "application/xml"),
    "redirect": reply(302, b"", PLAIN, Location="https://example.com/"),
    "server_error": reply(500, TEXT, PLAIN),
    "short_body": reply(200, TEXT, PLAIN, Content_Length="9999"),
    "wrong_charset": reply(200, TEXT, PLAIN.replace("UTF-8", "EUC-JP")),
    "shift_jis_called_utf8": reply(200, TEXT.decode().encode("cp932"), PLAIN),
    "too_large": reply(200, TEXT * 100_000, PLAIN),
    "hung_up": [b""],
    "drip": list(dripped(reply(200, TEXT, PLAIN), 0.1)),
}


@pytest.mark.parametrize("name", BAD_DOWNLOADS)
def test_a_bad_download_is_no_report(
    name: str, server: ScriptedServer, client: httpx.Client
) -> None:
    script(server, BAD_DOWNLOADS[name])
    with pytest.raises(UpstreamUnavailable):
        amazon_at(server, client).read_listings_report("1")


@pytest.mark.parametrize(
    "content",
    [TEXT, gzip.compress(TEXT)[:-1], gzip.compress(b"\n" * 10**8), gzip.compress(b"\0" * 10**8)],
    ids=["not_packed", "cut", "bomb_of_rows", "bomb_of_one_row"],
)
def test_a_packed_download_that_is_not_what_it_says_is_no_report(
    content: bytes, server: ScriptedServer, client: httpx.Client
) -> None:
    script(server, reply(200, content, PLAIN), compressionAlgorithm="GZIP")
    with pytest.raises(UpstreamUnavailable):
        amazon_at(server, client).read_listings_report("1")


def test_another_packing_than_gzip_is_not_guessed_at(
    server: ScriptedServer, client: httpx.Client
) -> None:
    script(server, reply(200, TEXT, PLAIN), compressionAlgorithm="ZSTD")
    with pytest.raises(UpstreamUnavailable, match="ZSTD"):
        amazon_at(server, client).read_listings_report("1")


def test_a_throttled_download_is_throttled(server: ScriptedServer, client: httpx.Client) -> None:
    script(server, reply(429, b"slow down", PLAIN))
    with pytest.raises(UpstreamThrottled):
        amazon_at(server, client).read_listings_report("1")


def test_a_report_that_amazon_does_not_know_is_refused(
    server: ScriptedServer, client: httpx.Client
) -> None:
    server.script(refused(404, "NotFound", "no such report"))
    with pytest.raises(UpstreamRefused):
        amazon_at(server, client).read_listings_report("1")


@pytest.mark.parametrize("name", HOSTILE_200)
def test_no_hostile_answer_is_taken_for_a_document(
    name: str, server: ScriptedServer, client: httpx.Client
) -> None:
    script(server, HOSTILE_200[name])
    with pytest.raises(UpstreamUnavailable):
        amazon_at(server, client).read_listings_report("1")
