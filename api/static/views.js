// Views of a list that this browser keeps: a name and a filter, never whose shop it is.
const place = document.querySelector("[data-views]");
if (place) {
  const key = `asin-sync views ${location.pathname}`, kept = place.dataset.views.split(" ");
  const form = place.querySelector("form"), list = place.querySelector("ul"), pattern = place.querySelector("template");
  const filter = (search) => {
    const given = new URLSearchParams(search), chosen = new URLSearchParams();
    for (const name of kept) if (given.get(name)) chosen.set(name, given.get(name));
    return chosen;
  };
  const read = () => {
    try { return JSON.parse(localStorage.getItem(key) ?? "[]").filter((each) => typeof each.name === "string" && typeof each.search === "string"); } catch { return []; }
  };
  const write = (views) => {
    try { localStorage.setItem(key, JSON.stringify(views)); } catch { place.querySelector("[data-full]").hidden = false; }
    show();
  };
  const show = () => {
    const now = filter(location.search).toString(), shop = new URLSearchParams(location.search).get("seller_id");
    list.replaceChildren(...read().map((view) => {
      const item = document.importNode(pattern.content, true).firstElementChild, link = item.querySelector("a"), drop = item.querySelector("button"), search = filter(view.search);
      if (search.toString() === now) link.ariaCurrent = "true";
      if (shop) search.set("seller_id", shop);
      link.textContent = view.name;
      link.href = `${location.pathname}?${search}`;
      drop.ariaLabel = `${drop.title}: ${view.name}`;
      drop.addEventListener("click", () => { write(read().filter((each) => each.name !== view.name)); form.elements.name.focus(); });
      return item;
    }));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = form.elements.name.value.trim();
    if (!name) return;
    write([...read().filter((each) => each.name !== name), { name, search: filter(location.search).toString() }].slice(-20));
    form.reset();
  });
  place.hidden = false;
  show();
}

// One box that marks every row of the page, and the count of those marked.
const all = document.querySelector("[data-all]");
if (all) {
  const boxes = [...document.querySelectorAll("[name=chosen]")], count = document.querySelector("[data-chosen]");
  const tell = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    count.textContent = chosen;
  };
  all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; tell(); });
  for (const box of boxes) box.addEventListener("change", tell);
  all.parentElement.hidden = count.parentElement.hidden = false;
  tell();
}
