// Small enhancements of complete pages: a read-out for the chart, live lines and figures, an upload
// that fills in. Rows are cloned from templates and filled as text, never parsed from strings.
const find = (selector, root = document) => root.querySelector(selector);
const clone = (id) => document.importNode(find(id).content, true);   // Of this document, so that links know their base.

// The value under the pointer or the keyboard focus, in one fixed place: nothing floats over data.
for (const chart of document.querySelectorAll("figure")) {
  const read = find("[data-read]", chart);
  if (!read) continue;
  const legend = [...read.childNodes];
  const show = (event) => { const column = event.target.closest?.(".col"); if (column) read.replaceChildren(column.dataset.text); };
  const hide = () => read.replaceChildren(...legend);
  chart.addEventListener("pointerover", show);
  chart.addEventListener("focusin", show);
  chart.addEventListener("pointerleave", hide);
  chart.addEventListener("focusout", hide);
  const columns = [...chart.querySelectorAll(".col")];   // One tab stop; the arrow keys walk it.
  columns.forEach((column, i) => column.setAttribute("tabindex", i === columns.length - 1 ? "0" : "-1"));
  chart.addEventListener("keydown", (event) => {
    const i = columns.indexOf(document.activeElement);
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e3, End: 1e3 }[event.key];
    if (i < 0 || !step) return;
    event.preventDefault();
    const next = columns[Math.max(0, Math.min(columns.length - 1, i + step))];
    columns[i].setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
}

const fill = (figures) => {
  for (const [name, text] of Object.entries(figures)) {
    for (const place of document.querySelectorAll(`[data-figure="${name}"]`)) {
      if (place.textContent !== text) place.textContent = text;
      place.closest(".zero-count")?.classList.toggle("zero-count", text === "0");
    }
    for (const bar of document.querySelectorAll(`[data-progress="${name}"]`)) bar.value = Number(text.replace(/\D/g, ""));
  }
};

// A list of live lines: newest on top, a bounded number of them, held back while paused.
const lines = (tail) => {
  const rows = find("[data-rows]", tail), mark = find("[data-conn]", tail), button = find("[data-pause]", tail);
  const label = find("span", button), held = [], kept = Number(tail.dataset.tail);
  let connection = "off";
  const isPaused = () => button.ariaPressed === "true";
  const show = () => {
    const state = connection === "off" ? "off" : isPaused() ? "paused" : "on";
    mark.hidden = false;
    mark.dataset.state = state;
    find("span", mark).textContent = mark.dataset[state];
  };
  const put = (line) => {
    const row = clone("#row").firstElementChild, cells = row.children;
    row.className = `${line.kind} new`;
    const time = cells[0].firstElementChild;
    time.textContent = line.time;
    time.dateTime = line.iso;
    cells[1].append(clone(`#pill-${line.kind}`));
    cells[1].firstElementChild.append(line.label);
    if (line.href) { cells[2].firstElementChild.textContent = line.asin; cells[2].firstElementChild.href = line.href; } else cells[2].replaceChildren(line.asin);
    cells[3].textContent = line.title;
    cells[4].textContent = line.said;
    if (line.ask) {
      const ask = clone("#row-ask").firstElementChild;
      ask.href = line.ask;
      cells[4].append(" ", ask);
    }
    if (line.code) {
      const code = clone("#row-code").firstElementChild, target = new URL(code.href);
      target.searchParams.set("code", line.code);
      Object.assign(code, { textContent: line.code, title: line.code_title, href: target.href });
      cells[5].append(code);
    }
    rows.prepend(row);
    while (rows.children.length > kept) rows.lastElementChild.remove();
    find("[data-nothing]")?.remove();
    const clock = find("[data-clock]");
    if (clock) { clock.textContent = line.time; clock.dateTime = line.iso; }
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    button.ariaPressed = String(!isPaused());
    label.textContent = isPaused() ? label.dataset.b : label.dataset.a;
    if (!isPaused()) held.splice(0).forEach(put);
    show();
  });
  return {
    isPaused,
    connected: (state) => { connection = state; show(); },
    take: (line) => {
      if (!isPaused()) return put(line);
      held.push(line);
      label.textContent = `${label.dataset.b} (${held.length})`;
    },
  };
};

const listen = (address, handlers) => {
  let source;
  const open = () => {
    source = new EventSource(address);
    for (const [name, handle] of Object.entries(handlers)) source.addEventListener(name, (event) => handle(event.data && JSON.parse(event.data), source));
  };
  open();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
};

// The browser resumes with Last-Event-ID by itself. A page whose form has changed loads itself again,
// and so does one that waits for a line and has no list to put it in.
const page = find("[data-live]");
if (page) {
  const tail = find("[data-tail]"), live = tail && lines(tail);
  let isLeaving = false;
  const leave = () => {
    if (!isLeaving) setTimeout(() => location.reload(), Math.max(0, 3000 - performance.now()));
    isLeaving = true;
  };
  listen(page.dataset.live, {
    open: () => live?.connected("on"),
    error: () => live?.connected("off"),
    line: (line) => live ? live.take(line) : leave(),
    figures: ({ figures, shape }) => {
      fill(figures);
      if (shape !== page.dataset.shape && !live?.isPaused()) leave();
    },
  });
}

// Rows of an upload, gathered and applied once a frame.
const upload = find("[data-upload]");
if (upload) {
  const waiting = [];
  const put = (row) => {
    const cells = document.getElementById(`r${row.number}`)?.children;
    if (!cells) return;
    cells[5].replaceChildren(clone(`#pill-${row.kind}`));
    cells[5].firstElementChild.append(row.label);
    if (row.href) {
      const link = document.createElement("a");
      Object.assign(link, { href: row.href, textContent: row.asin });
      cells[1].replaceChildren(link);
    }
    if (!row.code) return;
    const why = clone("#why"), [code, text, action, ask] = why.children, target = new URL(code.href);
    target.searchParams.set("code", row.code);
    Object.assign(code, { textContent: row.code, href: target.href });
    text.textContent = row.why;
    action.textContent = row.action;
    if (row.ask) ask.href = row.ask; else ask.remove();
    cells[6].replaceChildren(why);
  };
  listen(upload.dataset.upload, {
    rows: ({ rows, figures }) => {
      if (waiting.push(...rows) === rows.length) requestAnimationFrame(() => waiting.splice(0).forEach(put));
      fill(figures);
    },
    end: (_, source) => { source.close(); setTimeout(() => location.reload(), 800); },
  });
}
