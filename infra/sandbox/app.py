"""The sandbox: one small ASGI app that is both upstreams on one port, and their control."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.sandbox.amazon import SellingPartnerApi
from infra.sandbox.consent import Consents
from infra.sandbox.control import Control
from infra.sandbox.control_notifications import Tidings
from infra.sandbox.faults import Gate, json_answer
from infra.sandbox.identity import IdentityProvider
from infra.sandbox.images import image_of
from infra.sandbox.lwa import LoginWithAmazon
from infra.sandbox.mercari import MercariShopsApi
from infra.sandbox.postman import Postman
from infra.sandbox.shop import Shops
from infra.sandbox.world import World

IMAGE_SECONDS_MAX = 86_400


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(folder: Path, *, clock: Callable[[], datetime] = utc_now) -> Starlette:
    """Both upstreams and the control; the world lives in `folder`/sandbox.sqlite3.

    Paths: /auth/o2/token, /apps/authorize/consent, the SP-API's own, /v1/graphql, /identity/...,
    /images/<asin>.<number>.jpg, /documents/<id>, /_sandbox/...
    One process may serve a folder at a time; run it with a single worker.
    """
    world = World(folder, clock)
    shops = Shops(world)
    gate = Gate(clock)
    consents = Consents(world)
    login = LoginWithAmazon(world, gate, consents)
    amazon = SellingPartnerApi(world, gate, login)
    mercari = MercariShopsApi(world, gate, shops)
    tidings = Tidings(world, Postman(world))
    identity = IdentityProvider(clock)
    control = Control(world, shops, gate, login, mercari, tidings, consents, identity)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        world.close()

    return Starlette(
        routes=[
            *login.routes(),
            *consents.routes(),
            *identity.routes(),
            *amazon.routes(),
            *mercari.routes(),
            *control.routes(),
            Route("/images/{asin}.{number:int}.jpg", _image_of(world)),
        ],
        exception_handlers={404: _nowhere},
        lifespan=lifespan,
    )


def _image_of(world: World) -> Callable[[Request], Awaitable[Response]]:
    async def image(request: Request) -> Response:
        """A product's main image: a PNG under the name that Amazon's images have."""
        asin = request.path_params["asin"]
        product = world.find_product(asin)
        content = (
            image_of(asin, product.image_flaw, product.image_number) if product else image_of(asin)
        )
        headers = {"Cache-Control": f"public, max-age={IMAGE_SECONDS_MAX}"}
        return Response(content, media_type="image/png", headers=headers)

    return image


async def _nowhere(request: Request, _error: Exception) -> Response:
    return json_answer(404, {"error": f"There is nothing at {request.url.path}."})
