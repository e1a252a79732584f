// The first page: see the photo before it goes, drop it, paste it, send it once; keep all of it
// while the server or the network is away; and see what becomes of a search that runs.

import { forget, keepFields, keepPhoto, restore } from "./draft.js";

const LOOK_EVERY_MS = 3_000;
const AGAIN_MS = 5_000; // when the server names no time of its own

let form, field, input, preview, trouble, notice, button, idle, keptPhoto;
let shown = null;
let waiting = null;
let following = null;

function setUp() {
  form = document.querySelector("#ask");
  field = form.querySelector("#drop");
  input = form.querySelector("#image");
  preview = field.querySelector(".preview");
  trouble = form.querySelector("#image-trouble");
  notice = form.querySelector("#notice");
  button = form.querySelector("button.go");
  idle = button.textContent;
  keptPhoto = form.querySelector("input[name=photo]");
  input.addEventListener("change", () => take(input.files[0]));
  // A format the browser cannot draw (HEIC in most) is still one we can read: show its name instead.
  preview.addEventListener("error", () => {
    if (!input.files.length) return;
    preview.hidden = true;
    field.classList.remove("filled");
    field.querySelector(".drop-words strong").textContent = input.files[0].name;
  });
  form.addEventListener("submit", submit);
  form.addEventListener("input", () => {
    waitNoMore();
    keepFields(form);
  });
  form.querySelector("#clear").addEventListener("click", clear);
  form.querySelector(".summary:not([hidden])")?.focus();
  followRunning();
}

// The photo

function say(words) {
  trouble.textContent = words || "";
  trouble.hidden = !words;
  field.classList.toggle("wrong", Boolean(words));
}

function show(file) {
  if (shown) URL.revokeObjectURL(shown);
  shown = null;
  if (!file) {
    field.classList.remove("filled");
    preview.hidden = true;
    return;
  }
  if (keptPhoto) keptPhoto.disabled = true;
  field.querySelector("#image-problem")?.remove();
  field.classList.add("filled");
  shown = URL.createObjectURL(file);
  preview.src = shown;
  preview.hidden = false;
}

function take(file) {
  if (!file) {
    keep(null);
    return show(null);
  }
  if (file.size > Number(form.dataset.maxBytes)) {
    input.value = "";
    keep(null);
    show(null);
    return say(form.dataset.tooLarge);
  }
  if (file.type && !file.type.startsWith("image/")) {
    input.value = "";
    keep(null);
    show(null);
    return say(form.dataset.notPicture);
  }
  say("");
  show(file);
  keep(file);
}

function keep(file) {
  keepPhoto(form, file).catch(() => {}); // full, or not wanted: then a reload asks for it again
}

// The same page anew, with nothing filled in.
async function clear(event) {
  event.preventDefault();
  await forget().catch(() => {});
  location.assign(event.target.href);
}

function put(file) {
  const one = new DataTransfer();
  one.items.add(file);
  input.files = one.files;
  waitNoMore();
  take(file);
}

document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
  if (!file) return;
  event.preventDefault();
  put(file);
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    field.classList.add("dragging");
  });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    if (name === "dragleave" && event.relatedTarget) return;
    field.classList.remove("dragging");
  });
}
document.addEventListener("drop", (event) => {
  const file = event.dataTransfer?.files[0];
  if (!file) return;
  event.preventDefault();
  put(file);
});

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
      await forget().catch(() => {}); // the search has begun, whatever the browser keeps
      return location.assign(answer.url);
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.status === 503) return wait(form.dataset.away, 1000 * answer.headers.get("Retry-After"));
    if (page.querySelector("#ask")) return redraw(page);
    warn([...page.querySelectorAll("main h1, main .why")].map((one) => one.textContent).join(". "));
    setBusy(false);
  } catch {
    wait(navigator.onLine ? form.dataset.away : form.dataset.offline, AGAIN_MS);
  }
}

function redraw(page) {
  document.querySelector("main").replaceWith(page.querySelector("main"));
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

function waitNoMore() {
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
  if (input.files.length) take(input.files[0]);
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
// What the server gave back with its complaints is newer than what was kept here.
if (!form.querySelector(".summary:not([hidden])")) {
  restore(form).then((photo) => photo && !input.files.length && put(photo)).catch(() => {});
}
