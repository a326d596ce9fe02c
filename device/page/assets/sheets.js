// The one sheet that lies over the stage: opened by a button, closed by its button, by Escape, or when nobody has touched it for a while.

import { at, icon, make } from "./build.js";
import * as speech from "./speech.js";
import { fill, onChange, word } from "./words.js";

const STAYS_MS = 45_000;
const EASY_TIMES = 3;
const NOTE_STAYS_MS = 8_000;

let atClose = null;
let timer = 0;
let easy = false;
let again = null;
let turn = 0; // of whoever has the sheet: an answer that comes after the next one has begun is nobody's
let opener = null; // what had the focus before: the browser gives it back, if it is still there

export const isOpen = () => at("sheet").open;
export const whoseTurn = () => turn;
export const setEasy = (isEasy) => { easy = isEasy; };

/* `draw(sheet)` fills the sheet and may return what is to be done when it closes; it is drawn anew when the language changes. */
export function open(title, draw) {
  leave();
  const sheet = at("sheet");
  again = () => {
    atClose?.();
    atClose = null;
    turn += 1;
    const shut = make("button", { class: "shut", "data-label": "close", on: { click: close } }, icon("close"));
    const head = make("header", {}, make("h1", { id: "sheet-title", "data-word": title }), shut);
    const inside = make("div", { class: "sheet", tabindex: "-1" }, head);
    sheet.replaceChildren(inside);
    atClose = draw(inside) ?? null;
    fill(inside);
  };
  again();
  if (!sheet.open) {
    opener = document.activeElement;
    sheet.showModal();
  }
  goOn(sheet.querySelector(".sheet"));
  stay();
}

/* The focus goes to what comes next: a text to be read, the pad, the first thing to press. Where there is nothing, to the sheet itself,
   unless somebody has gone to its button already. */
function goOn(inside) {
  const next = inside.querySelector(".consent, .pad") ?? inside.querySelector("button:not(.shut)");
  if (next) next.focus({ preventScroll: true });
  else if (!inside.contains(document.activeElement) || document.activeElement.matches(".shut:not(:focus-visible)")) inside.focus({ preventScroll: true });
}

export function close() {
  leave();
  const sheet = at("sheet");
  if (sheet.open) sheet.close();
  sheet.replaceChildren();
  if (opener && !opener.isConnected) at("b-help").focus({ preventScroll: true }); // what opened it is gone
  opener = null;
}

function leave() {
  const act = atClose;
  [atClose, again] = [null, null];
  turn += 1;
  clearTimeout(timer);
  act?.();
}

/* Somebody is still there: the sheet stays for its whole time again. */
export function stay() {
  clearTimeout(timer);
  if (isOpen()) timer = setTimeout(close, STAYS_MS * (easy ? EASY_TIMES : 1));
}

/* The same sheet with other content, as one step follows the other. */
export function change(...content) {
  const inside = at("sheet").querySelector(".sheet");
  if (!inside) return;
  while (inside.children.length > 1) inside.lastElementChild.remove();
  inside.append(...content.filter(Boolean));
  fill(inside);
  goOn(inside);
  stay();
}

/* The same sheet is about something else now. */
export function title(name) {
  const head = at("sheet-title");
  if (head) [head.dataset.word, head.textContent] = [name, word(name)];
}

/* A sentence to be read and, where one listens, heard. */
export function say(name, values = {}, kind = "said-no") {
  speech.say(name, values);
  return make("p", { class: kind, role: "alert" }, word(name, values));
}

/* The same for good news, or for what to do: found again by its name when the language changes. */
export function tell(name, attributes = {}) {
  speech.say(name);
  return make("p", { role: "status", "data-word": name, ...attributes });
}

/* Something that is no step of this sheet, over its title for as long as a result stays. */
export function note(name) {
  const inside = at("sheet").querySelector(".sheet");
  if (!inside) return;
  inside.querySelector(".note")?.remove();
  const noted = say(name, {}, "note said-no");
  inside.firstElementChild.after(noted);
  setTimeout(() => noted.remove(), NOTE_STAYS_MS);
}

/* What somebody is to do, large; `attributes` of the heading. */
export function ask(name, values, attributes = {}) {
  speech.say(name, values);
  return values ? make("h2", { role: "status", ...attributes }, word(name, values)) : make("h2", { "data-word": name, ...attributes });
}

export function wide(name, act, { drawn, kind = "wide" } = {}) {
  return make("button", { class: kind, on: { click: act } }, drawn && icon(drawn), make("span", { "data-word": name }));
}

/* The event of an Escape comes with the next frame: the next sheet may be open by then. */
at("sheet").addEventListener("close", () => { if (again && !isOpen()) close(); });
for (const event of ["pointerdown", "keydown"]) at("sheet").addEventListener(event, stay);
onChange(() => again?.());
