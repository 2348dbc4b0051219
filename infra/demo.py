"""The demonstration: a seller of the sandbox, linked and enabled, and its upload of 500 rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import httpx

from domain import admission, seller, uploads
from domain.admission import (
    TEMPLATE_VERSIONS,
    Item,
    ListedAsin,
    Stage,
    file_asin_list,
    file_document,
    file_undertaking,
)
from domain.admissions import apply_as_seller, change_admission
from domain.application import acting_for
from domain.evidence import EvidenceFile
from domain.people import PERSON_ROLES
from domain.ports import Clock
from domain.rules.brands import BrandAuthorisation
from domain.seller import Role, Seller
from domain.sellers import change_seller
from domain.stamps import Work
from domain.values import seller_id_of
from infra.hint_intake import HintIntake
from infra.installation import Installation
from infra.people import People
from infra.roles import write_private
from infra.sandbox.goods import authorised_brands
from infra.sandbox.identity import DEVELOPMENT_ISSUERS, PEOPLE
from infra.sandbox.sample import write_sample_csv

SELLER_NAME = "demo"
SHOP_NAME = "桜雑貨店"
PRODUCT_COUNT = 500
ACTOR = "demonstration"


@dataclass(frozen=True)
class Demo:
    """The demo seller and the key that opens its shop."""

    seller_id: UUID
    key: str


def ensure_demo(installation: Installation, sandbox_url: str, clock: Clock) -> Demo:
    """Make the demo seller at the first start; find it again at every later one."""
    work = Work(clock, ACTOR, uuid4())
    account = httpx.post(
        f"{sandbox_url}/_sandbox/sellers",
        json={"name": SELLER_NAME, "product_count": PRODUCT_COUNT},
        timeout=30,
    )
    account.raise_for_status()
    linked = account.json()
    seller_id = seller_id_of(linked["amazon_seller_id"])
    with acting_for(seller_id):
        known = installation.app.seller(seller_id)
    if not known.is_sync_enabled:
        register_demo(installation, known, linked, work)
    return Demo(seller_id, kept_key(installation, seller_id, "seller", "demo", work))


def register_demo(
    installation: Installation, known: Seller, linked: dict[str, str], work: Work
) -> None:
    """Whatever an interrupted first start has left undone."""
    app, seller_id = installation.app, known.seller_id
    if known.admission.entity is None:
        apply_as_seller(
            app, linked["amazon_seller_id"], SHOP_NAME, sample_application(SHOP_NAME, work), work
        )
    admit(installation, seller_id, linked, work)
    settings = seller.ChangeSettings(
        stamp=work.stamp(), default_float_rate=Decimal(0), reinstatement="automatic"
    )
    brands = seller.AuthoriseBrands(stamp=work.stamp(), authorisations=authorised_by_sandbox())
    change_seller(app, seller_id, lambda it: seller.change_settings(it, settings))
    change_seller(app, seller_id, lambda it: seller.authorise_brands(it, brands))


def sample_application(name: str, work: Work) -> admission.Apply:
    """A made-up company that sells unbranded goods; the number's check digit is right."""
    return admission.Apply(
        stamp=work.stamp(), entity="cn_company", company_name=f"{name}(深圳)有限公司",
        registration_number="91110000600037341L", sells_brands=False,
        representative_name="示例法人", contact_name="示例联系人",
        contact_email="contact@shop.example", language="zh",
    )  # fmt: skip


def admit(
    installation: Installation, seller_id: UUID, linked: Mapping[str, str], work: Work,
    *, is_approved: bool = True,
) -> None:  # fmt: skip
    """File all that is asked for, approve it, link the sandbox's accounts: what is left of it."""
    app = installation.app
    for item in missing_of(installation, seller_id, "pro_seller"):
        filed = admission.FileDocument(
            stamp=work.stamp(), item=item, file=sample_file_of(installation, seller_id, item)
        )
        change_admission(app, seller_id, partial(file_document, command=filed))
    approve_what_waits(installation, seller_id, work)
    installation.secrets.store(seller_id, "amazon_refresh_token", linked["refresh_token"])
    installation.secrets.store(seller_id, "mercari_access_token", linked["mercari_token"])
    amazon = seller.LinkAmazon(stamp=work.stamp())
    mercari = seller.LinkMercari(stamp=work.stamp(), shop_id=linked["shop_id"])
    change_seller(app, seller_id, lambda it: seller.link_amazon(it, amazon))
    change_seller(app, seller_id, lambda it: seller.link_mercari(it, mercari))
    sign(installation, seller_id, work)
    if is_approved:
        approve_what_waits(installation, seller_id, work)


def sign(installation: Installation, seller_id: UUID, work: Work) -> None:
    """The undertaking and an ASIN list, where they are still missing."""
    app, missing = installation.app, missing_of(installation, seller_id, "asin_sync")
    if "asin_list" in missing:
        listed = ListedAsin(asin="B0EXAMPLE1", mercari_category_id="sbx-01-01-11-01")
        asins = admission.FileAsinList(stamp=work.stamp(), asins=(listed,))
        change_admission(app, seller_id, lambda it: file_asin_list(it, asins))
    if "undertaking" in missing:
        undertaking = admission.FileUndertaking(
            stamp=work.stamp(), template_version=TEMPLATE_VERSIONS[-1], signatory_name="示例法人",
            file=sample_file_of(installation, seller_id, "undertaking"), has_seal=True,
            has_signature=True,
        )  # fmt: skip
        change_admission(app, seller_id, lambda it: file_undertaking(it, undertaking))


def missing_of(installation: Installation, seller_id: UUID, stage: Stage) -> list[Item]:
    with acting_for(seller_id):
        return installation.app.seller(seller_id).admission.missing(stage)


def sample_file_of(installation: Installation, seller_id: UUID, item: Item) -> EvidenceFile:
    content = f"%PDF-1.4 {item} of the demonstration, no real document %%EOF"
    return installation.evidence.store(seller_id, content.encode())


def approve_what_waits(installation: Installation, seller_id: UUID, work: Work) -> None:
    with acting_for(seller_id):
        reviews = installation.app.seller(seller_id).admission.reviews.values()
    if any(review.progress == "in_review" for review in reviews):
        command = admission.Approve(stamp=work.stamp())
        change_seller(installation.app, seller_id, lambda it: seller.admit(it, command))


def authorised_by_sandbox() -> tuple[BrandAuthorisation, ...]:
    """The made-up brands of the sandbox, each with a made-up registration."""
    return tuple(
        BrandAuthorisation(brand=brand, registration_number=f"第{6_000_001 + number}号",
                           chain=(f"{brand} 権利者", SHOP_NAME))
        for number, brand in enumerate(authorised_brands())
    )  # fmt: skip


def invite_made_up_people(people: People, demo: Demo, clock: Clock) -> None:
    """Let the development provider's people in, each with the role of its name.

    The provider may answer at another port than at the last start: then they are known anew.
    """
    work = Work(clock, ACTOR, uuid4())
    people.follow_provider(DEVELOPMENT_ISSUERS)
    known = {each.email for each in people.all() if each.revoked_at is None}
    for role in PERSON_ROLES:
        email = PEOPLE[role].email
        if email not in known:
            people.invite(email, role, demo.seller_id if role == "seller" else None, work)


def forward_notifications(
    installation: Installation, demo: Demo, url: str, sandbox_url: str, clock: Clock
) -> None:
    """Have the sandbox tell this service, at `url`, of whatever changes in it."""
    work = Work(clock, ACTOR, uuid4())
    intake = HintIntake(installation.database, installation.keys.session, clock)
    token = intake.mercari_token(demo.seller_id)
    forwarder = {
        "seller": SELLER_NAME, "url": f"{url}/v1/notifications/amazon",
        "key": kept_key(installation, demo.seller_id, "service", "sandbox-notifications", work),
        "mercari_url": f"{url}/v1/notifications/mercari/{token}",
    }  # fmt: skip
    told = httpx.post(f"{sandbox_url}/_sandbox/forwarder", json=forwarder, timeout=30)
    told.raise_for_status()


def kept_key(
    installation: Installation, seller_id: UUID, role: Role, label: str, work: Work
) -> str:
    """A key of the demo seller, kept beside the data so that every start has the same."""
    file = installation.settings.data_folder / f"{label}-key"
    key = file.read_text("utf-8").strip() if file.exists() else ""
    if key and installation.api_keys.caller(key):
        return key
    key_id, key = installation.api_keys.create(role, seller_id, label)
    command = seller.IssueKey(stamp=work.stamp(), key_id=key_id, role=role, label=label)
    change_seller(installation.app, seller_id, lambda it: seller.issue_key(it, command))
    write_private(file, key.encode())
    return key


def sample_file(data_folder: Path) -> Path:
    """The 500-row sample, written where a user may look at it and send it again."""
    file = data_folder / "sample.csv"
    if not file.exists():
        write_sample_csv(file, SELLER_NAME)
    return file


def upload_sample(installation: Installation, demo: Demo, clock: Clock) -> None:
    """Bind the sample once: its key makes every later start find it done."""
    file = sample_file(installation.settings.data_folder)
    with acting_for(demo.seller_id):
        uploads.receive_file(
            installation.app, installation.app.seller(demo.seller_id), file.name,
            file.read_bytes(), "demonstration", Work(clock, ACTOR, uuid4()),
        )  # fmt: skip
