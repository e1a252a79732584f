// A page that could not be made: asked for again by itself, as soon as somebody answers.

const notice = document.querySelector("#again");
const every = 1000 * (Number(notice.dataset.seconds) || 5);

async function tryAgain() {
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    if (answer.status !== 503) return location.reload();
  } catch {
    // Offline, or nobody listens yet.
  }
  later();
}

// Not all who wait at the same moment.
function later() {
  setTimeout(tryAgain, every * (1 + Math.random() / 2));
}

later();
addEventListener("online", () => location.reload());
