"""The simulated catalogue: what product stands behind an ASIN, by a formula, so nothing is stored.

Product number 0 to 9,999,999 and its ASIN are the same thing in two spellings. Every brand, number
and certificate is made up. What somebody changed by hand is not known here (see world.py).
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import accumulate
from string import ascii_uppercase, digits
from typing import Literal, get_args

from infra.sandbox.tables import rows_of

CATALOGUE_SIZE = 10_000_000
FLAW_PERIOD = 25
FLAW_PLACES = (7, 15, 23)

ImageFlaw = Literal["coloured_background", "watermark", "no_japanese_label"]
Flaw = Literal[
    "suspended",
    "wrong_category",
    "certificate_missing",
    "food",
    "price_out_of_range",
    "not_sold",
    "inactive",
    "unknown_category",
    "medicine",
    "no_shipping_time",
    "brand_not_registered",
    "brand_not_authorised",
    "english_manual",
    "coloured_background",
    "watermark",
    "no_japanese_label",
]

UNREGISTERED_BRAND = "ZORAVIX"
FOREIGN_BRAND = "ソニー"
"""A brand nobody registered in Japan, and a registered one that no seller here may use."""

IMAGE_FLAWS: tuple[ImageFlaw, ...] = get_args(ImageFlaw)
_FLAWS: tuple[Flaw, ...] = get_args(Flaw)
_LETTERS = digits + ascii_uppercase
_SPACE = len(_LETTERS) ** 8
_STEP, _START = 1_743_392_200_681, 1_234_567_890_123
"""The step shares no factor with the space, so that stepping never meets an ASIN twice."""

_SHARE_PER_MILLE = {
    "fashion": 386,
    "beauty": 192,
    "electronics": 147,
    "baby": 121,
    "games": 83,
    "elsewhere": 71,
}
"""Share of sales by department, 2024 Q1 (SPEC §4); the rest is from elsewhere."""

_DEPARTMENTS = tuple(_SHARE_PER_MILLE)
_LAST_LOTS = tuple(accumulate(_SHARE_PER_MILLE.values()))


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of goods.csv: a sort of product, its place on Amazon and its leaf on Mercari."""

    department: str
    amazon_path: tuple[str, ...]
    mercari_path: tuple[str, ...]
    product_type: str
    noun: str
    features: tuple[str, ...]
    variants: tuple[str, ...]
    brands: tuple[str, ...]
    price_jpy_min: int
    price_jpy_max: int
    certificates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """A catalogue entry. `certificates` is None where Amazon does not expose the attribute.

    `image_number` counts how often the main image was replaced: a new picture, a new address.
    """

    number: int
    asin: str
    title: str
    brand: str
    model: str
    variant: str
    browse_path: tuple[str, ...]
    mercari_path: tuple[str, ...]
    product_type: str
    list_price_jpy: int
    certificates: tuple[tuple[str, str], ...] | None
    manual_language: str | None
    flaw: Flaw | None
    image_flaw: ImageFlaw | None
    image_number: int = 0


def asin_of(number: int) -> str:
    """The ASIN of a product number: `B0` and eight letters or digits."""
    rest, letters = (_START + number * _STEP) % _SPACE, ""
    for _ in range(8):
        rest, place = divmod(rest, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return f"B0{letters}"


def number_of(asin: str) -> int | None:
    """The product number of an ASIN; None where the catalogue holds no such ASIN."""
    if len(asin) != 10 or not asin.startswith("B0") or not set(asin) <= set(_LETTERS):
        return None
    number = (int(asin[2:], len(_LETTERS)) - _START) * pow(_STEP, -1, _SPACE) % _SPACE
    return number if number < CATALOGUE_SIZE else None


@cache
def kinds() -> tuple[Kind, ...]:
    """All sorts of products, in the order of the file."""
    return tuple(
        Kind(
            department=row["department"],
            amazon_path=tuple(row["amazon_path"].split(" > ")),
            mercari_path=tuple(row["mercari_path"].split(" > ")),
            product_type=row["product_type"],
            noun=row["noun"],
            features=tuple(row["features"].split("|")),
            variants=tuple(row["variants"].split("|")),
            brands=tuple(row["brands"].split("|")),
            price_jpy_min=int(row["price_min_jpy"]),
            price_jpy_max=int(row["price_max_jpy"]),
            certificates=tuple(row["certificates"].split()),
        )
        for row in rows_of("goods.csv")
    )


@cache
def _kinds_by_department() -> dict[str, tuple[Kind, ...]]:
    found: dict[str, list[Kind]] = {}
    for kind in kinds():
        found.setdefault(kind.department, []).append(kind)
    return {department: tuple(members) for department, members in found.items()}


@cache
def _kinds_for_flaw(flaw: Flaw) -> tuple[Kind, ...]:
    """The sorts of products that show a flaw of the goods themselves; empty for any other flaw."""
    roots = {"food": "食品・飲料・お酒", "medicine": "ドラッグストア"}
    if flaw in roots:
        return tuple(kind for kind in kinds() if kind.amazon_path[0] == roots[flaw])
    if flaw == "certificate_missing":
        return tuple(kind for kind in kinds() if kind.certificates)
    return ()


def draw(*parts: object) -> int:
    """A number that looks drawn by lot but is always the same for the same parts."""
    text = ":".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def flaw_of(number: int) -> Flaw | None:
    """Twelve of every hundred products can't be listed, each ninth of them for the same reason."""
    turn, place = divmod(number, FLAW_PERIOD)
    if place not in FLAW_PLACES:
        return None
    return _FLAWS[(turn * len(FLAW_PLACES) + FLAW_PLACES.index(place)) % len(_FLAWS)]


def kind_of(number: int, flaw: Flaw | None) -> Kind:
    """The sort of the product: departments by their share of sales, sorts alike within one."""
    if flaw and (choice := _kinds_for_flaw(flaw)):
        return choice[draw("kind", number) % len(choice)]
    place = bisect(_LAST_LOTS, draw("department", number) % _LAST_LOTS[-1])
    choice = _kinds_by_department()[_DEPARTMENTS[place]]
    return choice[draw("kind", number) % len(choice)]


def product_of(number: int) -> Product:
    """The catalogue entry of a product number from 0 to CATALOGUE_SIZE − 1."""
    flaw = flaw_of(number)
    kind = kind_of(number, flaw)
    lot = draw("look", number)
    brand = brand_of(kind, lot, flaw)
    feature = kind.features[lot // 7 % len(kind.features)]
    variant = kind.variants[lot // 77 % len(kind.variants)]
    model = f"{kind.product_type[:2]}-{number + 1001}"
    price_steps = (kind.price_jpy_max - kind.price_jpy_min) // 100 + 1
    return Product(
        number=number,
        asin=asin_of(number),
        title=f"{brand} {kind.noun} {feature} {variant} {model}",
        brand=brand,
        model=model,
        variant=variant,
        browse_path=kind.amazon_path,
        mercari_path=kind.mercari_path,
        product_type=kind.product_type,
        list_price_jpy=kind.price_jpy_min + lot // 777 % price_steps * 100,
        certificates=certificates_of(number, kind, flaw),
        manual_language="english" if flaw == "english_manual" else "japanese",
        flaw=flaw,
        image_flaw=next((each for each in IMAGE_FLAWS if each == flaw), None),
    )


def brand_of(kind: Kind, lot: int, flaw: Flaw | None) -> str:
    flawed = {"brand_not_registered": UNREGISTERED_BRAND, "brand_not_authorised": FOREIGN_BRAND}
    return flawed.get(flaw or "", kind.brands[lot % len(kind.brands)])


@cache
def authorised_brands() -> tuple[str, ...]:
    """The brands that the sellers of the sandbox may sell."""
    return tuple(dict.fromkeys(brand for kind in kinds() for brand in kind.brands))


def certificates_of(
    number: int, kind: Kind, flaw: Flaw | None
) -> tuple[tuple[str, str], ...] | None:
    """The certificates on file with made-up numbers; none on file is empty, not exposed is None."""
    if not kind.certificates:
        return None
    if flaw == "certificate_missing":
        return ()
    return tuple((name, certificate_number(name, number)) for name in kind.certificates)


def certificate_number(name: str, number: int) -> str:
    """A number in the form that such a certificate has (facts/mercari-shops §3.3–3.5)."""
    lot = draw(name, number)
    return {
        "pse_diamond": f"JET{1000 + lot % 9000}-{32000 + lot // 9000 % 1000}-{1000 + lot % 900}",
        "pse_circle": f"JET{1000 + lot % 9000}-{43000 + lot // 9000 % 1000}-{1000 + lot % 900}",
        "telec": f"{201 + lot % 20}-{20 + lot // 20 % 6}{lot // 120 % 10000:04d}",
        "cosmetics_licence": f"13C0X{10000 + lot % 90000}",
        "jis_s_5001": f"S5001-{10000 + lot % 90000}",
    }[name]
