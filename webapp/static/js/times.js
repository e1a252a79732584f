// Times in the reader's own zone, and clocks of what runs; on the page as it came and on what is
// put in later.

const page = document.documentElement.lang || "en";
// A reader of the page's language may write dates their own way: en-GB, en-IN.
const language = navigator.languages.find((own) => own.split("-")[0] === page) || page;
const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const second = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };
const formats = {
  "": moment,
  seconds: second,
  day: new Intl.DateTimeFormat(language, day),
  farDay: new Intl.DateTimeFormat(language, { ...day, year: "numeric" }),
};
const FAR_MS = 300 * 86_400_000;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function showTimes() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    const isFar = time.dataset.local === "day" && Math.abs(when - Date.now()) > FAR_MS;
    time.textContent = formats[isFar ? "farDay" : time.dataset.local].format(when);
    time.title = zone;
    time.removeAttribute("data-local");
  }
  for (const time of document.querySelectorAll("time[data-exact]")) {
    time.title = moment.format(new Date(time.dateTime));
    time.removeAttribute("data-exact");
  }
  for (const name of document.querySelectorAll("[data-zone]")) name.textContent = zone;
}

// Since the submit. The server's clock counts: a phone's may be minutes off.
const ahead = new WeakMap();

function tick() {
  for (const clock of document.querySelectorAll("[data-since]")) {
    if (!ahead.has(clock)) ahead.set(clock, Date.now() - Date.parse(clock.dataset.now));
    const passed = Date.now() - ahead.get(clock) - Date.parse(clock.dataset.since);
    const seconds = Math.max(0, Math.floor(passed / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    clock.textContent = hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  }
}

function show() {
  showTimes();
  tick();
}

show();
setInterval(tick, 1000);
document.addEventListener("textback:swapped", show);
document.addEventListener("htmx:after:swap", show);
