// Times in the reader's own zone, and clocks of what runs; on the page as it came and on what is
// put in later.

const page = document.documentElement.lang || "en";
// As the server writes them: the day before the month, and hours up to 23.
const language = page === "en" ? "en-GB" : page;
const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const date = { day: "numeric", month: page === "en" ? "short" : "long" };
const format = (options) => new Intl.DateTimeFormat(language, options);
const moment = format({ ...date, year: "numeric", ...clock });
const formats = {
  "": moment,
  seconds: format({ ...date, ...clock, second: "2-digit" }),
};
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function showTimes() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    time.textContent = formats[time.dataset.local].format(when);
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
