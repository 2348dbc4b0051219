"""A new seller comes from its application to its first listing: by pages, and by commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from api.cli.client import Exit
from api.desk import Desk
from domain.texts import rule_text
from infra.installation import Installation
from infra.sandbox.goods import Product, product_of
from infra.sandbox.sample import csv_of, row_of
from tests.api.onboarding_scene import (
    COMPANY,
    DOCUMENTS,
    PDF,
    SIGNED,
    Applicant,
    applicant,
    decide,
    send_application,
    staff,
)
from tests.api.visiting import Visitor, csrf_in
from tests.infra.running_worker import running_worker, wait_until
from tests.sampling import ALL_ONLY
from tests.sandbox_server import SandboxServer

ROOT = Path(__file__).parents[2]
FLAWLESS = next(number for number in range(100) if product_of(number).flaw is None)


@pytest.fixture
def account(sandbox: SandboxServer) -> dict[str, str]:
    """A seller of the sandbox that has never been here."""
    name = f"newcomer-{uuid4().hex[:8]}"
    return {"name": name, **sandbox.control("sellers", name=name, product_count=FLAWLESS + 1)}


@pytest.fixture
def goods(account: dict[str, str]) -> bytes:
    """One flawless product, as the ASIN list and as the upload."""
    return csv_of([row_of(account["name"], FLAWLESS)])


@pytest.fixture
def product() -> Product:
    return product_of(FLAWLESS)


def admitted(
    someone: Applicant, reviewer: httpx.Client, account: dict[str, str], goods: bytes,
    sandbox: SandboxServer,
) -> None:  # fmt: skip
    """Both reviews, by the forms of the pages; the first one sends a document back."""
    case = f"/review/{someone.seller_id}"
    unfit = someone.file("bank_account", b"MZ an executable", "scan.pdf")
    assert rule_text("file_of_other_type", {}, "en") in unfit.text
    someone.file_all(*DOCUMENTS, "brand_authorisation")
    sent_back = decide(reviewer, reviewer.get(case).text, "return", bank_account="unreadable")
    assert sent_back.status_code == 303
    assert rule_text("fault_unreadable", {}, "en") in someone.page()
    someone.file_all("bank_account")
    assert decide(reviewer, reviewer.get(case).text, "approve").status_code == 303
    page = someone.page()
    assert "You are a Pro Seller. Still to do: Link Amazon.co.jp, Link Mercari" in page
    assert 'href="/settings/integration"' in page
    link(someone, account, sandbox)
    assert someone.file("undertaking", **{**SIGNED, "has_seal": ""}).status_code == 422
    assert someone.file("undertaking", **SIGNED).status_code == 303
    assert someone.file("asin_list", goods, "a.csv").status_code == 303
    assert "ASIN Sync review: Mercari answers by" in someone.page()
    assert decide(reviewer, reviewer.get(case).text, "approve").status_code == 303


def link(someone: Applicant, account: dict[str, str], sandbox: SandboxServer) -> None:
    """Both marketplaces on the page of integration, and the consent in the sandbox."""
    browser, page = someone.browser, "/settings/integration"
    csrf = {"csrf": csrf_in(browser.get(page).text)}
    asked = browser.post(page, data={**csrf, "action": "amazon"}).headers["location"]
    answered = sandbox.control("consent", seller=account["name"], url=asked)["leads_to"]
    back = urlsplit(answered)
    assert "Amazon.co.jp is linked" in browser.get(f"{back.path}?{back.query}").text
    shop = {"access_token": account["mercari_token"], "shop_id": account["shop_id"]}
    assert browser.post(page, data={**csrf, "action": "mercari", **shop}).is_redirect


def test_by_pages_alone(
    desk: Desk,
    visitor: Visitor,
    account: dict[str, str],
    goods: bytes,
    product: Product,
    installation: Installation,
    sandbox: SandboxServer,
    passwords: dict[str, str],
) -> None:
    browser = visitor()
    refused = send_application(browser, entity="hk_company")
    assert rule_text("entity_hong_kong", {}, "en").split("'")[0] in refused.text
    someone = applicant(browser, amazon_seller_id=account["amazon_seller_id"], sells_brands="yes")
    early = upload(browser, goods)
    assert "E-401" in early.text
    reviewer = staff(desk, visitor)
    admitted(someone, reviewer, account, goods, sandbox)
    enter_brand(reviewer, someone, product)
    assert "ASIN Sync is on." in someone.page()
    with running_worker(installation, passwords):
        sent = upload(browser, goods)
        assert sent.status_code == 303, sent.text
        path = sent.headers["location"]
        wait_until(lambda: "Every row is settled" in browser.get(path).text, "it is listed")
    assert product.asin in browser.get("/bindings?status=listed").text


def upload(browser: httpx.Client, content: bytes) -> httpx.Response:
    data = {"csrf": csrf_in(browser.get("/upload").text), "key": uuid4().hex}
    return browser.post("/upload", data=data, files={"file": ("a.csv", content, "text/csv")})


def enter_brand(reviewer: httpx.Client, someone: Applicant, product: Product) -> None:
    case = f"/review/{someone.seller_id}"
    data = {"csrf": csrf_in(reviewer.get(case).text), "brand": product.brand}
    wrong = reviewer.post(f"{case}/brands", data={**data, "registration_number": "12"})
    assert rule_text("proof_brand_number", {}, "en").split("'")[0] in wrong.text
    right = reviewer.post(f"{case}/brands", data={**data, "registration_number": "第6000001号"})
    assert right.status_code == 303
    assert product.brand in reviewer.get(case).text


class Shell:
    """Commands as processes of their own, with the key of whoever types."""

    def __init__(self, address: str, folder: Path) -> None:
        self._address, self._folder, self.key = address, folder, ""

    def run(self, *words: str, fed: str = "", key: str | None = None) -> Any:
        environment = {
            **os.environ, "ASIN_SYNC_URL": self._address, "ASIN_SYNC_KEY": key or self.key,
            "COLUMNS": "200", "ASIN_SYNC_DATA": str(self._folder),
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "main", *words], cwd=ROOT, env=environment, input=fed,
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip

    def done(self, *words: str, fed: str = "", key: str | None = None) -> str:
        """What it printed, once it went well."""
        result = self.run(*words, fed=fed, key=key)
        assert result.returncode == Exit.OK, result.stderr
        return str(result.stdout + result.stderr)

    def refused(self, *words: str) -> tuple[int, str]:
        result = self.run(*words)
        return result.returncode, str(result.stderr)


@pytest.fixture
def shell(address: str, tmp_path: Path) -> Shell:
    return Shell(address, tmp_path)


def options(account: dict[str, str], **changed: str) -> list[str]:
    given = {**COMPANY, "amazon_seller_id": account["amazon_seller_id"], **changed}
    given.pop("sells_brands")
    named = [
        word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)
    ]
    return [*named, "--brands"]


@ALL_ONLY
def test_by_commands_alone(
    desk: Desk,
    shell: Shell,
    account: dict[str, str],
    goods: bytes,
    product: Product,
    tmp_path: Path,
    installation: Installation,
    passwords: dict[str, str],
) -> None:
    scan, unfit, listed = tmp_path / "scan.pdf", tmp_path / "unfit.pdf", tmp_path / "a.csv"
    scan.write_bytes(PDF)
    unfit.write_bytes(b"MZ")
    listed.write_bytes(goods)
    staff_key = desk.keys.create("reviewer", None, "desk")[1]
    seller_id = applied(shell, account)
    documents_filed(shell, seller_id, staff_key, scan, unfit)
    permitted(shell, account, scan, listed)
    assert "asin_sync" in shell.done("seller", "queue", key=staff_key)
    shell.done("seller", "approve", seller_id, key=staff_key)
    brand = ("seller", "brand", seller_id, product.brand, "第6000001号")
    shell.done(*brand, key=staff_key)
    wait_until(lambda: "ASIN Sync is on" in shell.done("seller", "application"), "it is on")
    with running_worker(installation, passwords):
        uploaded = json.loads(shell.run("upload", str(listed), "--json").stdout)
    assert (uploaded["asin"], uploaded["fate"]) == (product.asin, "listed")


def applied(shell: Shell, account: dict[str, str]) -> str:
    """Apply, after an entity that can't; the shell then holds the key. Returns the seller's id."""
    status, said = shell.refused("seller", "apply", "--entity", "hk_company")
    assert (status, "give --amazon-seller-id" in said) == (2, True)
    words = ("seller", "apply", "--lang", "en")
    status, said = shell.refused(*words, *options(account, entity="hk_company"))
    assert (status, "E-418" in said) == (Exit.FAILED, True)
    assert rule_text("entity_hong_kong", {}, "en") in said.replace("\n", "")
    status, said = shell.refused(*words, *options(account, amazon_seller_id="a b"))
    assert (status, "amazon_seller_id" in said) == (Exit.FAILED, True)
    made = shell.done(*words, *options(account))
    shell.key = re.findall(r"key +(\S+)", made)[0]
    assert "asin-sync seller documents business_registration=FILE" in made
    assert shell.refused(*words, *options(account))[0] == Exit.CONFLICT
    return str(json.loads(shell.done("seller", "application", "--json"))["id"])


def documents_filed(shell: Shell, seller_id: str, staff_key: str, scan: Path, unfit: Path) -> None:
    """The first review, with one document refused at once and one sent back."""
    filing = ("seller", "documents", "--lang", "en")
    status, said = shell.refused(*filing, str(unfit), "--item", "bank_account")
    assert (status, "E-419" in said) == (Exit.FAILED, True)
    assert rule_text("file_of_other_type", {}, "en") in said
    status, said = shell.refused(*filing, f"passport={scan}")
    assert rule_text("item_unknown", {}, "en") in said
    assert shell.refused(*filing, str(scan))[0] == 2
    said = shell.done(*filing, *(f"{item}={scan}" for item in DOCUMENTS))
    assert "still to be filed: brand_authorisation" in said
    assert "pro_seller is in review" in shell.done(*filing, f"brand_authorisation={scan}")
    back = ("seller", "return", seller_id, "bank_account=account_not_in_yen")
    shell.done(*back, key=staff_key)
    looking = ("seller", "application", seller_id, "--lang", "en")
    assert shell.run(*looking, key=staff_key).returncode == Exit.NOT_ALLOWED
    table = shell.done(*looking, "--reason", "asked by the seller", key=staff_key)
    assert rule_text("fault_account_not_in_yen", {}, "en") in table
    assert "pro_seller is in review" in shell.done(*filing, str(scan), "--item", "bank_account")
    shell.done("seller", "approve", seller_id, key=staff_key)
    again = shell.run("seller", "approve", seller_id, key=staff_key)
    assert (again.returncode, "approved by key:" in again.stderr) == (Exit.CONFLICT, True)


def permitted(shell: Shell, account: dict[str, str], scan: Path, listed: Path) -> None:
    """Links, ASIN list and undertaking; the second review begins with the last of them."""
    said = shell.done("seller", "asin-list", str(listed))
    assert "asin-sync seller link-amazon" in said
    shell.done("seller", "link-amazon", "--refresh-token-file", "-", fed=account["refresh_token"])
    linking = ("seller", "link-mercari", "--token-file", "-", "--shop-id", account["shop_id"])
    shell.done(*linking, fed=account["mercari_token"])
    template = scan.parent / "undertaking.html"
    shell.done("seller", "undertaking-template", "-o", str(template))
    assert "2026-11" in template.read_text("utf-8")
    signing = ("seller", "sign-undertaking", str(scan), "--signatory", "示例法人", "--seal")
    status, said = shell.refused(*signing, "--lang", "en")
    assert (status, rule_text("undertaking_has_signature", {}, "en") in said) == (1, True)
    assert "asin_sync is in review" in shell.done(*signing, "--signature")
