// A second tap on a button that is busy does nothing.

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = form.querySelector("button[data-busy]");
  if (event.defaultPrevented || !button) return; // a script sends it
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  form.setAttribute("hx-morph-skip", "");
  button.setAttribute("aria-busy", "true");
  button.textContent = button.dataset.busy;
});
addEventListener("pageshow", (event) => event.persisted && location.reload());
