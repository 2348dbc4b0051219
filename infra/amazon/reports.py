"""Asks Amazon for a report, and downloads it from where Amazon says, if that is Amazon's."""

from __future__ import annotations

from collections.abc import Iterator

from domain.ports import ReportedListing, UpstreamRefused
from infra.amazon.allowed import DOWNLOAD, is_document_address
from infra.amazon.answers import Report, ReportCreated, ReportDocument
from infra.amazon.calls import CREATE_REPORT, GET_REPORT, GET_REPORT_DOCUMENT, UPSTREAM, AmazonCalls
from infra.amazon.listings_report import REPORT_TYPE, MalformedReport, listings_in, unpacked
from infra.http_client import Document, HttpSettings, Question, StrictHttp

DOWNLOAD_SETTINGS = HttpSettings(timeout_seconds=240.0, body_bytes_max=128 * 2**20)
"""An address is good for five minutes; 100,000 listings are some 20 MB, packed."""

_WAITING = ("IN_QUEUE", "IN_PROGRESS")
_HOPELESS = ("FATAL", "CANCELLED")


class AmazonReports:
    """One seller's reports. `http` is for the download, which needs no token and has no budget."""

    def __init__(self, calls: AmazonCalls, http: StrictHttp, api_url: str) -> None:
        self._calls = calls
        self._http = http
        self._api_url = api_url

    def request_listings(self) -> str:
        """See the port."""
        return self._calls.read(CREATE_REPORT, ReportCreated, {}).report_id

    def read_listings(self, report_id: str) -> list[ReportedListing] | None:
        """See the port."""
        report = self._calls.read(GET_REPORT, Report, {}, {"report_id": report_id})
        if (report.report_id, report.report_type) != (report_id, REPORT_TYPE):
            raise self._calls.unavailable(GET_REPORT, f"an answer about {report.report_id}")
        status = report.processing_status
        if status in _WAITING:
            return None
        if status in _HOPELESS:
            raise UpstreamRefused(UPSTREAM, GET_REPORT.name, f"the report is {status}")
        if status != "DONE" or report.report_document_id is None:
            raise self._calls.unavailable(GET_REPORT, f"{status} without a document")
        return self._listings(self._document(report.report_document_id))

    def _document(self, document_id: str) -> ReportDocument:
        path = {"document_id": document_id}
        document = self._calls.read(GET_REPORT_DOCUMENT, ReportDocument, {}, path)
        if document.report_document_id != document_id:
            raise self._calls.unavailable(GET_REPORT_DOCUMENT, "an answer about another document")
        if document.compression_algorithm not in (None, "GZIP"):
            detail = f"compressed by {document.compression_algorithm}"
            raise self._calls.unavailable(GET_REPORT_DOCUMENT, detail)
        if not is_document_address(document.url, self._api_url):
            raise self._calls.unavailable(GET_REPORT_DOCUMENT, "the address is not Amazon's")
        return document

    def _listings(self, document: ReportDocument) -> list[ReportedListing]:
        fetched = self._http.fetch(Question(DOWNLOAD, "GET", document.url, {"Accept": "*/*"}))
        try:
            return listings_in(_pieces(document, fetched), fetched.content_type)
        except MalformedReport as error:
            raise self._http.unavailable(DOWNLOAD, str(error)) from error


def _pieces(document: ReportDocument, fetched: Document) -> list[bytes] | Iterator[bytes]:
    return unpacked(fetched.content) if document.compression_algorithm else [fetched.content]
