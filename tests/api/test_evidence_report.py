"""What people read in a bundle: README, report and table of contents, in three languages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api.evidence_report.as_html import as_html
from api.evidence_report.as_pdf import as_pdf
from api.evidence_report.files import readable_files
from api.evidence_report.told import report_of
from api.evidence_report.typesetting import MISSING, Sheet, Style, broken, glyph
from api.l10n import L10NS
from api.verifier.check import told, verify_files
from domain.application import Change, acting_for
from domain.error_codes import LANGUAGES, Language
from domain.facts import Fact, Recorded
from domain.transparency.bundle import Bundle, proof_files
from infra.event_codec import decode
from infra.installation import Installation
from tests.examples import (
    a_product,
    drifted,
    listed,
    mapped,
    rejected,
    requested,
    suspended,
    validated,
)
from tests.infra.transparency_scene import PRICE_MOVED, TransparencyScene

TITLE = "ステンレス真空断熱タンブラー 420ml <b>&"
SHOP = "山田商店 <script>"
LIFE: list[Fact] = [
    requested(), rejected("E-403", "E-418"), requested(),
    validated(product=a_product(title=TITLE)), mapped(), listed(), PRICE_MOVED,
    drifted("description", title="格安"), suspended(),
]  # fmt: skip
Made = tuple[Bundle, list[Recorded]]


@pytest.fixture(scope="module")
def scene(module_installation: Installation) -> Iterator[TransparencyScene]:
    made = TransparencyScene(module_installation)
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(scene: TransparencyScene) -> Made:
    """A binding's whole life among others, proved since its beginning; its events as facts too."""
    seller_id, stream = uuid4(), uuid4()
    with acting_for(seller_id):
        scene.installation.app.record(Change(stream, 0, LIFE[:2]))
        scene.sign()
        scene.bindings(seller_id, 7, 3)
        scene.installation.app.record(Change(stream, 2, LIFE[2:]))
    scene.sign()
    return proved(scene, seller_id, stream)


def proved(scene: TransparencyScene, seller_id: UUID, stream: UUID) -> Made:
    bundle: Bundle = scene.bundle(seller_id, stream, 2)
    history = [
        Recorded(it.position, it.recorded_at, seller_id, stream, it.version,
                 decode(it.topic, it.state))
        for it, *_ in bundle.events
    ]  # fmt: skip
    return bundle, history


def files_in(made: Made, language: Language) -> dict[str, bytes]:
    return dict(readable_files(*made, SHOP, L10NS[language]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_tells_every_event_and_where_it_is_proved(
    made: Made, language: Language
) -> None:
    bundle, _ = made
    html = files_in(made, language)["report.html"].decode()
    l10n = L10NS[language]
    assert l10n.text("This is a rendering, made to be read. It proves nothing.") in html
    report = report_of(*made, SHOP, l10n)
    assert [each.version for each in report.events] == list(range(1, len(LIFE) + 1))
    for event, _, number, _ in bundle.events:
        assert f'id="v{event.version}"' in html
        assert f"events/{event.version}.json" in html
        assert f"{number} · " in html
    for each in report.events:
        assert each.said
        assert each.leaf_hash in html
        assert each.utc in html
    for verifier in bundle.note.signatures:
        assert verifier.key_id.hex() in html
    assert bundle.checkpoint.root.hex() in html
    assert "E-418" in html
    assert 'lang="ja">ステンレス真空断熱タンブラー 420ml &lt;b&gt;&amp;<' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_is_one_file_that_loads_and_runs_nothing(made: Made, language: Language) -> None:
    html = files_in(made, language)["report.html"].decode()
    assert "山田商店 &lt;script&gt;" in html
    assert re.findall(r"<(script|link|img|iframe|object|base|form)\b", html) == []
    assert re.findall(r"(?:src|href)=\"(?!#)|url\(|@import|\son\w+=", html) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_told_or_not_covered_is_counted(made: Made, language: Language) -> None:
    report = report_of(*made, SHOP, L10NS[language])._replace(left_out=1_234, newer=5)
    html = as_html(report).decode()
    assert "1,234" in html
    assert report.covers in html
    assert "5" in report.covers.rpartition("·")[2]
    assert len(as_pdf(report)) > len(as_pdf(report._replace(left_out=0)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_can_be_read_and_equal_histories_give_equal_bytes(
    made: Made, language: Language
) -> None:
    pdf = files_in(made, language)["report.pdf"]
    assert pdf == files_in(made, language)["report.pdf"]
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert f"/Lang ({L10NS[language].tongue.tag})".encode() in pdf
    assert b"/JavaScript" not in pdf
    assert b"/URI" not in pdf


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_fits_on_its_page_and_loses_no_character(language: Language) -> None:
    style = Style()
    texts = ("商品 " * 70, "x" * 400, "価格、" * 90, "bnd_1_0f3c " * 40, "", "\t\n\x00", TITLE)
    for text in texts:
        lines = list(broken(text, 300.0, language, style))
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        for line in lines:
            assert sum(glyph(char, language, style)[2] for char in line) < 320
    sheet = Sheet(language)
    for _ in range(200):
        sheet.paragraph(texts[0], style)
    assert len(sheet.pages) > 3
    assert all(placed.y > 40 for page in sheet.pages for placed in page)


@pytest.mark.parametrize(
    ("char", "language", "font"),
    [
        ("A", "zh", "Helvetica"), ("é", "ja", "Helvetica"), ("審", "en", "HeiseiKakuGo-W5"),
        ("審", "ja", "HeiseiKakuGo-W5"), ("审", "ja", "STSong-Light"), ("价", "zh", "STSong-Light"),
        ("ｱ", "zh", "HeiseiKakuGo-W5"), ("①", "ja", "HeiseiKakuGo-W5"), ("→", "zh", "STSong-Light"),
    ],
)  # fmt: skip
def test_each_character_is_set_in_a_font_that_has_it(
    char: str, language: Language, font: str
) -> None:
    assert glyph(char, language, Style())[:2] == (char, font)


@pytest.mark.parametrize("char", ["😀", "ไ", "한", "\U00020bb7"])
def test_a_character_that_no_font_has_is_shown_to_be_missing(char: str) -> None:
    assert glyph(char, "ja", Style())[0] == MISSING


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_readme_says_what_is_proved_what_is_not_and_how_to_verify(
    made: Made, language: Language
) -> None:
    text = files_in(made, language)["README.md"].decode()
    for said in ("events/", "head", "log.vkey", "consistency", "VERIFIED", "python -m verifier",
                 "sumdb/tlog", "@sigstore/verify", "aics-tlog", "openssl pkeyutl",
                 made[0].checkpoint.origin):  # fmt: skip
        assert said in text
    assert "|\n\n|" not in text
    assert "\n\n\n" not in text
    assert "{{" not in text
    assert "{%" not in text


def test_the_manifest_lists_each_version_and_says_that_it_proves_nothing(made: Made) -> None:
    content = json.loads(files_in(made, "en")["manifest.json"])
    listed_events = [(it["version"], it["leaf"]) for it in content["events"]]
    assert listed_events == [(event.version, number) for event, _, number, _ in made[0].events]
    assert "Nothing is proved" in content["note"]


def test_the_verifier_names_the_renderings_as_not_proved_and_cares_for_no_word_in_them(
    made: Made,
) -> None:
    files = dict(proof_files(made[0]))
    whole = verify_files(files | files_in(made, "ja"))
    assert whole.fault is None
    lines = [line for line in told(whole) if line.startswith("not proved")]
    assert any("README.md, manifest.json, report.html, report.pdf" in line for line in lines)
    forged = verify_files(files | {"report.html": b"no", "\x1b[2Jevil": b"", "events/": b""})
    assert forged.fault == "events/ has no proof"
    odd = verify_files(files | {"\x1b[2Jevil\n": b""})
    assert all(line.isprintable() for line in told(odd))


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl on this machine")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_readmes_commands_for_openssl_verify_the_bundle_and_refuse_a_changed_one(
    made: Made, language: Language, tmp_path: Path
) -> None:
    unpack(tmp_path, dict(proof_files(made[0])) | files_in(made, language))
    commands = commands_in(tmp_path / "README.md")[-1]
    said = shell(commands, tmp_path).stdout
    assert said.count("Signature Verified Successfully") == 2
    assert re.findall(r"^([0-9a-f]{64})  events/1.json$", said, re.MULTILINE)[0] in said.split()[-1]
    head = tmp_path / "head"
    head.write_bytes(head.read_bytes().replace(b"head v1", b"head v2"))
    assert shell(commands, tmp_path).stdout.count("Signature Verified Successfully") == 1


def unpack(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def commands_in(readme: Path) -> list[str]:
    return re.findall(r"^```\n(.*?)^```$", readme.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def shell(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", commands], cwd=folder, capture_output=True, text=True, check=False
    )
