// One sentence after the other about the search that runs. Whoever reads one is not hurried: it stays
// while it is pointed at or its button has the focus, and moves by hand alone where motion is not wanted.

const EVERY_MS = 8_000;
const still = matchMedia("(prefers-reduced-motion: reduce)");

const box = () => document.querySelector("#insights");

function next() {
  const shown = box().querySelector(".shown");
  shown.classList.remove("shown");
  (shown.nextElementSibling || shown.parentElement.firstElementChild).classList.add("shown");
}

function offer() {
  const button = box()?.querySelector("button");
  if (button) button.hidden = box().querySelectorAll("li").length < 2;
}

document.addEventListener("click", (event) => event.target.closest("#insights button") && next());
document.addEventListener("textback:swapped", offer);
setInterval(() => {
  if (!box() || document.hidden || still.matches || box().matches(":hover, :focus-within")) return;
  next();
}, EVERY_MS);
offer();
