// The first page: see the photo before it goes, drop it, paste it, send it once; and see what
// becomes of a search that runs.

const form = document.querySelector("#ask");
const field = document.querySelector("#drop");
const input = document.querySelector("#image");
const preview = field.querySelector(".preview");
const trouble = document.querySelector("#image-trouble");
const button = form.querySelector("button.go");
const idle = button.textContent;
const keptPhoto = form.querySelector("input[name=photo]");
let shown = null;

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

// A format the browser cannot draw (HEIC in most) is still one we can read: show its name instead.
preview.addEventListener("error", () => {
  if (!input.files.length) return;
  preview.hidden = true;
  field.classList.remove("filled");
  field.querySelector(".drop-words strong").textContent = input.files[0].name;
});

function take(file) {
  if (!file) return show(null);
  if (file.size > Number(form.dataset.maxBytes)) {
    input.value = "";
    show(null);
    return say(form.dataset.tooLarge);
  }
  if (file.type && !file.type.startsWith("image/")) {
    input.value = "";
    show(null);
    return say(form.dataset.notPicture);
  }
  say("");
  show(file);
}

function put(file) {
  const one = new DataTransfer();
  one.items.add(file);
  input.files = one.files;
  take(file);
}

input.addEventListener("change", () => take(input.files[0]));

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

// A second tap does nothing. Coming back by the back button, the form works again.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  button.setAttribute("aria-disabled", "true");
  button.setAttribute("aria-busy", "true");
  button.textContent = button.dataset.busy;
});
window.addEventListener("pageshow", () => {
  delete form.dataset.sent;
  button.removeAttribute("aria-disabled");
  button.removeAttribute("aria-busy");
  button.textContent = idle;
  if (input.files.length) take(input.files[0]);
});

document.querySelector("[role=alert].summary")?.focus();

const running = document.querySelector("#running a");
const words = running && JSON.parse(running.dataset.words);
const following = running && setInterval(follow, 3000);

async function follow() {
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
