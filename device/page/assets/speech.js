// Saying a sentence aloud: by the browser's own voice where it has one for the language, else by the kiosk's, else not at all.

import { ask } from "./net.js";
import * as sound from "./sound.js";
import { chosen, word } from "./words.js";

const AGAIN_MS = 4000; // the same hint is not said over and over
let wanted = "accessible";
let easy = false;
let kiosks = false;
let telling = false;
const said = new Map(); // by name, when it was last said

/* `hasVoice`: whether the kiosk itself can speak. */
export function set(setting, isEasy, hasVoice) {
  kiosks = hasVoice;
  wanted = setting;
  easy = isEasy;
}

const isOn = () => wanted === "always" || (wanted === "accessible" && easy);

function voice(language) {
  const found = globalThis.speechSynthesis?.getVoices() ?? [];
  return found.find((one) => one.lang === language) ?? found.find((one) => one.lang.split(/[-_]/)[0] === language.split("-")[0]);
}

/* A result: said after the one before, never over it; two people who are told the same hear it once. */
export function tellAloud(name, values, language) {
  speak(name, values, language, true);
}

/* The newest sentence instead of an older one, but after a result. */
export function say(name, values = {}, language = chosen()) {
  speak(name, values, language, false);
}

/* What stands in the way at this moment; while a result is said it is left out, since it may have passed by then. */
export function hint(name) {
  if (!isTelling()) say(name);
}

const isTelling = () => telling && (waiting > 0 || globalThis.speechSynthesis?.speaking || globalThis.speechSynthesis?.pending);

function speak(name, values, language, isResult) {
  const now = performance.now();
  if (!isOn() || now - (said.get(name) ?? -Infinity) < AGAIN_MS) return;
  said.set(name, now);
  const own = voice(language);
  if (!own && !kiosks) return;
  if (!isTelling()) hush();
  telling = isResult || isTelling();
  if (own) byBrowser(own, word(name, values, language), language);
  else byKiosk({ word: name, language, values });
}

function hush() {
  globalThis.speechSynthesis?.cancel();
  round += 1;
  sound.hush();
}

function byBrowser(own, text, language) {
  const spoken = new SpeechSynthesisUtterance(text);
  spoken.voice = own;
  spoken.lang = language;
  speechSynthesis.speak(spoken);
}

let line = Promise.resolve(); // one sentence of the kiosk's after the other
let waiting = 0; // that are said, or to be said
let round = 0; // a sentence of an earlier one is not wanted any more

function byKiosk(sentence) {
  const mine = round;
  waiting += 1;
  line = line.then(() => heard(sentence, () => mine === round)).catch(() => {}).finally(() => { waiting -= 1; }); // it is on the screen all the same
}

async function heard(sentence, isWanted) {
  if (!isWanted()) return;
  const file = await (await ask("/v1/say", { method: "POST", body: sentence })).arrayBuffer();
  if (isWanted()) await sound.speak(file);
}
