// The clock shows the kiosk's time, not the browser's: the daemon says what time it is, and the monotonic clock carries it on.

import { at, make } from "./build.js";
import { chosen, onChange, word } from "./words.js";

let base = null; // {said: ms since 1970, heard: performance.now()}
let zone = "";
let unknown = false;

export function hear(iso, timeZone, isUnknown) {
  const said = Date.parse(iso);
  const now = performance.now();
  // A long question answers with the time of its answer; small differences are the way it took, not a step.
  if (!base || Math.abs(base.said + (now - base.heard) - said) > 400) base = { said, heard: now };
  zone = timeZone;
  unknown = isUnknown;
  show();
}

export const now = () => (base ? base.said + performance.now() - base.heard : Date.now());

function format(options, moment) {
  return new Intl.DateTimeFormat(chosen(), { ...options, ...(zone ? { timeZone: zone } : {}) }).format(moment);
}

export const time = (moment) => format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, moment);
export const seconds = (moment) => format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }, moment);
export function day(moment) {
  const whole = format({ month: "long", day: "numeric", weekday: "long" }, moment);
  return whole.replace("日星期", "日  星期"); // Chinese sets both together; from a metre away a space reads better
}
export const shortDay = (moment) => format({ month: "numeric", day: "numeric", weekday: "short" }, moment);

function show() {
  const large = at("clock");
  large.classList.toggle("unknown", unknown);
  const shown = unknown ? word("clock.unknown") : time(now());
  if (large.dataset.shown === shown + chosen()) return;
  large.dataset.shown = shown + chosen();
  const [hour, minute] = shown.split(":");
  if (unknown) large.replaceChildren(shown);
  else large.replaceChildren(hour, make("span", { class: "colon" }, ":"), minute);
  at("head-clock").textContent = unknown ? "–:–" : shown;
  at("date").textContent = unknown ? "" : day(now());
}

setInterval(show, 500);
onChange(show);
