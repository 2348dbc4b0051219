"""Routes for those who run the service: alive, ready, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.desk import Desk

NO_STORE = {"Cache-Control": "no-store"}


def build_operations(desk: Desk) -> APIRouter:
    """Routes outside /v1; none needs a key, none tells of a seller."""
    router = APIRouter(tags=["operations"])

    @router.get("/livez")
    async def alive() -> Response:
        """The process answers."""
        return Response("ok", media_type="text/plain", headers=NO_STORE)

    @router.get("/readyz")
    def ready() -> Response:
        """Postgres answers and every projection goes on; 503 otherwise, with the reasons."""
        faults = desk.faults()
        text = "; ".join(faults) or "ok"
        status = 503 if faults else 200
        return Response(text, status, media_type="text/plain", headers=NO_STORE)

    @router.get("/metrics")
    def metrics() -> Response:
        """Positions and lags in the Prometheus text format."""
        lines: dict[str, None] = {}
        for name, value in desk.figures().items():
            lines[f"# TYPE asin_sync_{name.partition('{')[0]} gauge"] = None
            lines[f"asin_sync_{name} {value}"] = None
        text = "\n".join(lines) + "\n"
        return Response(text, media_type="text/plain; version=0.0.4", headers=NO_STORE)

    return router
