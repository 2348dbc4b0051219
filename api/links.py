"""Linking the marketplaces over JSON; the page of integration links by the same functions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from api.auth import caller_of
from api.desk import Desk
from api.ids import public_id
from api.requests import Reception
from api.sellers import acting, ensure_may_link
from domain import seller
from domain.consents import ensure_shop_id, ensure_token
from domain.sellers import change_seller
from domain.stamps import Work

TOKEN_LENGTH_MAX = 4096
SHOP_ID_LENGTH_MAX = 100


class AmazonLinkBody(BaseModel):
    """Nothing, to ask for the seller's consent on Amazon's page; or its LWA refresh token."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    refresh_token: SecretStr | None = Field(None, min_length=1, max_length=TOKEN_LENGTH_MAX)

    @field_validator("*", mode="before")
    @classmethod
    def refuse_null(cls, value: object) -> object:
        """A token that is null is a mistake, no wish for a consent."""
        if value is None:
            raise PydanticCustomError("no_null", "give a value, or leave it out")
        return value


class MercariLinkBody(BaseModel):
    """The shop's personal API access token."""

    access_token: SecretStr = Field(min_length=1, max_length=TOKEN_LENGTH_MAX)
    shop_id: str = Field(min_length=1, max_length=SHOP_ID_LENGTH_MAX)


def build_links(reception: Reception) -> APIRouter:
    """Routes under /sellers/{seller_id}; the seller's own, and an admin's."""
    router = APIRouter(tags=["sellers"])
    desk = reception.desk

    @router.post("/sellers/{seller_id}/amazon-link", status_code=202)
    def link_amazon(request: Request, seller_id: str, body: AmazonLinkBody) -> Any:
        """Ask for the permission to read Amazon.co.jp at `consent_url`, or store a token of it."""
        inner, work = acting(reception, request, seller_id)
        ensure_may_link(desk, inner)
        if body.refresh_token is None:
            key_id = caller_of(request, desk, reception.sessions).key_id
            return desk.consents.begin(inner, key_id, None).model_dump()
        token = body.refresh_token.get_secret_value()
        return linked(desk, inner, amazon_linked(desk, inner, token, work))

    @router.post("/sellers/{seller_id}/mercari-link", status_code=202)
    def link_mercari(request: Request, seller_id: str, body: MercariLinkBody) -> Any:
        """Store the permission to write to the Mercari shop."""
        inner, work = acting(reception, request, seller_id)
        token = body.access_token.get_secret_value()
        return linked(desk, inner, mercari_linked(desk, inner, token, body.shop_id, work))

    return router


def linked(desk: Desk, seller_id: UUID, position: int | None) -> dict[str, Any]:
    return {"id": public_id("sel", seller_id), "position": position or desk.position()}


def amazon_linked(desk: Desk, seller_id: UUID, token: str, work: Work) -> int | None:
    """Store the seller's own refresh token. Raises LinkRefused, SellerTerminated."""
    ensure_token("refresh_token", token)
    ensure_may_link(desk, seller_id)
    desk.store_secret(seller_id, "amazon_refresh_token", token)
    command = seller.LinkAmazon(stamp=work.stamp())
    return change_seller(desk.app, seller_id, lambda it: seller.link_amazon(it, command))


def mercari_linked(desk: Desk, seller_id: UUID, token: str, shop_id: str, work: Work) -> int | None:
    """Store the shop's access token.

    Raises LinkRefused, NotFound, SellerTerminated; then nothing is stored.
    """
    ensure_token("access_token", token)
    ensure_shop_id(shop_id)
    ensure_may_link(desk, seller_id)
    desk.store_secret(seller_id, "mercari_access_token", token)
    command = seller.LinkMercari(stamp=work.stamp(), shop_id=shop_id)
    return change_seller(desk.app, seller_id, lambda it: seller.link_mercari(it, command))
