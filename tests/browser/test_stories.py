"""What people come for, each done once from the first page on, by what they read there alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

import api.verifier
from api.l10n import JST, L10NS
from domain.error_codes import Language
from domain.stamps import Work
from domain.values import binding_id_of
from infra.installation import Installation
from infra.sandbox.goods import asin_of, flaw_of
from tests.api.page_data import adjusted, listed_binding, record
from tests.browser.stage import Stage
from tests.infra.running_worker import now, running_worker, wait_until
from tests.infra.transparency_scene import signing
from tests.sandbox_server import SandboxServer
from tests.sellers import upload_products

SOUND = [number for number in range(40) if flaw_of(number) is None][:4]
MILLISECONDS_MAX = 60_000
ASKED = "価格が勝手に変わりました。いつ、なぜ変わったのでしょうか。"


class Person:
    """Somebody at a browser: reads, presses what has a name, types into what has a label."""

    def __init__(self, browser: Browser, stage: Stage, language: Language, first: str) -> None:
        self.context = browser.new_context(
            locale=L10NS[language].tongue.tag, viewport={"width": 1440, "height": 900}
        )
        self.context.set_default_timeout(MILLISECONDS_MAX)
        self.page: Page = self.context.new_page()
        self.page.goto(stage.address + first)

    def press(self, name: str, within: str = "body") -> None:
        place = self.page.locator(within)
        link, button = (
            place.get_by_role(role, name=name, exact=True) for role in ("link", "button")
        )
        link.or_(button).first.click()

    def menu(self, name: str) -> None:
        self.page.get_by_role("navigation").first.get_by_role("link", name=name).click()

    def type(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def saved(self, name: str, file: Path) -> Path:
        """What comes of pressing that, as a file."""
        with self.page.expect_download() as download:
            self.press(name, "main")
        download.value.save_as(file)
        return file

    def reads(self, *texts: str) -> None:
        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text, timeout=MILLISECONDS_MAX)


@pytest.fixture
def inspecting_worker(
    module_installation: Installation, passwords: dict[str, str]
) -> Iterator[None]:
    with running_worker(module_installation, passwords, IMAGES="yes"):
        yield


def test_a_seller_finds_and_mends_the_three_failing_images(
    browser: Browser, stage: Stage, sandbox: SandboxServer, inspecting_worker: None
) -> None:
    asins = [asin_of(number) for number in SOUND]
    bad, name = asins[1:], stage.seller.name
    for asin in bad:
        sandbox.control("image", seller=name, asin=asin, flaw="coloured_background")
    work = Work(now, "test", uuid4())
    upload_products(stage.installation.app, stage.seller, SOUND, work)
    wait_until(lambda: sandbox.listings(name, asins[0]) != [], "the sound one is listed")
    seller = Person(browser, stage, "zh", "/")
    seller.type("API 密钥", stage.keys["seller"])
    seller.press("登录")
    seller.reads("处理 3 个绑定", "主图缺失或非白底")
    seller.page.get_by_role("link", name="处理 3 个绑定").click()
    seller.reads("请在亚马逊卖家后台上传或更换为白底主图", *bad)
    expect(seller.page.locator("main table")).not_to_contain_text(asins[0])
    seller.press(bad[0])
    seller.reads("问题与下一步", "E-410", "点击“重新检查”")
    sandbox.control("image", seller=name, asin=bad[0], flaw="none")
    seller.press("重新检查")
    expect(seller.page.locator(".pill", has_text="在售").first).to_be_visible(
        timeout=MILLISECONDS_MAX
    )
    for asin in bad[1:]:
        sandbox.control("image", seller=name, asin=asin, flaw="none")
    seller.menu("绑定")
    seller.page.get_by_role("main").get_by_role("link", name="未通过").click()
    seller.page.get_by_label("本页全部").check()
    seller.press("重新检查…")
    seller.press("重新检查这 2 个")
    seller.menu("同步日志")
    for asin in bad:
        row = seller.page.locator("[data-rows] tr", has_text=asin).filter(has_text="已同步")
        expect(row.first).to_be_visible(timeout=MILLISECONDS_MAX)
    seller.menu("健康分")
    expect(seller.page.locator("[data-figure=status-listed]")).to_have_text(
        "4", timeout=MILLISECONDS_MAX
    )
    for asin in bad:
        assert sandbox.listings(name, asin)[0]["is_on_sale"]


def test_support_answers_a_ticket_with_the_right_history_of_the_listing(
    browser: Browser, stage: Stage
) -> None:
    asin, other = "B0PRICED01", "B0OTHERS01"
    for each, price in ((asin, 9_990), (other, 7_770)):
        listed_binding(stage.desk, stage.seller_id, each)
        moved = adjusted(9_600, price)
        record(stage.desk, stage.seller_id, binding_id_of(stage.seller_id, each), 5, [moved])
    seller = Person(browser, stage, "ja", "/")
    seller.type("API キー", stage.keys["seller"])
    seller.press("サインイン")
    seller.menu("お問い合わせ")
    seller.type("ASIN（関係する場合）", asin)
    seller.type("件名", "価格が変わりました")
    seller.type("何が起きましたか。本来どうなるはずでしたか。", ASKED)
    seller.press("問い合わせを送信")
    support = Person(browser, stage, "ja", "/")
    support.type("API キー", stage.keys["support"])
    support.press("サインイン")
    support.press("お問い合わせ")
    support.page.get_by_role("row", name=asin).get_by_role("link").first.click()
    support.reads(ASKED, "この紐付けの履歴", "¥9,990")
    expect(support.page.get_by_role("main")).not_to_contain_text("¥7,770")
    change = support.page.get_by_role("listitem").filter(has_text="¥9,990").first
    told = change.locator("b").inner_text()
    change.get_by_role("link", name="過去の時点を表示").click()
    support.reads("過去の状態を表示しています", asin, "¥9,990")
    support.press("一つ前")
    support.reads("¥9,600")
    support.press("現在と比較")
    expect(support.page.get_by_role("row", name="price_jpy").first).to_contain_text("¥9,990")
    support.menu("お問い合わせ")
    support.page.get_by_role("row", name=asin).get_by_role("link").first.click()
    support.type("返信内容", told)
    support.press("送信")
    seller.menu("お問い合わせ")
    seller.press("価格が変わりました")
    seller.reads(ASKED, told)
    for person in (seller, support):
        person.context.close()


def test_an_auditor_shows_what_a_listing_was_at_a_second_and_hands_over_proof(
    browser: Browser, stage: Stage, tmp_path: Path
) -> None:
    asin = "B0AUDIT001"
    binding_id = binding_id_of(stage.seller_id, asin)
    listed_binding(stage.desk, stage.seller_id, asin)
    time.sleep(1.5)
    second = datetime.now(JST).replace(microsecond=0)
    record(stage.desk, stage.seller_id, binding_id, 5, [adjusted(9_600, 12_340)])
    auditor = Person(browser, stage, "en", "/")
    with signing(stage.installation):
        auditor.type("API key", stage.keys["auditor"])
        auditor.press("Sign in")
        auditor.type("Seller ID", stage.names["seller"])
        auditor.type("Why you look", "a complaint about a price")
        auditor.press("Show")
        auditor.menu("Audit")
        auditor.reads("Keep this checkpoint", "Signed")
        kept = auditor.saved("Keep this checkpoint", tmp_path / "kept.checkpoint")
        keys = auditor.saved("Public keys", tmp_path / "log.vkey")
        record(stage.desk, stage.seller_id, binding_id, 6, [adjusted(12_340, 5_000)])
        auditor.type("ASIN or id of the binding", asin)
        auditor.type("At this second (JST)", second.strftime("%Y-%m-%dT%H:%M:%S"))
        auditor.press("Look at the past")
        auditor.reads("You are looking at the past", asin, "¥9,600")
        expect(auditor.page.locator("main")).not_to_contain_text("¥12,340")
        auditor.press("Back to now")
        auditor.reads("¥5,000")
        auditor.type("Leaves of a checkpoint that you kept", kept.read_text().split("\n")[1])
        proof = auditor.saved("Prove that nothing before it was rewritten", tmp_path / "proof.zip")
    auditor.context.close()
    shutil.copytree(Path(api.verifier.__file__).parent, tmp_path / "verifier")
    command = [sys.executable, "-P", "-m", "verifier", proof, "--checkpoint", kept, "--key", keys]
    told = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=False
    ).stdout
    assert told.endswith("VERIFIED\n"), told
    assert told.count("asin_binding.price_adjusted") == 3
    with zipfile.ZipFile(proof) as bundle:
        report = bundle.read("report.html").decode()
    assert all(each in report for each in (asin, "¥9,600", "¥12,340", "¥5,000"))


def test_an_engineer_follows_the_feed_from_the_documentation_alone(
    browser: Browser, stage: Stage, tmp_path: Path
) -> None:
    asin = "B0FOLLOW01"
    listed_binding(stage.desk, stage.seller_id, asin)
    engineer = Person(browser, stage, "en", "/docs")
    engineer.press("API keys", "main")
    engineer.type("API key", stage.keys["seller"])
    engineer.press("Sign in")
    engineer.type("Label: who or what it is for", "feed")
    engineer.page.get_by_role("radio", name=re.compile("Service")).check()
    engineer.press("Make and show the key")
    key = engineer.page.get_by_role("status").filter(has_text="The new key").locator("p").first
    environment = {**os.environ, "ASIN_SYNC_KEY": key.inner_text()}
    engineer.menu("API reference")
    section = engineer.page.locator(
        "section", has=engineer.page.get_by_text("Follow the feed", exact=True)
    )
    program, run, live = section.locator("pre").all_inner_texts()
    (tmp_path / run.split()[1]).write_text(program)
    commands = ([sys.executable, *run.split()[1:]], ["sh", "-c", f"exec {live}"])
    followers = [
        subprocess.Popen(each, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        for each in commands
    ]
    listed, live_event = (reading(each) for each in followers)
    wait_until(lambda: any("asin_binding.listed" in line for line in listed), "the history comes")
    for version in range(5, 100):
        moved = adjusted(9_600 + version, 9_601 + version)
        record(stage.desk, stage.seller_id, binding_id_of(stage.seller_id, asin), version, [moved])
        if any("price_adjusted" in line for line in live_event):
            break
    assert any("price_adjusted" in line for line in live_event), "no live event"
    wait_until(lambda: any("price_adjusted" in line for line in listed), "the change comes")
    for follower in followers:
        follower.kill()
        follower.communicate()
    engineer.context.close()


def reading(process: subprocess.Popen[str]) -> list[str]:
    """The lines that the process has printed up to now."""
    lines: list[str] = []
    assert process.stdout
    threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True).start()
    return lines
