// Something of this person has begun or ended, maybe on another device: what shows it looks again.

let stream = null;

function listen() {
  stream?.close();
  stream = null;
  if (document.hidden || !document.querySelector("#active")) return;
  stream = new EventSource("/jobs/changes");
  stream.onmessage = () => document.body.dispatchEvent(new Event("textback:changed"));
}

document.addEventListener("visibilitychange", listen);
addEventListener("online", listen);
listen();
