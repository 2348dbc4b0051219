"""Tokens of the development provider: right ones, and each kind that must not be believed."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

HOUR_SECONDS = 3600
OVERSIZE_LENGTH = 300_000

Claims = dict[str, Any]
Forge = Callable[[Claims, ECKey], str]


def signed(claims: Claims, key: ECKey, fault: str = "") -> str:
    """A token of these claims, spoilt in one way where a fault is named."""
    return FAULTS[fault](claims, key) if fault else right(claims, key)


def right(claims: Claims, key: ECKey, **header: Any) -> str:
    return jwt.encode({"alg": "ES256", "kid": key.kid, **header}, claims, key)


def unsigned(claims: Claims, key: ECKey) -> str:
    """`alg: none`: nobody signed it."""
    head = part({"alg": "none", "kid": key.kid})
    return f"{head}.{part(claims)}."


def confused(claims: Claims, key: ECKey) -> str:
    """HS256 with the public key, which everybody has, as the secret."""
    content = f"{part({'alg': 'HS256', 'kid': key.kid})}.{part(claims)}"
    signature = hmac.digest(key.as_pem(private=False), content.encode(), "sha256")
    return f"{content}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


def by_another_key(claims: Claims, key: ECKey) -> str:
    return right(claims, ECKey.generate_key("P-256", {"kid": str(key.kid)}))


def by_an_unknown_key(claims: Claims, _key: ECKey) -> str:
    return right(claims, ECKey.generate_key("P-256", {"kid": "unknown"}))


def critical(claims: Claims, key: ECKey) -> str:
    """It says that it means nothing to whoever does not know an extension."""
    head, body = part({"alg": "ES256", "kid": key.kid, "crit": ["exp"]}), part(claims)
    signature = right(claims, key).rpartition(".")[2]
    return f"{head}.{body}.{signature}"


def with_claims(**changed: Any) -> Forge:
    """Rightly signed, with some claims changed; None takes one away."""

    def forge(claims: Claims, key: ECKey) -> str:
        kept = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return right(kept, key)

    return forge


def expired(claims: Claims, key: ECKey) -> str:
    return right(claims | {"exp": claims["iat"] - HOUR_SECONDS}, key)


FAULTS: Mapping[str, Forge] = {
    "none": unsigned,
    "alg_confusion": confused,
    "other_key": by_another_key,
    "unknown_key": by_an_unknown_key,
    "no_exp": with_claims(exp=None),
    "expired": expired,
    "bad_aud": with_claims(aud="another-application"),
    "no_aud": with_claims(aud=None),
    "shared_aud": with_claims(aud=["asin-sync", "another-application"]),
    "bad_iss": with_claims(iss="https://another.example"),
    "crit": critical,
    "oversize": with_claims(padding="x" * OVERSIZE_LENGTH),
    "wrong_nonce": with_claims(nonce="another"),
    "no_nonce": with_claims(nonce=None),
    "no_sub": with_claims(sub=None),
    "not_a_token": lambda _claims, _key: "no.token",
}


def part(content: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
