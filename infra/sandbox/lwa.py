"""Login with Amazon: turns a refresh token, or the code of a consent, into an access token.

An access token lives for an hour.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.sandbox.consent import Consents
from infra.sandbox.faults import Call, Gate, json_answer
from infra.sandbox.tokens import Tokens
from infra.sandbox.world import Seller, World

ACCESS_SECONDS = 3600

_REFRESH = "Atzr|"
_ACCESS = "Atza|"
_REVOKED = (
    "The request has an invalid grant parameter : refresh_token."
    " User may have revoked or didn't grant the permission."
)
_CODE_REFUSED = "The request has an invalid grant parameter : code"


class TokenRefused(Exception):
    """The access token opens nothing; the text says why, as Amazon words it."""


class LoginWithAmazon:
    """Gives out refresh tokens to the control and access tokens to adapters; both are signed."""

    def __init__(self, world: World, gate: Gate, consents: Consents) -> None:
        self._world = world
        self._gate = gate
        self._consents = consents
        self._tokens = Tokens(world.secret)

    def routes(self) -> list[Route]:
        return [Route("/auth/o2/token", self._endpoint, methods=["POST"])]

    def refresh_token(self, seller: Seller) -> str:
        return self._tokens.make(_REFRESH, seller.number, seller.permit)

    def seller_of(self, access_token: str | None) -> Seller:
        """Whose access token it is. Raises TokenRefused."""
        if not access_token:
            raise TokenRefused("Access token is missing in the request header.")
        numbers = self._tokens.read(_ACCESS, access_token)
        seller = self._permitted(*numbers[:2]) if numbers else None
        if numbers is None or seller is None:
            raise TokenRefused("The access token you provided is revoked, malformed or invalid.")
        if self._world.clock().timestamp() >= numbers[2]:
            raise TokenRefused("The access token you provided has expired.")
        return seller

    def _permitted(self, number: int, permit: int) -> Seller | None:
        seller = self._world.find_seller(number)
        if seller is None or seller.is_revoked or seller.permit != permit:
            return None
        return seller

    async def _endpoint(self, request: Request) -> Response:
        form = {
            name: values[0]
            for name, values in parse_qs((await request.body()).decode("latin-1")).items()
        }
        call = Call(
            upstream="lwa",
            operation="token",
            answer=lambda: self._token(form),
            throttled=lambda _: json_answer(
                429,
                {"error": "rate_limit_exceeded", "error_description": "Too many requests."},
            ),
        )
        return await self._gate.through(request, call)

    def _token(self, form: dict[str, str]) -> Response:
        if not form.get("client_id") or not form.get("client_secret"):
            return _refused(401, "invalid_client", "Client authentication failed")
        grant_type = form.get("grant_type")
        if grant_type == "refresh_token":
            numbers = self._tokens.read(_REFRESH, form.get("refresh_token", ""))
            seller = self._permitted(*numbers) if numbers else None
            return _refused(400, "invalid_grant", _REVOKED) if seller is None else self._let(seller)
        if grant_type == "authorization_code":
            known = self._consents.redeem(form.get("code", ""), form.get("redirect_uri", ""))
            seller = self._permitted(*known) if known else None
            if seller is None:
                return _refused(400, "invalid_grant", _CODE_REFUSED)
            return self._let(seller, scope=self._consents.scope_of(seller))
        return _refused(
            400,
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server",
        )

    def _let(self, seller: Seller, **told: str) -> Response:
        expires_at = int(self._world.clock().timestamp()) + ACCESS_SECONDS
        access_token = self._tokens.make(_ACCESS, seller.number, seller.permit, expires_at)
        body = {
            "access_token": access_token,
            "refresh_token": self.refresh_token(seller),
            "token_type": "bearer",
            "expires_in": ACCESS_SECONDS,
            **told,
        }
        return json_answer(200, body, {"Cache-Control": "no-store"})


def _refused(status: int, error: str, description: str) -> Response:
    return json_answer(status, {"error": error, "error_description": description})
