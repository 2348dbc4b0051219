"""The state of the sync: on the page in three languages, as JSON, on the command line."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.requests import Request
from typer.testing import CliRunner, Result

from api.cli.client import Server
from api.cli.program import build_cli
from api.desk import Desk
from api.ids import public_id
from api.l10n import L10NS
from api.pages.health_view import live_figures
from api.pages.page_frame import Visit
from domain.error_codes import ERROR_CODES, LANGUAGES, Language
from domain.facts import Recorded
from domain.seller import SweepRequested
from domain.sync_sweep import HeldChange
from domain.values import binding_id_of
from infra.installation import Installation
from tests.api.page_data import listed_binding
from tests.api.sync_scene import MINUTE, SyncScene, held_changes, under_way
from tests.api.visiting import Visitor, csrf_in
from tests.sellers import LinkedSeller

FOLLOW = {"zh": "照亚马逊执行", "ja": "Amazon に合わせる", "en": "Follow Amazon"}
NOTHING_CHANGED = {"zh": "商品保持原样", "ja": "出品はそのまま", "en": "Nothing was changed"}
ALL_WELL = {
    "zh": "没有暂停、暂缓或延迟的项目。", "ja": "停止・保留・遅延しているものはありません。",
    "en": "Nothing is paused, held or late.",
}  # fmt: skip
LATE = {"zh": "晚了 1 小时 29 分钟", "ja": "1 時間 29 分の遅れ", "en": "1 h 29 min late"}
HELD_ASINS = tuple(f"B0HELD000{number}" for number in range(7))


def in_each_language(browser: httpx.Client) -> Iterator[tuple[Language, str]]:
    """The health page, once a language."""
    for language in LANGUAGES:
        yield language, browser.get(f"/?lang={language}").text


@pytest.fixture
def scene(desk: Desk, seller_id: UUID) -> SyncScene:
    """The sync of a seller with one listing."""
    listed_binding(desk, seller_id, "B0SCENE001")
    return SyncScene(desk, seller_id)


def requests(desk: Desk, seller_id: UUID) -> list[Recorded]:
    return [each for each in desk.history(seller_id, seller_id)
            if isinstance(each.fact, SweepRequested)]  # fmt: skip


def test_what_is_paused_says_since_when_why_and_what_it_means_for_the_listings(
    scene: SyncScene, seller_key: str, visitor: Visitor
) -> None:
    scene.pause("amazon", "E-901")
    for language, page in in_each_language(visitor(seller_key)):
        texts = ERROR_CODES["E-901"].texts[language]
        assert texts.title in page
        assert texts.action in page
        assert NOTHING_CHANGED[language] in page
        assert 'data-figure="retry-amazon"' in page
        assert "<b>getItemOffers</b>" not in page
        assert ALL_WELL[language] not in page


def test_a_permission_that_ended_names_the_command_that_gives_it_again(
    scene: SyncScene, seller_key: str, visitor: Visitor
) -> None:
    scene.pause("amazon", "E-401")
    scene.pause("mercari", "E-401")
    seller = public_id("sel", scene.seller_id)
    for _, page in in_each_language(visitor(seller_key)):
        assert '<a href="/settings/integration">' in page
        assert f"asin-sync seller link-amazon --seller {seller} --wait" in page
        assert f"asin-sync seller link-mercari --seller {seller} --token-file -" in page
        assert '<section class="verdict card warn"' in page


def test_held_changes_are_shown_with_both_readings_and_a_way_to_follow_amazon(
    scene: SyncScene, seller_key: str, visitor: Visitor
) -> None:
    priced = HeldChange(asin="B0HELDYEN1", first="¥1200", second="¥9800")
    scene.brake("status", (priced, *held_changes(*HELD_ASINS)))
    for language, page in in_each_language(visitor(seller_key)):
        assert FOLLOW[language] in page
        assert "¥1,200" in page
        assert "¥9,800" in page
        binding = public_id("bnd", binding_id_of(scene.seller_id, HELD_ASINS[0]))
        assert f'<a class="mono" href="/bindings/{binding}">{HELD_ASINS[0]}</a>' in page
        assert HELD_ASINS[-1] not in page
        assert "hasSuspendedListings" not in page


def test_following_amazon_asks_for_that_sweep_once_without_its_brake_and_says_who(
    desk: Desk, scene: SyncScene, seller_key: str, visitor: Visitor
) -> None:
    scene.brake("stock_price", held_changes(*HELD_ASINS))
    browser = visitor(seller_key)
    form = {"csrf": csrf_in(browser.get("/").text), "kind": "stock_price"}
    for _ in range(2):
        answer = browser.post("/sweeps", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/#sync")
    [asked] = requests(desk, scene.seller_id)
    assert isinstance(asked.fact, SweepRequested)
    assert (asked.fact.kind, asked.fact.is_brake_off) == ("stock_price", True)
    caller = desk.keys.caller(seller_key)
    assert caller is not None
    assert asked.fact.stamp.actor == f"key:{caller.key_id}"
    page = browser.get("/").text
    assert "Asked for at" in page
    assert FOLLOW["en"] not in page
    scene.end("stock_price", 0)
    assert ALL_WELL["en"] in browser.get("/").text


def test_a_form_without_its_token_or_of_nothing_that_is_held_asks_for_no_sweep(
    desk: Desk, scene: SyncScene, seller_key: str, visitor: Visitor
) -> None:
    browser = visitor(seller_key)
    csrf = csrf_in(browser.get("/").text)
    assert browser.post("/sweeps", data={"csrf": csrf, "kind": "status"}).status_code == 303
    scene.brake("status", held_changes(*HELD_ASINS))
    refused = browser.post("/sweeps", data={"csrf": "", "kind": "status"})
    assert refused.headers["location"].startswith("/sign-in")
    crossing = browser.post("/sweeps", data={"csrf": csrf, "kind": "status"},
                            headers={"origin": "https://evil.example"})  # fmt: skip
    assert crossing.headers["location"].startswith("/sign-in")
    assert browser.post("/sweeps", data={"csrf": csrf, "kind": "odd"}).status_code == 409
    assert browser.post("/sweeps", data={"csrf": csrf, "kind": "report"}).status_code == 303
    assert requests(desk, scene.seller_id) == []


def test_staff_see_what_is_held_and_do_not_decide_on_it(
    desk: Desk, scene: SyncScene, visitor: Visitor
) -> None:
    scene.brake("status", held_changes(*HELD_ASINS))
    browser = visitor(desk.keys.create("support", None, "desk")[1])
    named = public_id("sel", scene.seller_id)
    page = browser.get(f"/?seller_id={named}").text
    assert HELD_ASINS[0] in page
    assert FOLLOW["en"] not in page
    sent = browser.post(f"/sweeps?seller_id={named}",
                        data={"csrf": csrf_in(page), "kind": "status"})  # fmt: skip
    assert sent.status_code == 403


def test_a_late_sweep_says_how_late_and_one_under_way_when_it_will_end(
    scene: SyncScene,
    installation: Installation,
    seller_key: str,
    visitor: Visitor,
) -> None:
    scene.end("stock_price", 120)
    browser = visitor(seller_key)
    for language, page in in_each_language(browser):
        assert LATE[language] in page
        assert ALL_WELL[language] not in page
        assert '<details class="tbl" open>' in page
    scene.delay("status", 130)
    under_way(installation, scene.seller_id, "status", scene.due(130), 650)
    for language, page in in_each_language(browser):
        assert ERROR_CODES["E-907"].texts[language].action in page
        for name in ("promised-status", "ends-status", "run-status"):
            assert f'data-figure="{name}"' in page
        assert "650" in page


def test_when_all_is_well_one_quiet_line_says_so(
    scene: SyncScene, seller_key: str, visitor: Visitor
) -> None:
    scene.all_well()
    for language, page in in_each_language(visitor(seller_key)):
        assert ALL_WELL[language] in page
        assert '<details class="tbl" open>' not in page
        assert 'action="/sweeps"' not in page


def test_an_open_page_is_loaded_again_when_a_condition_opens_or_closes_and_not_between(
    desk: Desk, scene: SyncScene, seller_key: str
) -> None:
    def shape() -> object:
        with desk.reading_for(scene.seller_id) as connection:
            return live_figures(connection, visit_of(desk, scene, seller_key))["shape"]

    well = shape()
    scene.pause("amazon", "E-901")
    opened = shape()
    scene.pause("amazon", "E-901", tries=1)
    assert shape() == opened != well
    scene.resume("amazon", "E-901", version=2)
    assert shape() == well


def visit_of(desk: Desk, scene: SyncScene, key: str) -> Visit:
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [],
                       "query_string": b"", "server": ("localhost", 80)})  # fmt: skip
    caller = desk.keys.caller(key)
    assert caller is not None
    return Visit(request, L10NS["en"], scene.now, desk.position(), "", caller, scene.seller_id)


def test_a_quick_look_that_left_all_to_the_status_sweep_is_no_trouble(
    scene: SyncScene, seller_key: str, visitor: Visitor
) -> None:
    scene.end("delta", 5, stopped_by="more than 1,000 offers can't be bought")
    browser = visitor(seller_key)
    assert "Left to the status sweep" in browser.get("/").text
    assert ALL_WELL["en"] in browser.get("/").text
    scene.end("catalogue", 5, stopped_by="E-901")
    assert "Stopped early" in browser.get("/").text
    assert ALL_WELL["en"] not in browser.get("/").text


# --- JSON ---------------------------------------------------------------------------------------


def test_json_gives_conditions_sweeps_under_way_and_how_each_last_ended(
    scene: SyncScene, installation: Installation, client: httpx.Client
) -> None:
    scene.pause("amazon", "E-901")
    scene.brake("status", held_changes("B0HELD0001"))
    scene.delay("stock_price", 60)
    under_way(installation, scene.seller_id, "stock_price", scene.due(60), 650)
    state = client.get("/v1/sync-state").json()
    paused, braked, delayed = (
        next(each for each in state["conditions"] if each["kind"] == kind)
        for kind in ("breaker", "brake", "delay")
    )
    assert (paused["subject"], paused["error_code"], paused["tries"]) == ("amazon", "E-901", 0)
    assert paused["retry_at"] > paused["since"]
    assert paused["who_acts"] == "automatic"
    assert (braked["held_count"], braked["listings"], braked["limit"]) == (1, 1_000, 100)
    assert braked["held"] == [{
        "asin": "B0HELD0001", "first": "suspended: hasSuspendedListings", "second": "no change",
        "binding_id": public_id("bnd", binding_id_of(scene.seller_id, "B0HELD0001")),
    }]  # fmt: skip
    assert (delayed["done"], delayed["listings"]) == (650, 1_000)
    assert delayed["projected_at"] > delayed["promised_at"]
    assert all(each["said"] and each["suggested_action"] for each in state["conditions"])
    [running] = state["under_way"]
    assert (running["kind"], running["done"], running["listings"]) == ("stock_price", 650, 1_000)
    [ended] = state["ended"]
    assert (ended["kind"], ended["late_seconds"], ended["changed"]) == ("status", 0, 12)
    japanese = client.get("/v1/sync-state?lang=ja").json()["conditions"][0]
    assert japanese["said"] != state["conditions"][0]["said"]


def test_a_sweep_that_stood_still_for_an_hour_is_not_under_way(
    scene: SyncScene, installation: Installation, client: httpx.Client
) -> None:
    under_way(installation, scene.seller_id, "status", scene.due(90), 650)
    with installation.database.pool("jobs").connection() as connection:
        connection.execute("UPDATE asin_sync.sweep_run SET updated_at = %s",
                           (scene.now - 61 * MINUTE,))  # fmt: skip
    assert client.get("/v1/sync-state").json()["under_way"] == []


def test_another_seller_sees_nothing_of_it(
    scene: SyncScene,
    installation: Installation,
    client: httpx.Client,
    neighbour: LinkedSeller,
    neighbour_bearer: dict[str, str],
) -> None:
    scene.pause("amazon", "E-401")
    scene.brake("status", held_changes("B0HELD0001"))
    under_way(installation, scene.seller_id, "stock_price", scene.due(10), 1)
    state = client.get("/v1/sync-state", headers=neighbour_bearer).json()
    assert (state["conditions"], state["under_way"], state["ended"]) == ([], [], [])
    foreign = f"/v1/sync-state?seller_id={public_id('sel', scene.seller_id)}"
    assert client.get(foreign, headers=neighbour_bearer).status_code == 404


def test_each_role_reads_what_it_reads_of_the_score(
    scene: SyncScene, client: httpx.Client, installation: Installation
) -> None:
    named = public_id("sel", scene.seller_id)
    for role, bound in (("service", scene.seller_id), ("support", None), ("auditor", None),
                        ("reviewer", None), ("admin", None)):  # fmt: skip
        key = {"Authorization": f"Bearer {installation.api_keys.create(role, bound, 't')[1]}"}
        for query in ("", f"?seller_id={named}", f"?seller_id={public_id('sel', uuid4())}"):
            expected = client.get(f"/v1/health-score{query}", headers=key).status_code
            answer = client.get(f"/v1/sync-state{query}", headers=key)
            assert answer.status_code == expected, (role, query)
    assert client.get("/v1/sync-state", headers={"Authorization": "x"}).status_code == 401


def test_metrics_count_what_is_open_over_all_sellers(
    desk: Desk, scene: SyncScene, installation: Installation, client: httpx.Client
) -> None:
    scene.pause("amazon", "E-901")
    SyncScene(desk, uuid4()).pause("amazon", "E-401")
    scene.brake("status", held_changes("B0HELD0001"))
    scene.end("stock_price", 120)
    under_way(installation, scene.seller_id, "drift", scene.due(10), 1)
    metrics = client.get("/metrics").text.splitlines()
    assert 'asin_sync_breakers_open{marketplace="amazon"} 2' in metrics
    assert 'asin_sync_breakers_open{marketplace="mercari"} 0' in metrics
    assert 'asin_sync_brakes_open{sweep="status"} 1' in metrics
    assert 'asin_sync_delays_open{sweep="status"} 0' in metrics
    assert "asin_sync_sweeps_under_way 1" in metrics
    [late] = [each for each in metrics if each.startswith("asin_sync_sweep_late_seconds_max ")]
    assert int(late.split()[1]) == 89 * 60


# --- command line -------------------------------------------------------------------------------

Run = Callable[..., Result]


@pytest.fixture
def run(address: str, seller_key: str) -> Iterator[Run]:
    cli, runner = build_cli(lambda: Server(address, seller_key)), CliRunner()
    yield lambda *arguments: runner.invoke(cli, list(arguments), env={"COLUMNS": "200"})
    gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_command_line_shows_the_state_and_asks_for_a_sweep(
    desk: Desk, scene: SyncScene, run: Run
) -> None:
    assert "nothing is paused, held or late" in run("sync", "status").stdout
    scene.pause("amazon", "E-901")
    scene.brake("status", held_changes("B0HELD0001"))
    said = run("sync", "status").stdout
    assert "E-901 Amazon has been left alone since" in said
    assert "asin-sync sync run status --without-brake" in said
    assert "B0HELD0001" in said
    assert len(json.loads(run("sync", "status", "--json").stdout)["conditions"]) == 2
    assert run("sync", "run", "odd").exit_code == 2
    for arguments in (("stock_price",), ("status", "--without-brake")):
        asked = run("sync", "run", *arguments)
        assert asked.exit_code == 0, asked.stderr
        assert json.loads(asked.stdout)["position"] > 0
    facts = [each.fact for each in requests(desk, scene.seller_id)]
    assert [(each.kind, each.is_brake_off) for each in facts if isinstance(each, SweepRequested)
            ] == [("stock_price", False), ("status", True)]  # fmt: skip
