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

// Whether it holds anything but what the server filled in.
const isChanged = (field) =>
  ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked : "defaultValue" in field && field.value !== field.defaultValue;

document.addEventListener("htmx:response:error", takeBack);
document.addEventListener("htmx:error", takeBack);
addEventListener("online", ask);
addEventListener("pageshow", (event) => event.persisted && ask());
restored.then(() => [...form().elements].some(isChanged) && ask());
