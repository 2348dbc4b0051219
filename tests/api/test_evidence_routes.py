"""Evidence and checkpoints as users get them: over HTTP and by the command line."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

import api.verifier
from api.desk import Desk
from api.verifier.check import verify_files
from infra.installation import Installation
from main import cli
from tests.api.page_data import listed_binding
from tests.infra.transparency_scene import signing
from tests.sellers import LinkedSeller

ABSENT = f"bnd_1_{'0' * 32}"


@pytest.fixture
def binding(desk: Desk, seller: LinkedSeller, installation: Installation) -> Iterator[str]:
    """A binding whose events are signed as they come."""
    with signing(installation):
        yield listed_binding(desk, seller.seller_id, "B0TESTAA01")


def files_of(answer: httpx.Response) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_evidence_covers_what_was_recorded_a_moment_ago_and_verifies(
    client: httpx.Client, binding: str
) -> None:
    answer = client.get(f"/v1/bindings/{binding}/evidence")
    assert answer.status_code == 200, answer.text
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert answer.headers["content-digest"] == f"sha-256=:{digest}:"
    assert binding in answer.headers["content-disposition"]
    key = client.get("/v1/checkpoint/keys").text
    verdict = verify_files(files_of(answer), key)
    assert verdict.fault is None
    history = client.get(f"/v1/bindings/{binding}/history").json()["items"]
    told = [(each["version"], each["position"]) for each in history]
    assert [(it.leaf["version"], it.leaf["position"]) for it in verdict.events] == told


def test_a_checkpoint_that_was_kept_is_shown_to_be_the_beginning(
    client: httpx.Client, binding: str, desk: Desk, seller: LinkedSeller
) -> None:
    client.get(f"/v1/bindings/{binding}/evidence")
    kept = client.get("/v1/checkpoint").text
    later = listed_binding(desk, seller.seller_id, "B0TESTAA02")
    size = kept.split("\n")[1]
    answer = client.get(f"/v1/bindings/{later}/evidence", params={"since": size})
    assert verify_files(files_of(answer), held=kept).fault is None


def test_evidence_of_another_sellers_binding_is_answered_like_an_absent_one(
    client: httpx.Client, binding: str, neighbour_bearer: dict[str, str]
) -> None:
    for name in (binding, ABSENT):
        answer = client.get(f"/v1/bindings/{name}/evidence", headers=neighbour_bearer)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    own, foreign = (client.get("/v1/checkpoint", headers=it) for it in ({}, neighbour_bearer))
    assert own.text.split("\n")[0] != foreign.text.split("\n")[0]


def test_a_since_that_the_log_never_had_is_refused_with_where_to_find_the_number(
    client: httpx.Client, binding: str
) -> None:
    for since in (10**6, 0, -1, "x"):
        answer = client.get(f"/v1/bindings/{binding}/evidence", params={"since": since})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    beyond = client.get(f"/v1/bindings/{binding}/evidence", params={"since": 10**6})
    assert "second line" in beyond.json()["errors"][0]["detail"]


def test_before_anything_is_signed_the_answer_says_to_ask_again(
    client: httpx.Client, seller: LinkedSeller
) -> None:
    answer = client.get("/v1/checkpoint")
    assert (answer.status_code, answer.json()["code"]) == (503, "nothing-signed")


# A command leaves its connection to the end of its process, which is not the end of a test.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_auditor_exports_keeps_and_verifies_by_the_command_line(
    address: str, seller_key: str, binding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASIN_SYNC_URL", address)
    monkeypatch.setenv("ASIN_SYNC_KEY", seller_key)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["audit", "export", "B0TESTAA01"]).exit_code == 0
    kept, keys = (CliRunner().invoke(cli, ["audit", "checkpoint", *more]).stdout
                  for more in ([], ["--keys"]))  # fmt: skip
    Path("kept").write_text(kept)
    Path("log.keys").write_text(keys)
    options = ["audit", "export", binding, "--since", "kept", "--output", "b.zip"]
    assert CliRunner().invoke(cli, options).exit_code == 0
    given = ["b.zip", "--checkpoint", "kept", "--key", "log.keys", "--json"]
    verified = CliRunner().invoke(cli, ["audit", "verify", *given])
    assert (verified.exit_code, json.loads(verified.stdout)["is_verified"]) == (0, True)
    Path("kept").write_text(kept.replace("A", "B", 1))
    assert CliRunner().invoke(cli, ["audit", "verify", *given]).exit_code == 1
    assert (
        CliRunner().invoke(cli, ["audit", "export", binding, "--since", "log.keys"]).exit_code == 2
    )


def test_the_verifier_runs_alone_in_another_folder_with_nothing_of_the_project(
    client: httpx.Client, binding: str, tmp_path: Path
) -> None:
    shutil.copytree(Path(api.verifier.__file__).parent, tmp_path / "verifier")
    (tmp_path / "bundle.zip").write_bytes(client.get(f"/v1/bindings/{binding}/evidence").content)
    command = [sys.executable, "-P", "-m", "verifier", "bundle.zip"]
    alone = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=False
    )
    assert (alone.returncode, alone.stdout.splitlines()[-1]) == (0, "VERIFIED"), alone.stderr
    (tmp_path / "bundle.zip").write_bytes(b"no")
    assert subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": "."}, capture_output=True,
                          check=False).returncode == 1  # fmt: skip
