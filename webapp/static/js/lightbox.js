// A picture of a result, large: beside the photo that was asked about, with arrows to the next one. Without
// this script the picture is a link to itself.

let shown = null; // the link of the picture that is open

const all = () => [...document.querySelectorAll("a.picture")];

function show(link) {
  const box = document.querySelector("#lightbox");
  const words = link.closest(".product").querySelector(".product-words");
  shown = link;
  box.querySelector(".match").src = link.href;
  box.querySelector(".alike").textContent = link.querySelector(".alike").textContent;
  const told = words.cloneNode(true);
  const name = told.querySelector("h2, h3");
  const title = document.createElement("p");
  title.className = "lightbox-name";
  title.append(...name.childNodes);
  name.replaceWith(title);
  box.querySelector(".told").replaceChildren(...told.childNodes);
  const place = all().indexOf(link);
  // Not `disabled`: that would take the focus away from whoever steps to the end.
  box.querySelector("[data-step='-1']").setAttribute("aria-disabled", place === 0);
  box.querySelector("[data-step='1']").setAttribute("aria-disabled", place === all().length - 1);
  if (!box.open) box.showModal();
}

function step(by) {
  const next = all()[all().indexOf(shown) + by];
  if (next) show(next);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.picture");
  const button = event.target.closest("[data-step]");
  if (button) step(Number(button.dataset.step));
  else if (event.target.id === "lightbox") event.target.close(); // beside the picture
  else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    show(link);
  }
});
document.addEventListener("keydown", (event) => {
  if (!document.querySelector("#lightbox[open]")) return;
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
// Back to where one was, also after some steps.
document.addEventListener("close", (event) => event.target.id === "lightbox" && shown?.focus(), true);
