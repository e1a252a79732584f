// New texts appear by themselves.

let list = document.querySelector("#texts");

function toTheEnd() {
  list.scrollTop = list.scrollHeight;
}

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) return;
    const { texts } = await answer.json();
    if ((texts.at(-1)?.sid ?? "") === list.dataset.newest) return;
    const page = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("#texts");
    list.replaceWith(fresh);
    list = fresh;
    document.dispatchEvent(new Event("textback:swapped"));
    toTheEnd();
  } catch {
    // The server is away for a moment; the next look may find it.
  }
}

toTheEnd();
setInterval(look, 1000);
