// Keeps the page's own files, so that no browser's error page is ever seen while the daemon starts anew. Never keeps an answer about anybody.

const STORE = "daka-shell";
const FILES = ["/", "/page.css", "/words.json", "/icon.svg", "/first.js", "/main.js", "/arrows.js", "/build.js", "/choice.js", "/clock.js", "/consent.js", "/fitting.js", "/mirror.js", "/net.js", "/outlines.js", "/results.js", "/seal.js",
  "/sheets.js", "/pad.js", "/ways.js", "/help.js", "/sound.js", "/speech.js", "/words.js"];
const PATIENCE_MS = 2500;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(STORE).then((store) => store.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !FILES.includes(url.pathname)) return;
  event.respondWith(newestOrKept(url.pathname));
});

async function newestOrKept(path) {
  const store = await caches.open(STORE);
  try {
    const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) {
      await store.put(path, answer.clone());
      return answer;
    }
  } catch {
    // the daemon is away: what was kept will do until it is back
  }
  return (await store.match(path)) ?? Response.error();
}
