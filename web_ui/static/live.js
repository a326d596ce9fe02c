// Live parts: an element with data-live fetches its own address again every data-every seconds while the page can be seen.
// Everything else works without this file.
"use strict";
document.documentElement.classList.add("script");

// On a narrow screen the menu begins closed, so that the page's own words are seen first; without this file it is open.
const menu = document.querySelector("details.menu");
const narrow = matchMedia("(max-width: 60rem)"); // as in daka.css
const fold = () => { if (menu) menu.open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();

// Whoever is on the way to another page, types, or has the menu open on a narrow screen, is not disturbed.
const LEAVING_MS = 10_000; // a download leaves the page where it is
let left = -Infinity;
document.addEventListener("submit", () => { left = performance.now(); });
document.addEventListener("click", ({ target }) => { if (target.closest?.("a[href]")) left = performance.now(); });
const busy = () => performance.now() - left < LEAVING_MS || document.hidden || (narrow.matches && menu?.open)
  || !!document.activeElement?.closest("main form, :is(nav, header) :focus-visible");

// A page that waits for something loads itself again, once somebody answers there; never under somebody's hands.
const again = document.querySelector("meta[name='daka-again']");
const reload = async () => {
  if (busy()) return;
  try {
    await fetch(location.href, { credentials: "same-origin", redirect: "manual", headers: { "Daka-Live": "1" } });
    if (!busy()) location.reload();
  } catch {} // nobody there: a browser's error page would ask no more
};
if (again) setInterval(reload, Number(again.content) * 1000);

// Somebody who writes a long text is there: their session does not end under it.
const TELL_MS = 300_000;
let told = performance.now();
document.addEventListener("input", () => {
  if (performance.now() - told < TELL_MS) return;
  told = performance.now();
  fetch(location.href, { method: "HEAD", credentials: "same-origin", redirect: "manual" }).catch(() => {});
});

for (const part of document.querySelectorAll("[data-live]")) {
  const renew = async () => {
    if (document.hidden || part.contains(document.activeElement)) return; // never under somebody's hands
    try {
      const headers = { "Daka-Live": "1" }; // nobody's hand: it keeps no session open
      const answer = await fetch(part.dataset.live, { credentials: "same-origin", redirect: "manual", headers });
      if (answer.type === "opaqueredirect") {
        if (!busy()) location.reload(); // signed out: on to the door, and back here afterwards
      } else if (answer.ok) {
        const found = await answer.text();
        if (!part.contains(document.activeElement)) part.innerHTML = found;
        part.classList.remove("stale");
      } else {
        part.classList.add("stale");
      }
    } catch {
      part.classList.add("stale"); // a daemon restarts: the next try may do
    }
  };
  setInterval(renew, Number(part.dataset.every) * 1000);
  document.addEventListener("visibilitychange", renew);
}
