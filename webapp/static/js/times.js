// Times in the reader's own zone, on the page as it came and on what is put in later.

const page = document.documentElement.lang || "en";
// A reader of the page's language may write dates their own way: en-GB, en-IN.
const language = navigator.languages.find((own) => own.split("-")[0] === page) || page;
const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function showTimes() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    time.textContent = moment.format(when);
    time.title = zone;
    time.removeAttribute("data-local");
  }
}

showTimes();
document.addEventListener("textback:swapped", showTimes);
