// The first page: see the photo before it goes, drop it, paste it, and keep it with the rest of the form.

import { keepPhoto } from "./draft.js";
import { restored, waitNoMore, withForm } from "./form.js";

let form, field, input, preview, trouble, keptPhoto;
let shown = null;

withForm((drawn) => {
  form = drawn;
  field = form.querySelector("#drop");
  input = form.querySelector("#image");
  preview = field.querySelector(".preview");
  trouble = form.querySelector("#image-trouble");
  keptPhoto = form.querySelector("input[name=photo]");
  input.addEventListener("change", () => take(input.files[0]));
  // A format the browser cannot draw (HEIC in most) is still one we can read: show its name instead.
  preview.addEventListener("error", () => {
    if (!input.files.length) return;
    preview.hidden = true;
    field.classList.remove("filled");
    field.querySelector(".drop-words strong").textContent = input.files[0].name;
  });
});

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

// Back by the back button, what was chosen is still there.
addEventListener("pageshow", () => input.files.length && take(input.files[0]));
restored.then((photo) => photo && !input.files.length && put(photo));
