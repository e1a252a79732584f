// The form of a saved search: its next times follow what is typed (htmx asks for them). Where they cannot be
// found, those of before are not shown as if they were these.

import { restored } from "./form.js";

const AGAIN_MS = 5_000;

const form = () => document.querySelector("#fresh");
const times = () => document.querySelector("#times");
let again = null;

function ask() {
  clearTimeout(again);
  times().dispatchEvent(new Event("textback:typed"));
}

function takeBack(event) {
  if (event.target !== times()) return;
  times().classList.add("unknown");
  times().querySelector(".times-words").textContent = times().dataset.away;
  clearTimeout(again);
  // Not all who wait at the same moment.
  again = setTimeout(ask, AGAIN_MS * (1 + Math.random() / 2));
}

// What is wrong stands at its field too, as on a page that was sent. Of texts and, once it is kept, the name the times know nothing.
function mark() {
  const wrong = JSON.parse(times()?.dataset.wrong ?? "null");
  if (!wrong) return;
  for (const place of form().querySelectorAll(".problem[id$='-problem']")) {
    const name = place.id.replace("-problem", "");
    const said = wrong[name] ?? "";
    if (name === "notify" || (name === "name" && !said && !form().elements.name.value.trim())) continue;
    place.textContent = said;
    place.hidden = !said;
    const named = form().elements.namedItem(name);
    const field = named instanceof RadioNodeList ? null : named;
    if (said) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
    describe(field ?? place.closest("fieldset"), place.id, said);
  }
}

function describe(field, id, said) {
  const ids = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((one) => one && one !== id);
  if (said) ids.push(id);
  if (ids.length) field.setAttribute("aria-describedby", ids.join(" "));
  else field.removeAttribute("aria-describedby");
}

// Whether it holds anything but what the server filled in.
const isChanged = (field) =>
  ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked : "defaultValue" in field && field.value !== field.defaultValue;

document.addEventListener("htmx:after:swap", mark);
document.addEventListener("htmx:response:error", takeBack);
document.addEventListener("htmx:error", takeBack);
addEventListener("online", ask);
addEventListener("pageshow", (event) => event.persisted && ask());
restored.then(() => [...form().elements].some(isChanged) && ask());
