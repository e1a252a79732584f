// The account page: a second tap does nothing, a token is copied, the browser's zone is suggested.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  const button = form.querySelector("button");
  button.setAttribute("aria-busy", "true");
  button.textContent = button.dataset.busy;
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

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
