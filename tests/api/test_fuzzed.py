"""Requests that nobody thought of: Schemathesis against the served application, as two sellers.

`FUZZED_EXAMPLES=100 make test ARGS="-k fuzzed"` asks far more than the build has time for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from api.desk import Desk
from api.ids import public_id
from infra.installation import Installation
from tests.api.page_data import listed_binding, open_upload
from tests.infra.transparency_scene import signing
from tests.sellers import LinkedSeller

EXAMPLES = int(os.environ.get("FUZZED_EXAMPLES", "1"))
SEED = int(os.environ.get("FUZZED_SEED", "7"))
ROOT = Path(__file__).parents[2]
REPORT = ROOT / "var/fuzzed.txt"
SECONDS_MAX = 15
LEFT_OUT = (
    "/v1/sync-log/stream", "/v1/submissions/{submission_id}/events",  # these never end
    "/v1/sellers/{seller_id}/erasure", "/v1/keys/{key_id}",  # these close the door behind us
    "/v1/notifications/mercari/{token}",  # opened by its own path
)  # fmt: skip
CONFIG = """
hooks = "tests.api.fuzzing_hooks"
warnings = false
[auth.wfc]
path = "{wfc}"
user = "seller"
peers = ["seller", "neighbour"]
[phases.stateful]
enabled = {is_long}
[phases.coverage]
enabled = {is_long}
[checks.positive_data_acceptance]
enabled = false
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 415, 422, 428, 429, "5xx"]
[checks.missing_required_header]
expected-statuses = [401, 403, 404, 422, 428]
[[operations]]
include-path = "/v1/validator"
[operations.checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", 502, 503]
"""


def bearer_of(name: str, key: str) -> dict[str, object]:
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]}


def things_of(desk: Desk, seller: LinkedSeller, client: httpx.Client) -> dict[str, str]:
    """One of each thing that an id can name."""
    ticket = client.post("/v1/tickets", json={"subject": "Suspended", "text": "Why?"}).json()
    webhook = client.post("/v1/webhooks", json={"url": "https://hooks.example.com/"}).json()
    return {
        "binding_id": listed_binding(desk, seller.seller_id, "B0FUZZED01"),
        "submission_id": public_id("sub", open_upload(desk, seller.seller_id, ["B0FUZZED02"])),
        "seller_id": "me", "ticket_id": ticket["id"], "webhook_id": webhook["id"],
    }  # fmt: skip


def test_no_request_breaks_the_service_or_its_promises_or_reaches_another_seller(
    desk: Desk, client: httpx.Client, seller: LinkedSeller, seller_key: str,
    installation: Installation, neighbour_bearer: dict[str, str], tmp_path: Path,
) -> None:  # fmt: skip
    wfc, config = tmp_path / "wfc.json", tmp_path / "schemathesis.toml"
    neighbour = neighbour_bearer["Authorization"].removeprefix("Bearer ")
    wfc.write_text(
        json.dumps({"auth": [bearer_of("seller", seller_key), bearer_of("neighbour", neighbour)]})
    )
    config.write_text(CONFIG.format(wfc=wfc, is_long=str(EXAMPLES > 1).lower()))
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run",
        str(client.base_url.join("/openapi.json")), "--max-examples", str(EXAMPLES),
        "--seed", str(SEED),
        "--request-timeout", "30", "--no-color", "--continue-on-failure",
        *(["--max-time", str(SECONDS_MAX)] if EXAMPLES == 1 else []),
        *(each for path in LEFT_OUT for each in ("--exclude-path", path)),
    ]  # fmt: skip
    ids = json.dumps(things_of(desk, seller, client))
    environment = {**os.environ, "FUZZED_IDS": ids, "PYTHONPATH": str(ROOT)}
    with signing(installation):
        ran = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(ran.stdout + ran.stderr, "utf-8")
    assert ran.returncode == 0, f"{ran.stdout[-9_000:]}\n{ran.stderr[-1_000:]}"
