// Dragging through the history of a binding: each instant is the server's own page of it, whose
// parts take the places of those shown. Without this module the slider is sent by its button.
const travel = document.querySelector("[data-travel]");
if (travel) {
  const slider = travel.querySelector("input[type=range]"), form = slider.form;
  let asking = null, wanted = null;
  travel.querySelector("[data-plain]").hidden = true;
  const address = (version) => {
    const url = new URL(location.href);
    for (const name of ["as_of", "at_position", "event", "from", "to"]) url.searchParams.delete(name);
    if (url.searchParams.get("view") === "event") url.searchParams.delete("view");
    if (version === slider.max) url.searchParams.delete("at_version"); else url.searchParams.set("at_version", version);
    url.hash = "";
    return url.href;
  };
  // The browser reads the answer as a document that runs nothing; no text is made into markup here.
  const show = (seen) => {
    for (const place of ["#scene", "[data-read]", "[data-steps]"]) document.querySelector(place).replaceWith(document.adoptNode(seen.querySelector(place)));
    document.querySelector(".timebar")?.remove();
    const bar = seen.querySelector(".timebar");
    if (bar) document.querySelector("header.top").before(document.adoptNode(bar));
    document.body.className = seen.body.className;
    document.querySelector("#main").className = seen.querySelector("#main").className;
  };
  const go = (version) => {
    wanted = version;
    if (asking) return;
    const url = address(version);
    asking = new XMLHttpRequest();
    asking.open("GET", url);
    asking.responseType = "document";
    asking.onloadend = () => {
      const seen = asking.response;
      asking = null;
      if (!seen?.querySelector("#scene")) return location.assign(url);
      show(seen);
      history.replaceState(null, "", url);
      if (wanted !== version) go(wanted);
    };
    asking.send();
  };
  slider.addEventListener("input", () => go(slider.value));
  form.addEventListener("submit", (event) => { event.preventDefault(); go(slider.value); });
}
