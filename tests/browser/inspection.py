"""What is asked of any page: quiet, accessible, still, small, in one language, and whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page

from api.l10n import catalogue_of
from domain.error_codes import Language

PAGE_BYTES_MAX = 40_000
SCRIPT_BYTES_MAX = 15_000
IN_THE_GAP = "[^\u3040-\u30ff\u4e00-\u9fff]+"
"""What a value in an English sentence may be, lest a translated one be taken for it."""
NAMES = {"Mercari"}
"""Messages that are a name, which stands as it is beside our words too."""
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MEASURE = """
async () => {
  const moved = await new Promise((done) => {
    const found = [];
    new PerformanceObserver((list) => {
      for (const each of list.getEntries()) {
        found.push(each.value);
        for (const { node } of each.sources) {
          found.push((node?.outerHTML ?? node?.data ?? "").slice(0, 90));
        }
      }
    }).observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(found))));
  });
  const parts = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
  const own = parts.filter((each) => each.initiatorType !== "img" && !each.name.includes("stream"));
  const sum = (list, figure) => list.reduce((all, each) => all + each[figure], 0);
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  const foreign = "[lang=en], code, pre, script, style, .mono, .code";
  const texts = new Set();
  const gather = (root) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (!node.parentElement?.closest(foreign)) texts.add(node.data.trim());
        continue;
      }
      if (node.localName === "template") gather(node.content);
      if (node.closest(foreign)) continue;
      for (const name of ["aria-label", "title", "placeholder", "alt"]) {
        texts.add((node.getAttribute(name) ?? "").trim());
      }
    }
  };
  gather(document.documentElement);
  return {
    moved, texts: [...texts].filter((text) => /[A-Za-z]{2}/.test(text)),
    width: document.documentElement.scrollWidth,
    page_bytes: sum(own, "encodedBodySize"),
    script_bytes: sum(parts.filter((each) => each.name.endsWith(".js")), "decodedBodySize"),
    headings: document.querySelectorAll("h1").length,
    mains: document.querySelectorAll("main").length,
    lang: document.documentElement.lang,
    title: document.title,
    twice: ids.filter((id, place) => ids.indexOf(id) !== place),
    nested: document.querySelectorAll("a a, form form, button button, p div, p ul, p p").length,
  };
}
"""


class Look:
    """A tab, and all that the browser said about the page that is open in it."""

    def __init__(self, context: BrowserContext, width: int) -> None:
        self.page: Page = context.new_page()
        self.width = width
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def open(self, url: str, status: int = 200) -> None:
        self.said.clear()
        answer = self.page.goto(url)
        assert answer is not None
        assert answer.status == status, (url, answer.status)
        if status >= 400:
            self.said = [each for each in self.said if f"with a status of {status}" not in each]

    def faults(self, language: Language) -> list[str]:
        """Everything that is wrong with it, in words."""
        found: dict[str, Any] = self.page.evaluate(MEASURE)
        faults = [f"console: {each}" for each in self.said]
        faults += [f"English left: {each}" for each in english_in(found["texts"], language)]
        faults += [f"id twice: {each}" for each in found["twice"]]
        faults += [f"moves while it loads: {each}" for each in found["moved"]]
        asked = {
            "scrolls sideways": found["width"] <= self.width,
            "too heavy": found["page_bytes"] <= PAGE_BYTES_MAX,
            "too much script": found["script_bytes"] <= SCRIPT_BYTES_MAX,
            "not one heading": found["headings"] == 1,
            "not one main part": found["mains"] == 1,
            "another language": found["lang"].startswith(language),
            "no title": found["title"].endswith("ASIN Sync"),
            "badly nested": found["nested"] == 0,
        }
        del found["texts"]
        return [*faults, *(f"{name}: {found}" for name, is_well in asked.items() if not is_well)]

    def violations(self) -> list[str]:
        """What axe finds against WCAG 2.2 AA and its best practices."""
        self.page.evaluate(AXE_SCRIPT)
        options = {"runOnly": AXE_RULES, "resultTypes": ["violations"]}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{each['id']}: {node['html'][:200]}"
            for each in found["violations"] for node in each["nodes"]
        ]  # fmt: skip


def english_in(texts: Sequence[str], language: Language) -> list[str]:
    """Which of the texts are messages of the catalogue that were not translated."""
    if language == "en":
        return []
    exact, pattern = sources_of(language)
    return [text for text in texts if text in exact or pattern.fullmatch(text)]


@cache
def sources_of(language: Language) -> tuple[frozenset[str], re.Pattern[str]]:
    """The English messages that read otherwise in the language: whole ones, and those with gaps."""
    whole: set[str] = set()
    gapped: list[str] = []
    for message in catalogue_of(language):
        sources = [message.id] if isinstance(message.id, str) else list(message.id or ())
        told = [message.string] if isinstance(message.string, str) else list(message.string)
        for source in sources:
            if not source or source in told or source in NAMES:
                continue
            if "%(" not in source:
                whole.add(source)
            elif re.search(r"[A-Za-z]{3}", re.sub(r"%\(\w+\)s", "", source)):
                parts = re.split(r"%\(\w+\)s", source.replace("%%", "%"))
                gapped.append(IN_THE_GAP.join(map(re.escape, parts)))
    return frozenset(whole), re.compile("|".join(gapped))
