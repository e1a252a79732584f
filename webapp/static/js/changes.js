// Something of this person has begun or ended, maybe on another device: what shows it looks again. Where
// streams do not pass it looks now and then, and never while nobody looks at the page.

const LISTEN_AGAIN_MS = 20_000;
const LOOK_MS = { active: 10_000, idle: 60_000 };

let stream = null;
let lookedAt = Date.now();

const count = () => Number(document.querySelector("#active")?.dataset.count);
const isSeen = () => !document.hidden && document.querySelector("#active");

function look() {
  lookedAt = Date.now();
  document.body.dispatchEvent(new Event("textback:changed"));
}

function listen() {
  stream?.close();
  stream = null;
  if (!isSeen()) return;
  stream = new EventSource(`/jobs/changes?active=${count()}`);
  stream.onmessage = look;
}

document.addEventListener("visibilitychange", listen);
addEventListener("online", listen);
setInterval(() => isSeen() && Date.now() - lookedAt > (count() ? LOOK_MS.active : LOOK_MS.idle) && look(), 1_000);
// One that was refused is closed for good; not all try again at the same moment.
setInterval(() => stream?.readyState === EventSource.CLOSED && listen(), LISTEN_AGAIN_MS * (1 + Math.random() / 2));
listen();
