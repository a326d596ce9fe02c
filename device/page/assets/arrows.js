// Arrow keys go from button to button by where they are on the screen, for whoever has a few keys or a switch and no pointer.

import { at } from "./build.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ASIDE = 3; // what lies aside is farther than it looks: a row is walked along before it is left

const isThere = (one) => !one.disabled && one.getClientRects().length > 0 && getComputedStyle(one).visibility !== "hidden";
const middle = (one) => {
  const { left, top, width, height } = one.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
};

/* How far it is to `there` in that direction; nothing where it lies behind. */
function distance(here, there, [right, down]) {
  const [x, y] = [there[0] - here[0], there[1] - here[1]];
  const ahead = x * right + y * down;
  return ahead < 1 ? Infinity : ahead + ASIDE * Math.abs(x * down + y * right);
}

function nearest(from, buttons, step) {
  if (!(from instanceof HTMLButtonElement)) return buttons.find((one) => !one.classList.contains("shut")) ?? buttons[0];
  const here = middle(from);
  const [next] = buttons.map((one) => [distance(here, middle(one), step), one]).sort(([one], [other]) => one - other);
  return next && next[0] < Infinity ? next[1] : null;
}

document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || event.target.closest?.(".consent")) return; // a text is read with them
  const scope = at("sheet").open ? at("sheet") : at("stage");
  const next = nearest(document.activeElement, [...scope.querySelectorAll("button")].filter(isThere), step);
  if (!next) return;
  event.preventDefault();
  next.focus();
});
