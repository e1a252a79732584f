// The account page: a token is copied, the browser's zone is suggested.

import "./once.js";

const copy = document.getElementById("copy");
const token = document.getElementById("new-token");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(token.value);
      copy.textContent = copy.dataset.done;
    } catch {
      token.select(); // to be copied by hand
    }
  });
}
token?.addEventListener("focus", () => token.select());

const own = document.getElementById("own-zone");
const zones = document.getElementById("time_zone");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const option = zones && [...zones.options].find((one) => one.value === zone);
if (own && option && zones.value !== zone) {
  own.textContent = own.dataset.words.replace("{zone}", option.textContent);
  own.hidden = false;
}
