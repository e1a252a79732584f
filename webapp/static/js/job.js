// A job that runs: its row as it changes, over an event stream or by asking, until it has ended.

const FINAL = ["succeeded", "failed", "cancelled"];
const SILENCE_MS = 20_000; // after this a quiet stream is not taken for a living one
const ASK_EVERY_MS = 2_000;
const LISTEN_AGAIN_MS = 20_000;

let box = document.querySelector("#job");
const words = JSON.parse(box.dataset.words);
let version = Number(box.dataset.version);
let status = box.dataset.status;
let stream = null;
let heardAt = Date.now();
let asking = null;
let redrawing = false;
let redrawAgain = false;

const isOver = () => FINAL.includes(status);

function put(id, text) {
  const place = box.querySelector(`#${id}`);
  if (!place) return;
  place.hidden = !text;
  place.querySelector("dd").textContent = text || "";
}

function apply(job) {
  heardAt = Date.now();
  if (job.version < version) return;
  const mustRedraw = job.status !== status || FINAL.includes(job.status);
  version = job.version;
  if (mustRedraw) {
    status = job.status;
    redraw();
    return;
  }
  const bar = box.querySelector("#bar");
  if (bar) bar.value = job.progress;
  const stage = box.querySelector("#stage");
  const said = job.stage ? words.stages[job.stage] || job.stage : words.begins;
  if (stage && stage.textContent !== said && job.status === "running") stage.textContent = said;
  put("steps", job.progress_total > 1 ? words.steps.replace("{done}", job.progress_done).replace("{total}", job.progress_total) : "");
  put("position", job.queue_position ? String(job.queue_position) : "");
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
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.status === 404) return location.reload();
    if (!answer.ok && answer.status !== 410) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("#job");
    fresh.classList.add("arrives");
    box.replaceWith(fresh);
    box = fresh;
    version = Number(box.dataset.version);
    status = box.dataset.status;
    document.title = box.dataset.title;
    document.dispatchEvent(new Event("textback:swapped"));
    if (isOver()) {
      stop();
      box.querySelector("h1")?.setAttribute("tabindex", "-1");
      box.querySelector("h1")?.focus({ preventScroll: true });
      scrollTo({ top: 0 });
    }
  } catch {
    setTimeout(redraw, ASK_EVERY_MS);
  } finally {
    redrawing = false;
    if (redrawAgain) redraw();
  }
}

async function ask() {
  try {
    const answer = await fetch(box.dataset.self, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.status === 404 || answer.status === 401) return location.reload();
    if (answer.ok) apply(await answer.json());
  } catch {
    // Offline; the next try may find us back.
  }
}

function askAgainAndAgain() {
  if (asking || isOver()) return;
  asking = setInterval(ask, ASK_EVERY_MS);
  ask();
}

function stopAsking() {
  clearInterval(asking);
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

if (!isOver()) {
  listen();
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
  addEventListener("pageshow", (event) => event.persisted && wake());
}
