// The pad: one number after the other, by finger or by keyboard. What is a secret shows as dots and is forgotten when it is handed over.

import { icon, make } from "./build.js";
import { say } from "./speech.js";
import { fill, word } from "./words.js";

// A finger on a key takes the focus from nowhere: Enter goes on meaning OK.
const keepFocus = (event) => event.preventDefault();
let scrambled = false; // whether digits of a secret stand in another order each time
export const setScrambled = (isSo) => { scrambled = isSo; };
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./"];
const LONG = 9; // letters that fit in the large type

function shuffled(digits) {
  const mixed = [...digits];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = crypto.getRandomValues(new Uint32Array(1))[0] % (last + 1);
    [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
  }
  return mixed;
}

/* An element that asks for a number; `done(text)` gets it. `said` is a sentence to show above, an element. `letters`: some have them. */
export function pad({ ask, secret = false, most = 12, least = 1, said = null, letters = false }, done) {
  let entered = "";
  const entry = make("div", { class: "entry", role: "status", "aria-live": "polite" });
  const show = () => {
    entry.textContent = secret ? "●".repeat(entered.length) : entered;
    entry.setAttribute("aria-label", secret ? word("pin.entered", { count: entered.length }) : entered || word(ask));
    entry.classList.toggle("long", entered.length > LONG);
    entry.scrollLeft = entry.scrollWidth;
    go.disabled = entered.length < least;
  };
  const type = (digit) => { if (entered.length < most) { entered += digit; show(); } };
  const erase = () => { entered = entered.slice(0, -1); show(); };
  const hand = () => { if (entered.length >= least) { const text = entered; entered = ""; done(text); } };
  const order = secret && scrambled ? shuffled(DIGITS) : DIGITS;
  const key = (digit) => make("button", { class: "key", "data-digit": digit, on: { click: () => type(digit), pointerdown: keepFocus } }, digit);
  const back = make("button", { class: "key word", "data-word": "erase", on: { click: erase } });
  const go = make("button", { class: "key word go", "data-word": "ok", on: { click: hand } });
  const digits = [...order.slice(0, 9).map(key), back, key(order[9]), go];
  const keys = make("div", { class: "keys", role: "group", "data-label": "pin.pad" }, ...digits);
  const other = letters && switchTo(keys, digits, [...LETTERS.map(key), back, go]);
  const asked = make("div", {}, make("p", { class: "ask", "data-word": ask }), entry, said);
  const whole = make("div", { class: "pad", tabindex: "-1" }, asked, keys, other);
  const typed = (event) => {
    if (!whole.isConnected) return document.removeEventListener("keydown", typed);
    const isOurs = /^[0-9]$/.test(event.key) || (letters && /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(event.key));
    if (isOurs) type(event.key);
    else if (event.key === "Backspace") erase();
    else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement && event.target !== go)) { event.preventDefault(); hand(); }
  };
  document.addEventListener("keydown", typed);
  show();
  if (!said) say(ask);
  return whole;
}

/* The button between digits and letters, after both: whoever has digits alone meets it last. */
function switchTo(keys, digits, letters) {
  const button = make("button", { class: "wide centre switch", "data-word": "pin.letters", on: { pointerdown: keepFocus, click: () => {
    const isLetters = keys.classList.toggle("letters");
    keys.replaceChildren(...(isLetters ? letters : digits));
    keys.dataset.label = isLetters ? "pin.letters" : "pin.pad";
    button.dataset.word = isLetters ? "pin.pad" : "pin.letters";
    fill(keys.parentElement);
  } } });
  return button;
}

export const waiting = () => make("p", { class: "soft", role: "status" }, icon("clock"), " ", make("span", { "data-word": "wait" }));
