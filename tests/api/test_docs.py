"""The API's documentation: complete, open to all, in three languages, and its examples work."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from html import unescape
from pathlib import Path

import httpx
import pytest

from api.app import build_app
from api.desk import Desk
from api.l10n import L10NS
from api.pages.api_reference import JSON, sections_of
from api.pages.docs_words import TAGS, WHAT_TO_DO
from api.pages.page_frame import environment
from api.problems import TITLES
from domain.error_codes import ERROR_CODES, LANGUAGES, Language
from tests.api.test_problems import OPEN, OPENED_BY_ITS_PATH
from tests.api.visiting import Visitor

ROOT = Path(__file__).parents[2]
PAGE_BYTES_MAX = 40 * 1024
PAGES = ("/docs", "/docs/errors", *(f"/docs/{tag}" for tag in TAGS))
UNTRANSLATED = (
    re.compile(r'<(\w+)[^>]* lang="en"[^>]*>.*?</\1>', re.DOTALL),
    re.compile(r"<(code|pre|head)\b.*?</\1>", re.DOTALL),
    re.compile(r'<(\w+) class="[^"]*\b(mono|code|brand)\b.*?</\1>', re.DOTALL),
)
NAMES = {
    "API", "ASIN", "Access", "Amazon", "BINDING", "CSV", "Idempotency", "JAN", "JSON", "Key",
    "Lines", "Match", "Mercari", "Parquet", "Pro", "Reason", "Seller", "Webhook", "reason",
    "seller", "ticket",
}  # fmt: skip


def example_in(html: str, name: str) -> str:
    found = re.search(rf'<pre id="{name}"[^>]*>(.*?)</pre>', html, re.DOTALL)
    assert found
    return unescape(found[1])


def test_every_route_of_the_api_is_on_the_page_of_its_group(desk: Desk, visitor: Visitor) -> None:
    reader, document = visitor(), build_app(desk).openapi()
    pages = {tag: reader.get(f"/docs/{tag}").text for tag in TAGS}
    count = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"<code>{method.upper()} {path}</code>" in pages[operation["tags"][0]]
            count += 1
    assert count > 80


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_needs_a_key_and_each_stays_small(visitor: Visitor, language: Language) -> None:
    reader = visitor()
    for path in PAGES:
        answer = reader.get(path, params={"lang": language})
        assert answer.status_code == 200, path
        assert len(answer.content) <= PAGE_BYTES_MAX, path
        assert answer.headers["content-language"].startswith(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_type_of_every_problem_opens_and_says_what_to_do(
    visitor: Visitor, language: Language
) -> None:
    reader = visitor()
    told = {code: each.texts[language].action for code, each in ERROR_CODES.items()}
    told |= {code: title[language] for code, title in TITLES.items()}
    for code, words in told.items():
        answer = reader.get(f"/docs/errors/{code}", params={"lang": language})
        assert answer.status_code == 200, code
        assert words in unescape(answer.text)
    assert set(WHAT_TO_DO) == set(TITLES)


def test_a_code_or_a_group_that_does_not_exist_is_not_found(visitor: Visitor) -> None:
    reader = visitor()
    for path in ("/docs/errors/E-999", "/docs/errors/%3Cb%3E", "/docs/nothing"):
        answer = reader.get(path)
        assert answer.status_code == 404
        assert "There is no such" in answer.text


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_no_english_is_left_but_what_is_marked_as_english(
    visitor: Visitor, language: Language
) -> None:
    reader = visitor()
    for path in PAGES:
        html = reader.get(path, params={"lang": language}).text
        for untranslated in UNTRANSLATED:
            html = untranslated.sub("", html)
        words = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"<[^>]*>", " ", html)))
        assert words <= NAMES, path


def test_the_first_call_runs_as_it_stands(visitor: Visitor, seller_key: str) -> None:
    command = example_in(visitor().get("/docs").text, "first")
    answered = subprocess.run(
        ["sh", "-c", f"{command} -s"], env={**os.environ, "ASIN_SYNC_KEY": seller_key},
        capture_output=True, check=True, timeout=20,
    )  # fmt: skip
    assert set(json.loads(answered.stdout)) == {"items", "next_cursor", "position"}


def test_the_program_that_follows_the_feed_runs_as_it_stands(
    visitor: Visitor, seller_key: str, tmp_path: Path
) -> None:
    program = tmp_path / "follow.py"
    program.write_text(example_in(visitor().get("/docs").text, "feed"), "utf-8")
    with subprocess.Popen(
        [sys.executable, str(program)], env={**os.environ, "ASIN_SYNC_KEY": seller_key},
        stdout=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        first = running.stdout.readline().split()
        running.terminate()
    assert first[1] == "seller.registered"


def test_the_way_to_check_a_webhook_is_the_one_that_was_tried(visitor: Visitor) -> None:
    told = (ROOT / "docs/feed.md").read_text("utf-8")
    assert example_in(visitor().get("/docs").text, "webhook") in told


def test_every_example_of_the_api_is_a_command_whose_request_has_the_right_form(
    desk: Desk, address: str
) -> None:
    operations = [
        each
        for found in sections_of(build_app(desk).openapi()).values()
        for each in found
        if each.path.startswith("/v1/") and (each.method, each.path) not in OPEN
    ]
    assert len(operations) > 70
    with httpx.Client(base_url=address, timeout=10) as nobody:
        for each in operations:
            words = shlex.split(each.curl)
            assert set(words[1::2]) <= {"-X", "-H", "--json", "-F"}, each.curl
            sent = dict(zip(words[1::2], words[2::2], strict=True))
            body = json.loads(sent["--json"]) if "--json" in sent else None
            files = {"file": ("a", b"a")} if "-F" in sent else None
            path = re.sub(r"\$\w+", "x", each.target)
            answer = nobody.request(each.method, path, json=body, files=files)
            wanted = 404 if each.path in OPENED_BY_ITS_PATH else 401
            assert answer.status_code == wanted, (each.method, each.path, answer.text)


def test_the_examples_that_a_route_gives_of_itself_are_accepted(
    desk: Desk, client: httpx.Client
) -> None:
    paths = build_app(desk).openapi()["paths"]
    told = [
        (method, path, operation["requestBody"]["content"][JSON]["example"])
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "example" in operation.get("requestBody", {}).get("content", {}).get(JSON, {})
    ]
    assert len(told) == 4
    for method, path, example in told:
        answer = client.request(method, path, json=example)
        assert answer.status_code < 300, (method, path, answer.text)


def test_markup_in_a_description_is_shown_and_not_obeyed() -> None:
    operation = {
        "summary": "<b>", "description": "Say `<i>` and <script>alert(1)</script>.",
        "tags": ["<u>"], "responses": {"200": {}},
    }  # fmt: skip
    found = sections_of({"paths": {"/<a>": {"get": operation}}})
    context = {"tag": "<u>", "routes": found["<u>"], "tags": TAGS, "address": "http://<h>"}
    frame = {"path": "/docs/x", "here": lambda **_: "", "is_sandbox": False, "l10n": L10NS["en"]}
    words = {"_": L10NS["en"].text, "ngettext": L10NS["en"].plural}
    html = environment().get_template("docs_routes.html").render({**context, **frame, **words})
    for tag in ("<b>", "<i>", "<script>alert", "<u>", "<a>", "<h>"):
        assert tag not in html
    assert "<code>&lt;i&gt;</code> and &lt;script&gt;alert(1)&lt;/script&gt;." in html


def test_the_way_to_the_reference_is_on_the_sign_in_and_in_the_navigation(
    visitor: Visitor, seller_key: str
) -> None:
    assert 'href="/docs"' in visitor().get("/sign-in").text
    assert 'href="/docs"' in visitor(seller_key).get("/").text
