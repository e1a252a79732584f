// The postings that were found, sifted while one types and ticks. Without this script the form asks the
// server, which says the same; the address of the page says what is chosen, for both.

const form = () => document.querySelector("#sift");

function sift() {
  const asked = form().elements;
  const words = asked.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const site = asked.site?.value;
  const cards = [...document.querySelectorAll(".posting")];
  let shown = 0;
  for (const card of cards) {
    const told = [...card.querySelectorAll("[data-words]")].map((one) => one.textContent).join(" ").toLowerCase();
    const fits =
      (!asked.new?.checked || "new" in card.dataset) &&
      (!asked.remote?.checked || "remote" in card.dataset) &&
      (!site || JSON.parse(card.dataset.sites).includes(site)) &&
      words.every((word) => told.includes(word));
    card.hidden = !fits;
    shown += fits;
  }
  const said = form().dataset.shown.replace("{shown}", shown).replace("{all}", cards.length);
  document.querySelector("#sifted").textContent = shown < cards.length ? said : "";
  document.querySelector("#none-left").hidden = shown > 0;
  const chosen = new URLSearchParams([...new FormData(form())].filter(([, value]) => value));
  history.replaceState(history.state, "", chosen.size ? `?${chosen}` : location.pathname);
}

function clear() {
  for (const field of form().elements) {
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
  sift();
  form().elements.q.focus();
}

document.addEventListener("input", (event) => event.target.form?.id === "sift" && sift());
document.addEventListener("submit", (event) => {
  if (event.target.id !== "sift") return;
  event.preventDefault();
  sift();
});
document.addEventListener("click", (event) => {
  // Of one posting there is nothing to sift: its link leads to the page as it was.
  if (!form() || !event.target.closest("#none-left a")) return;
  event.preventDefault();
  clear();
});
