"""Answers that no reader may believe, however much they look like a good one."""

from __future__ import annotations

import gzip

from tests.infra.scripted_server import dripped, json_reply, reply

DEEP = b"[" * 65 + b"]" * 65

HOSTILE_200 = {
    "empty": reply(),
    "html": reply(body=b"<html>Robot check</html>", content_type="text/html"),
    "html_called_json": reply(body=b"<html>Robot check</html>"),
    "no_type": reply(body=b"{}", content_type=None),
    "plain_text": reply(body=b"{}", content_type="text/plain"),
    "truncated_json": reply(body=b'{"items": [{"sku": "A'),
    "short_body": reply(body=b"{}", Content_Length="9"),
    "cut_chunk": [
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n5\r\n[1,2"
        )
    ],
    "duplicate_key": reply(body=b'{"price": 100, "price": 1}'),
    "nested_duplicate_key": reply(body=b'[{"a": [{"price": 100, "price": 1}]}]'),
    "nan": reply(body=b"[NaN]"),
    "infinity": reply(body=b"[-Infinity]"),
    "beyond_double": reply(body=b"[1e999]"),
    "beyond_64_bits": reply(body=b"[9223372036854775808]"),
    "ten_thousand_digits": reply(body=b"9" * 10_000),
    "deeper_than_64": reply(body=DEEP),
    "a_thousand_deep": reply(body=b"[" * 1000 + b"]" * 1000),
    "very_deep": reply(body=b"[" * 90_000 + b"]" * 90_000),
    "shift_jis_called_utf8": reply(
        body='["時計"]'.encode("cp932"), content_type="application/json; charset=utf-8"
    ),
    "shift_jis": reply(
        body='["時計"]'.encode("cp932"), content_type='application/json; charset="Shift_JIS"'
    ),
    "called_shift_jis": reply(body=b"[1]", content_type="application/json; charset=Shift_JIS"),
    "utf16": reply(body="[1]".encode("utf-16")),
    "byte_order_mark": reply(body=b"\xef\xbb\xbf[1]"),
    "half_a_surrogate_pair": reply(body=b'["\\ud83d"]'),
    "nul": reply(body=b'["a\\u0000b"]'),
    "too_large": reply(body=b'"' + b"x" * 200_001 + b'"'),
    "gzip_bomb": reply(body=gzip.compress(b" " * 20_000_000), Content_Encoding="gzip"),
    "truncated_gzip": reply(body=gzip.compress(b"[1]")[:-4], Content_Encoding="gzip"),
    "gzip_and_more": reply(body=gzip.compress(b"[1]") + b"[2]", Content_Encoding="gzip"),
    "no_gzip": reply(body=b"[1]", Content_Encoding="gzip"),
    "unasked_encoding": reply(body=b"[1]", Content_Encoding="br"),
    "no_http": [b"220 mail.example.com ESMTP\r\n"],
    "hung_up": [b""],
    "headers_without_end": [b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 200_000],
    "redirect": reply(302, Location="https://example.com/"),
    "odd_redirect": reply(302, Location="http://[::1"),
    "accepted_not_answered": json_reply({}, 202),
    "no_content": reply(204),
    "part_of_it": json_reply({}, 206),
    "server_error_in_json": json_reply({"items": []}, 500),
    "html_503": reply(503, b"<html>Service Unavailable</html>", "text/html"),
    "html_403": reply(403, b"<html>Request blocked</html>", "text/html"),
}

CORPUS = (
    "empty", "html", "html_called_json", "plain_text", "short_body", "cut_chunk", "duplicate_key",
    "nested_duplicate_key", "nan", "deeper_than_64", "very_deep", "shift_jis_called_utf8",
    "shift_jis", "called_shift_jis", "gzip_bomb", "truncated_gzip", "html_503",
)  # fmt: skip
HOSTILE = {name: HOSTILE_200[name] for name in CORPUS} | {
    "drip": list(dripped(reply(body=b"{}" * 20), 0.05))
}
"""What every method of an adapter is tried with (audit-security-reliability §5.3)."""
