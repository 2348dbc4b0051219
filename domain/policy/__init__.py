"""Policy data: the figures and lists the rules decide by, one file for each version, kept for ever.

Every decision records the version it was made under, so that it can be made again years later.
Decisions under 2026-11 did not record all they stood on; their data is kept to be read by people.
"""

from __future__ import annotations

import csv
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from domain.images import ImageThresholds
from domain.policy.category_policy import CategoryPolicy, category_policy_of
from domain.policy.repricing_policy import RepricingPolicy
from domain.values import Value, folded

CURRENT_VERSION = "2026-11-26"


class CertificateRule(Value):
    """Goods under one of `mercari_prefixes` need a certificate of one of `kinds`.

    Not where the path's last name holds one of `exempt_words`; with `title_words`, only goods whose
    title has one of them. `key` names the rule's wording; `source` the law or paper.
    """

    key: str
    kinds: tuple[str, ...]
    mercari_prefixes: tuple[tuple[str, ...], ...] = ()
    exempt_words: tuple[str, ...] = ()
    title_words: tuple[str, ...] = ()
    source: str


class UnsupportedRule(Value):
    """Goods that can't be synced: by browse path, by Amazon's product type, or by title words."""

    key: str
    amazon_prefixes: tuple[tuple[str, ...], ...] = ()
    product_types: tuple[str, ...] = ()
    title_words: tuple[str, ...] = ()
    except_prefixes: tuple[tuple[str, ...], ...] = ()
    except_words: tuple[str, ...] = ()
    source: str


class GuardPolicy(Value):
    """When a sweep does not act: on an offer too old, on a change of too many bindings at once.

    Older versions had no guards; these defaults only let them be read.
    """

    stale_offer_seconds_max: int = 900
    mass_change_rate: str = "0.10"
    mass_change_count_min: int = 5


class ArbitragePolicy(Value):
    """When a seller is suspected of arbitrage, and how long a dismissal holds.

    Older versions suspected nobody; these defaults only let them be read.
    """

    price_above_days: int = 3
    no_own_offer_asins: int = 3
    no_own_offer_days: int = 30
    dismissal_days: int = 30


class OnboardingPolicy(Value):
    """What a seller is promised while it waits for a review (SPEC §2.3)."""

    review_business_days: int = 7


class SupportPolicy(Value):
    """How soon a ticket is answered, may be reopened, and how long a look at a seller lasts.

    Older versions had no tickets; these defaults only let them be read.
    """

    first_answer_hours: int = 72
    reopen_days: int = 14
    look_minutes: int = 60


class Policy(Value):
    """One version of the rules' data. Rates are fractions unless the name says percent.

    `registered_brands` and `unbranded` are folded (`domain.values.folded`).
    """

    version: str
    float_rate_max: str
    stale_reading_seconds_max: int
    shipping_days_max: int
    stock_threshold_default: int
    warranty_days_default: int
    images: ImageThresholds
    certificates: tuple[CertificateRule, ...]
    unsupported: tuple[UnsupportedRule, ...]
    unbranded: frozenset[str]
    registered_brands: frozenset[str]
    categories: CategoryPolicy
    guards: GuardPolicy = GuardPolicy()
    arbitrage: ArbitragePolicy = ArbitragePolicy()
    support: SupportPolicy = SupportPolicy()
    repricing: RepricingPolicy = RepricingPolicy()
    onboarding: OnboardingPolicy = OnboardingPolicy()


class NoSuchPolicy(KeyError):
    """There is no policy of this version that decisions can be made under."""


@cache
def policy_of(version: str = CURRENT_VERSION) -> Policy:
    """The policy of that version. Raises NoSuchPolicy."""
    file = resources.files(__package__) / f"{version}.toml"
    if not file.is_file() or version == "2026-11":
        raise NoSuchPolicy(version)
    return policy_from(version, file.read_text("utf-8"))


def policy_from(version: str, text: str) -> Policy:
    """The policy that a TOML file describes; drafts are read the same way. Raises ValueError."""
    data: dict[str, Any] = tomllib.loads(text)
    brands = read_brands(data.pop("registered_brands"))
    unbranded = frozenset(map(folded, data.pop("unbranded")))
    categories = category_policy_of(data.pop("categories"))
    return Policy(
        version=version,
        registered_brands=brands,
        unbranded=unbranded,
        categories=categories,
        **data,
    )


def read_brands(name: str) -> frozenset[str]:
    lines = (resources.files(__package__) / name).read_text("utf-8").splitlines()
    return frozenset(folded(row["brand"]) for row in csv.DictReader(lines))


def policy_versions() -> list[str]:
    """Every version that decisions can be made under, oldest first."""
    names = (file.name for file in resources.files(__package__).iterdir())
    found = sorted(name[:-5] for name in names if name.endswith(".toml"))
    return [version for version in found if version != "2026-11"]
