// Without a connection a page is shown that says so, instead of the browser's own. Nothing else is
// kept here: what people searched for stays on the server.

const STORE = "textback-offline-{{ version }}";
const FILES = {{ files|tojson }};
const PAGES = {{ pages|tojson }}; // by language
// What never needs us goes past us: we would else be woken for every picture and every event.
const PAST_US = ["/api/v1/*", "/products/*", "/photos/*", "/jobs/active", "/jobs/changes"];

let language = "";

addEventListener("install", (event) => {
  event.addRoutes?.(PAST_US.map((pathname) => ({ condition: { urlPattern: { pathname } }, source: "network" })));
  const files = [...FILES, ...Object.values(PAGES)];
  event.waitUntil(caches.open(STORE).then((store) => store.addAll(files)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("textback-offline-") && name !== STORE;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, search } = new URL(request.url);
  if (request.mode === "navigate" && request.method === "GET") event.respondWith(open(request, event));
  else if (FILES.includes(pathname + search)) event.respondWith(fetch(request).catch(() => caches.match(request)));
});

async function open(request, event) {
  try {
    const answer = await fetch(request);
    event.waitUntil(remember(answer.headers.get("Content-Language")).catch(() => {}));
    return answer;
  } catch {
    const kept = await caches.match("/offline/language");
    return caches.match(PAGES[language || (await kept?.text())] || Object.values(PAGES)[0]);
  }
}

// The language of the last page is that of the page that says there is none.
async function remember(spoken) {
  if (!spoken || spoken === language || !(spoken in PAGES)) return;
  language = spoken;
  const store = await caches.open(STORE);
  await store.put("/offline/language", new Response(language));
}
