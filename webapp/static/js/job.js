// A job that runs: its row as it changes, over an event stream or by asking, until it has ended.

import "./once.js";
import { placeInLine, timeLeft } from "./waiting.js";

const FINAL = ["succeeded", "failed", "cancelled"];
const SILENCE_MS = 20_000; // after this a quiet stream is not taken for a living one
const ASK_EVERY_MS = 2_000;
const LISTEN_AGAIN_MS = 20_000;
const ANSWER_MS = 10_000; // after this whoever is asked counts as away
const TEXT_ASKED = 15; // so often at most is asked whether the text has gone out

let box = document.querySelector("#job");
const notice = document.querySelector("#away");
const words = JSON.parse(box.dataset.words);
let job = JSON.parse(box.dataset.job);
let version = Number(box.dataset.version);
let status = box.dataset.status;
let stream = null;
let heardAt = Date.now();
let toldAt = heardAt; // when `job` came
let asking = null;
let redrawing = false;
let redrawAgain = false;
let inVain = 0;
let behind = null; // the version that was drawn though a newer one was told

const isOver = () => FINAL.includes(status);
const isStopping = () => box.hasAttribute("data-stopping");

function put(id, text) {
  const place = box.querySelector(`#${id}`);
  if (!place) return;
  place.hidden = !text;
  place.querySelector("dd").textContent = text || "";
}

function apply(fresh) {
  heardAt = Date.now();
  reached();
  if (fresh.version < version) return;
  // Told twice, by the stream and by asking: the page that is on its way is of this state already.
  if (redrawing && fresh.version === version && fresh.status === status) return;
  const isAnother = fresh.status !== status || FINAL.includes(fresh.status) || Boolean(fresh.cancel_requested_at) !== isStopping();
  version = fresh.version;
  job = fresh;
  toldAt = heardAt;
  if (isAnother) {
    status = fresh.status;
    redraw();
    return;
  }
  const soFar = box.querySelector("#so-far");
  if (soFar && job.partial && (soFar.hidden || soFar.dataset.count !== String(job.result_count ?? ""))) redraw();
  const bar = box.querySelector("#bar");
  if (bar) bar.value = job.progress;
  const stage = box.querySelector("#stage");
  const said = job.stage ? words.stages[job.stage] || job.stage : words.begins;
  if (stage && stage.textContent !== said && job.status === "running" && !isStopping()) stage.textContent = said;
  put("steps", job.progress_total > 1 ? words.steps.replace("{done}", job.progress_done).replace("{total}", job.progress_total) : "");
  put("position", placeInLine(job.queue_position, words));
  count();
}

// What is left, counted down from what was heard last.
function count() {
  const left = box.querySelector("#left");
  if (!left || isStopping()) return;
  const said = timeLeft(job, words, (Date.now() - toldAt) / 1000);
  if (left.textContent !== said) left.textContent = said;
}

// The server draws each state; this puts it in place of the one that was.
async function redraw() {
  if (redrawing) {
    redrawAgain = true; // what is on its way may be the state before this one
    return;
  }
  redrawing = true;
  redrawAgain = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    if (answer.status === 404) return location.reload();
    if (!answer.ok && answer.status !== 410) throw new Error(String(answer.status));
    swap(await answer.text());
  } catch {
    missed();
    setTimeout(redraw, ASK_EVERY_MS);
  } finally {
    redrawing = false;
    if (redrawAgain) redraw();
  }
}

function swap(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("#job");
  const older = Number(fresh.dataset.version);
  if (older < version) {
    // The state before this one. Twice the same: Postgres died and has forgotten the newest.
    if (older === behind) setTimeout(redraw, ASK_EVERY_MS);
    else redraw();
    behind = older;
    return;
  }
  behind = null;
  const isSame = fresh.dataset.status === box.dataset.status && fresh.hasAttribute("data-stopping") === isStopping();
  if (isSame && !isOver()) return patch(fresh);
  // The end is told more than once; whoever looks at it already is left alone.
  if (isSame && fresh.dataset.version === box.dataset.version) return;
  const isOpen = box.querySelector("#timeline")?.open;
  const held = box.contains(document.activeElement) && document.activeElement.closest("#stop, #timeline")?.id;
  fresh.classList.toggle("arrives", fresh.dataset.status !== box.dataset.status);
  box.replaceWith(fresh);
  box = fresh;
  heardAt = toldAt = Date.now();
  job = JSON.parse(box.dataset.job);
  version = job.version;
  status = job.status;
  document.title = box.dataset.title;
  document.body.dispatchEvent(new Event("textback:changed")); // the number in the header
  // What is put in new is read out by nobody: this was there before.
  document.querySelector("#said").textContent = isOver() ? "" : box.querySelector("h1").textContent;
  if (isOpen) box.querySelector("#timeline").open = true;
  reached();
  document.dispatchEvent(new Event("textback:swapped"));
  if (isOver()) {
    stop();
    followText();
    box.querySelector("h1")?.setAttribute("tabindex", "-1");
    box.querySelector("h1")?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  } else if (held) {
    box.querySelector(`#${held} :is(button, summary)`)?.focus({ preventScroll: true });
  }
}

// The same state with more in it: nothing else is touched, and what somebody reads stays open.
function patch(fresh) {
  for (const name of ["#so-far", "#timeline ol"]) {
    const [before, after] = [box.querySelector(name), fresh.querySelector(name)];
    if (!before || !after) continue;
    for (const open of before.querySelectorAll("details[open][id]")) after.querySelector(`#${open.id}`)?.setAttribute("open", "");
    const held = before.contains(document.activeElement) && document.activeElement.closest("details[id], li[id]")?.id;
    before.replaceWith(after);
    if (held) after.querySelector(`#${held} :is(summary, a)`)?.focus({ preventScroll: true });
  }
  document.dispatchEvent(new Event("textback:swapped"));
}

// The text goes out after the end: only its line is drawn anew.
function followText(asked = 0) {
  if (!box.querySelector("#text[data-coming]") || asked >= TEXT_ASKED) return;
  setTimeout(async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#text");
      if (answer.ok && fresh) box.querySelector("#text").replaceWith(fresh);
    } catch {
      // Offline; the next try may find us back.
    }
    followText(asked + 1);
  }, ASK_EVERY_MS);
}

async function ask() {
  try {
    const answer = await fetch(box.dataset.self, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    if (answer.status === 404 || answer.status === 401) return location.reload();
    if (answer.ok) return apply(await answer.json());
  } catch {
    // Offline; the next try may find us back.
  }
  missed();
}

// Told after the second time in vain: one may be a phone that changes its network.
function missed() {
  inVain += 1;
  if (inVain < 2) return;
  tell(navigator.onLine ? notice.dataset.away : notice.dataset.offline);
}

function tell(said) {
  if (notice.textContent !== said) notice.textContent = said;
  notice.hidden = false;
}

function reached() {
  inVain = 0;
  notice.hidden = true;
}

function askAgainAndAgain() {
  if (asking || isOver()) return;
  // Not all pages at once, nor in step with the stream, which the browser opens again meanwhile.
  asking = setTimeout(() => {
    asking = setInterval(ask, ASK_EVERY_MS);
    ask();
  }, ASK_EVERY_MS * Math.random());
}

function stopAsking() {
  clearInterval(asking); // also a time-out
  asking = null;
}

function listen() {
  stream?.close();
  if (isOver() || document.hidden) return;
  heardAt = Date.now();
  stream = new EventSource(box.dataset.events);
  stream.onmessage = (event) => {
    stopAsking();
    apply(JSON.parse(event.data));
  };
  // The browser reconnects by itself; meanwhile, and where streams do not pass, we ask.
  stream.onerror = askAgainAndAgain;
}

function stop() {
  stream?.close();
  stream = null;
  stopAsking();
}

// Said at once, and the server's answer is the page as it is then.
async function cancel(form) {
  const button = form.querySelector("button");
  if (button.getAttribute("aria-disabled")) return;
  const stage = box.querySelector("#stage");
  const before = [button.textContent, stage.textContent];
  button.setAttribute("aria-disabled", "true");
  button.textContent = stage.textContent = button.dataset.busy;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "text/html" } });
    if (!answer.redirected) throw new Error(String(answer.status));
    swap(await answer.text());
  } catch {
    button.removeAttribute("aria-disabled");
    [button.textContent, stage.textContent] = before;
    tell(notice.dataset.notCancelled);
  }
}

// Before anything else sends it.
document.addEventListener(
  "submit",
  (event) => {
    if (event.target.id !== "stop") return;
    event.preventDefault();
    cancel(event.target);
  },
  true,
);

if (isOver()) followText();
else {
  listen();
  setInterval(count, 1_000);
  setInterval(() => {
    if (isOver() || document.hidden) return;
    if (Date.now() - heardAt > SILENCE_MS) ask();
  }, 5_000);
  setInterval(() => {
    if (stream?.readyState === EventSource.CLOSED) listen();
  }, LISTEN_AGAIN_MS);
  // A phone that wakes, or a network that is back, is right at once.
  const wake = () => {
    if (isOver()) return;
    ask();
    listen();
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : wake()));
  addEventListener("online", wake);
  addEventListener("offline", () => !isOver() && (inVain = 1, missed()));
}
