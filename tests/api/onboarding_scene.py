"""An applicant in a browser without JavaScript: applies, files, and is told what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import uuid4

import httpx

from api.desk import Desk
from tests.api.visiting import Visitor, csrf_in

PDF = b"%PDF-1.7 a scan %%EOF"
COMPANY = {
    "entity": "cn_company", "company_name": "深圳示例贸易有限公司", "sells_brands": "no",
    "registration_number": "91110000600037341L", "representative_name": "示例法人",
    "shop_name": "桜雑貨店", "contact_name": "示例联系人", "contact_email": "name@shop.example",
}  # fmt: skip
JAPANESE = {
    "entity": "jp_kabushiki_gaisha", "company_name": "株式会社さくら",
    "registration_number": "5835678256246",
}  # fmt: skip
DOCUMENTS = (
    "business_registration", "business_registration_translation", "bank_account",
    "tax_agent_authority",
)  # fmt: skip
SIGNED = {"signatory_name": "示例法人", "has_seal": "yes", "has_signature": "yes"}
ASINS = b"asin,mercari_category_id\nB0EXAMPLE1,sbx-01-01-11-01\n"


def new_account() -> str:
    """The id of an Amazon account that nobody has applied with."""
    return f"A1{uuid4().hex[:10].upper()}"


def send_application(browser: httpx.Client, **fields: str) -> httpx.Response:
    return browser.post(
        "/apply", data={"amazon_seller_id": new_account(), **COMPANY, **fields}, timeout=20
    )


@dataclass
class Applicant:
    """A seller that has applied in this browser; it is signed in by that."""

    browser: httpx.Client
    key: str
    seller_id: str

    def page(self, language: str = "en") -> str:
        return self.browser.get("/onboarding", headers={"accept-language": language}).text

    def file(
        self, item: str, content: bytes = PDF, name: str = "scan.pdf", **fields: str
    ) -> httpx.Response:
        """Send one form of the page."""
        data = {"csrf": csrf_in(self.page()), **fields}
        files = {"file": (name, content, "application/octet-stream")}
        return self.browser.post(f"/onboarding/{item}", data=data, files=files, timeout=20)

    def file_all(self, *items: str) -> None:
        for item in items:
            answer = self.file(item)
            assert answer.status_code == 303, answer.text

    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def applicant(browser: httpx.Client, **fields: str) -> Applicant:
    answer = send_application(browser, **fields)
    assert answer.status_code == 201, answer.text
    key = re.search(r'class="shown-once mono">([^<]+)<', answer.text)
    seller_id = re.search(r"sel_1_[0-9a-f]{32}", answer.text)
    assert key
    assert seller_id
    return Applicant(browser, key[1], seller_id[0])


def staff(
    desk: Desk, visitor: Visitor, role: str = "reviewer", label: str = "desk"
) -> httpx.Client:
    """A browser of Mercari's own people."""
    return visitor(desk.keys.create(role, None, label)[1])  # type: ignore[arg-type]


def decide(browser: httpx.Client, page: str, decision: str, **faults: str) -> httpx.Response:
    """Send the form of a case's page as it was shown."""
    shown = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    action = re.search(r'action="(/review/[^"]+)"', page)
    assert action
    return browser.post(action[1], data={**shown, "decision": decision, **faults})
