// In, out or break by button, where the enterprise wants it so: pressed first, then the face, the badge or the PIN. It holds for half a minute.

import { at } from "./build.js";
import { tell } from "./net.js";

const LASTS_MS = 30_000;
let timer = 0;
let turn = 0; // an answer that comes after the next press, or after the punch that used it up, shows nothing

export function set(scene) {
  at("choose").hidden = !scene.abilities.includes("choose");
  at("choose").querySelector("[data-direction='break']").hidden = !scene.abilities.includes("break");
}

export function over() {
  turn += 1;
  clearTimeout(timer);
  for (const button of at("choose").children) button.setAttribute("aria-pressed", "false");
}

async function choose(event) {
  const button = event.target.closest("button");
  if (!button) return;
  over();
  const mine = turn;
  try {
    await tell("/v1/choice", { direction: button.dataset.direction });
  } catch {
    return; // the daemon is away, and the page says so
  }
  if (mine !== turn) return;
  button.setAttribute("aria-pressed", "true");
  timer = setTimeout(over, LASTS_MS);
}

at("choose").addEventListener("click", choose);
