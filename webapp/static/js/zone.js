// Tells the account the browser's time zone, once, while it has none: texts that can wait do so
// while it is night there.

const said = document.querySelector("meta[name=textback-zone]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (said && zone && zone !== "UTC") {
  const body = new URLSearchParams({ csrf_token: said.content, time_zone: zone, guess: "yes" });
  fetch("/account/time-zone", { method: "POST", body, keepalive: true }).catch(() => {});
}
