// The link to pass on: copied, or given to another app of the phone. The page's middle is replaced when
// a search ends, so everything is found when it is needed.

const link = () => document.getElementById("share-link");

function offer() {
  const copy = document.querySelector("[data-copy]");
  const share = document.querySelector("[data-share]");
  if (copy && navigator.clipboard) copy.hidden = false;
  if (share && navigator.share) share.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-share]");
  if (!button) return;
  try {
    if ("share" in button.dataset) await navigator.share({ title: button.dataset.share, url: link().value });
    else {
      await navigator.clipboard.writeText(link().value);
      button.textContent = button.dataset.copy;
    }
  } catch (error) {
    if (error.name !== "AbortError") link().select(); // to be copied by hand
  }
});
document.addEventListener("focusin", (event) => event.target === link() && link().select());
new MutationObserver(offer).observe(document.querySelector("main"), { childList: true, subtree: true });
offer();
