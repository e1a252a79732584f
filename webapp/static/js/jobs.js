// Own searches: while one of them runs, its row changes by itself.

const EVERY_MS = 3_000;
const ACTIVE = "[data-status=queued], [data-status=running]";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault(); // a second tap does nothing
  form.dataset.sent = "yes";
  const button = form.querySelector("button");
  button.setAttribute("aria-busy", "true");
  button.textContent = button.dataset.busy;
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

async function look() {
  if (document.hidden || !document.querySelector(ACTIVE)) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const row of document.querySelectorAll(ACTIVE)) {
      const fresh = page.getElementById(row.id);
      if (!fresh && new URLSearchParams(location.search).has("status")) row.remove(); // not like that any more
      if (!fresh || fresh.dataset.version === row.dataset.version) continue;
      const focused = row.contains(document.activeElement) && document.activeElement.localName;
      row.replaceWith(fresh);
      if (focused) (fresh.querySelector(focused) || fresh.querySelector("a")).focus();
    }
    document.dispatchEvent(new Event("textback:swapped"));
  } catch {
    // Offline; the next look may find us back.
  }
}

setInterval(look, EVERY_MS);
