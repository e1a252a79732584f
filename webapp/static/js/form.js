// Every form that starts a search or keeps one fresh: sent once, and kept while it is filled in, over a reload, and while the
// server or the network is away; and what becomes of a search that runs.

import { forget, keepFields, restore } from "./draft.js";

const LOOK_EVERY_MS = 3_000;
const AGAIN_MS = 5_000; // when the server names no time of its own

let form, notice, button, idle;
let waiting = null;
let following = null;
const acts = [];

function setUp() {
  form = document.querySelector("form[data-kind]");
  notice = form.querySelector("#notice");
  button = form.querySelector("button.go");
  idle = button.textContent;
  form.addEventListener("submit", submit);
  form.addEventListener("input", () => {
    waitNoMore();
    keepFields(form);
  });
  form.querySelector("#clear").addEventListener("click", clear);
  form.querySelector(".summary:not([hidden])")?.focus();
  for (const act of acts) act(form);
  followRunning();
}

// Do something with the form: now, and whenever the server has drawn it anew.
export function withForm(act) {
  acts.push(act);
  act(form);
}

// The same page anew, with nothing filled in, or away from it.
async function clear(event) {
  event.preventDefault();
  await forget(form).catch(() => {});
  location.assign(event.target.href);
}

// Sending. The page stays until there is an answer, so nothing typed is lost while nobody answers;
// the form's own key makes one search of it, however often it is sent.

function submit(event) {
  event.preventDefault();
  if (form.dataset.sent) return; // a second tap does nothing
  waitNoMore();
  warn("");
  setBusy(true);
  send();
}

function setBusy(busy) {
  if (busy) {
    form.dataset.sent = "yes";
    button.setAttribute("aria-disabled", "true");
    button.setAttribute("aria-busy", "true");
    button.textContent = button.dataset.busy;
  } else {
    delete form.dataset.sent;
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-busy");
    button.textContent = idle;
  }
}

async function send() {
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "text/html" },
    });
    if (answer.redirected) {
      await forget(form).catch(() => {}); // the search has begun, whatever the browser keeps
      return location.assign(answer.url);
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.status === 503) return wait(form.dataset.away, 1000 * answer.headers.get("Retry-After"));
    if (page.querySelector("form[data-kind]")) return redraw(page);
    warn([...page.querySelectorAll("main h1, main .why")].map((one) => one.textContent).join(". "));
    setBusy(false);
  } catch {
    wait(navigator.onLine ? form.dataset.away : form.dataset.offline, AGAIN_MS);
  }
}

function redraw(page) {
  const main = page.querySelector("main");
  document.querySelector("main").replaceWith(main);
  globalThis.htmx?.process(main);
  document.dispatchEvent(new Event("textback:swapped"));
  setUp();
}

function warn(words, isWaiting = false) {
  notice.textContent = words;
  notice.classList.toggle("waiting", isWaiting);
  notice.hidden = !words;
}

function wait(words, milliseconds) {
  setBusy(false);
  warn(words, true);
  button.textContent = button.dataset.again;
  // Not all who wait at the same moment.
  waiting = setTimeout(sendAgain, (milliseconds || AGAIN_MS) * (1 + Math.random() / 2));
}

function sendAgain() {
  waitNoMore();
  setBusy(true);
  send();
}

export function waitNoMore() {
  if (!waiting) return;
  clearTimeout(waiting);
  waiting = null;
  warn("");
  button.textContent = idle;
}

addEventListener("online", () => waiting && sendAgain());
// Coming back by the back button, the form works again, for another search.
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    const key = crypto.getRandomValues(new Uint8Array(16));
    form.elements.idempotency_key.value = [...key].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  setBusy(false);
});

// The search that runs

document.addEventListener("htmx:after:swap", followRunning);

function followRunning() {
  clearInterval(following);
  const running = document.querySelector("#running a");
  if (!running) return;
  const words = JSON.parse(running.dataset.words);
  following = setInterval(look, LOOK_EVERY_MS);

  async function look() {
    if (document.hidden) return;
    try {
      const answer = await fetch(running.dataset.self, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) return;
      const { status } = await answer.json();
      const badge = running.querySelector(".badge");
      badge.className = `badge ${status}`;
      badge.textContent = words[status];
      if (["queued", "running"].includes(status)) return;
      running.querySelector("[data-since]")?.remove();
      clearInterval(following);
    } catch {
      // Offline; the next look may find us back.
    }
  }
}

setUp();
// What the server filled in, with its complaints or as an earlier search had it, is newer than what was
// kept here. Tells the photo, if one was kept.
const isNewer = form.querySelector(".summary:not([hidden])") || "given" in form.dataset;
export const restored = isNewer ? Promise.resolve(null) : restore(form).catch(() => null);
