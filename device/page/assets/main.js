// The page: hears the scene, shows it, and goes on by itself whatever happens behind it.

import "./arrows.js";
import { at, icon, make } from "./build.js";
import * as clock from "./clock.js";
import * as fitting from "./fitting.js";
import * as help from "./help.js";
import * as mirror from "./mirror.js";
import { Gone, hear, pause, Refused } from "./net.js";
import * as results from "./results.js";
import * as sheets from "./sheets.js";
import * as speech from "./speech.js";
import * as choice from "./choice.js";
import * as ways from "./ways.js";
import * as words from "./words.js";

const LONG_MS = 60_000;
const QUIET_MS = 900; // a daemon that is back within this was never away for anybody
const RELOAD_EVERY_MS = 60_000;
const LANGUAGE_BACK_MS = 20_000;
const LARGE = { storage_full: ["stop", "paper"], storage_failing: ["stop", "paper"], camera_away: ["warn", "camera"], camera_black: ["warn", "camera"], locked: ["server", "clock"] };
const SMALL = { clock_unknown: ["time", "clock"], clock_unsure: ["time", "clock"], server_away: ["server", "message"], simulated: ["", "camera"] };

const QUIET = new Set(["looking", "spent"]); // nothing to do, or said with the result

let scene = null;
let easy = false;
let goneSince = null;
let touchedAt = -Infinity;

async function start() {
  await stayLoaded();
  keepShell();
  while (!words.version) await words.load().catch(() => pause(500));
  words.chooseKept();
  bar();
  mirror.onPicture(hint);
  mirror.run();
  hearScenes();
}

/* Every file of the page is here: it need not load itself anew. That was to come some seconds after the last of them. */
async function stayLoaded() {
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
  window.stop();
  document.querySelector("meta[http-equiv='refresh']")?.remove();
}

function keepShell() {
  if (!navigator.serviceWorker) return;
  const policy = globalThis.trustedTypes?.createPolicy("shell", { createScriptURL: (url) => (url === "/sw.js" ? url : "") });
  navigator.serviceWorker.register(policy ? policy.createScriptURL("/sw.js") : "/sw.js").catch(() => {});
}

async function hearScenes() {
  let asked = { boot: "", after: 0, digest: "" };
  for (;;) {
    try {
      const wait_s = scene && goneSince === null ? 20 : 0;
      const query = new URLSearchParams({ boot: asked.boot, after: asked.after, seen: asked.digest, wait_s });
      const heard = await hear(`/v1/scene?${query}`, { wait_s });
      asked = { boot: heard.boot, after: heard.count, digest: heard.digest };
      back();
      show(heard);
    } catch (error) {
      if (error instanceof Gone || error instanceof Refused) away(error);
      else console.error(error); // a fault of this page must not be the last that it does
      await pause(400);
    }
  }
}

function show(heard) {
  if (!scene) words.choose(heard.language);
  words.keep(heard.language);
  document.body.classList.add("ready");
  scene = heard;
  if (scene.theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = scene.theme;
  at("title").textContent = scene.title;
  clock.hear(scene.at, scene.zone, scene.conditions.includes("clock_unknown"));
  for (const part of [results, ways, help, choice]) part.set(scene, easy);
  speech.set(scene.speech, easy, scene.abilities.includes("voice"));
  for (const [name, button] of [["pin", "b-pin"], ["qr", "b-qr"], ["badge", "b-badge"]]) at(button).hidden = !scene.abilities.includes(name);
  conditions();
  for (const decision of scene.decisions) decide(decision);
  reloadIfOld();
}

function decide(decision) {
  if (ways.takes(decision)) return;
  if (decision.outcome === "punched") choice.over();
  results.show(decision);
}

function conditions() {
  const found = scene.conditions;
  const large = found.find((name) => name in LARGE);
  const blocker = at("blocker");
  at("rest").hidden = Boolean(large) || !at("mirror").hidden;
  at("head-clock").hidden = !at("rest").hidden;
  blocker.hidden = !large || !at("mirror").hidden;
  if (large && blocker.dataset.shown !== large + words.chosen()) {
    const [kind, drawn] = LARGE[large];
    blocker.className = kind;
    blocker.dataset.shown = large + words.chosen();
    blocker.replaceChildren(icon(drawn), make("h1", {}, words.word(`condition.${large}.title`)), make("p", {}, words.word(`condition.${large}.way`)));
  }
  warn(at("mirror").hidden ? null : large);
  at("come-words").textContent = words.word("idle.come");
  const told = found.find((name) => name in SMALL && name !== "simulated");
  at("come-other").textContent = words.word(told ? `condition.${told}.way` : "idle.other", { backlog: scene.backlog });
  const chips = found.filter((name) => name in SMALL).map((name) => chip(name));
  const office = scene.notice.code ? make("li", { class: "office" }, make("button", { on: { click: help.office } }, icon("key"), words.word("notice.title"))) : null;
  const shown = JSON.stringify([found, scene.backlog, scene.notice.code, words.chosen()]);
  if (at("chips").dataset.shown === shown) return; // who is on its way to one of them by keyboard stays there
  at("chips").dataset.shown = shown;
  at("chips").replaceChildren(...(office ? [office] : []), ...chips);
}

/* Over the mirror: whoever stands there is not to wait for a record that cannot be made. */
function warn(large) {
  const warning = at("warning");
  const shown = large ? large + words.chosen() : "";
  if (warning.dataset.shown === shown) return;
  warning.dataset.shown = shown;
  warning.hidden = !large;
  if (large) {
    const [kind, drawn] = LARGE[large];
    warning.className = kind;
    warning.replaceChildren(icon(drawn), make("p", {}, make("b", {}, words.word(`condition.${large}.title`)), " ", words.word(`condition.${large}.way`)));
  }
  fitting.fit(at("results")); // which have another place now
}

function chip(name) {
  const way = words.word(`condition.${name}.way`, { backlog: scene.backlog });
  const [kind, drawn] = SMALL[name];
  return make("li", { class: kind, title: way }, icon(drawn), make("span", {}, words.word(`condition.${name}.title`)), make("span", { class: "unseen" }, way));
}

function hint(waiting) {
  const shown = at("hint");
  const challenge = scene?.challenge ?? "";
  const name = challenge ? `challenge.${challenge}` : `waiting.${waiting}`;
  const plain = waiting === "done" || waiting === "nobody" || !words.has(name);
  const text = plain && !challenge ? "" : words.word(name);
  if (shown.textContent !== text) shown.textContent = text;
  shown.classList.toggle("challenge", Boolean(challenge));
  if (text && !QUIET.has(waiting) && (challenge || !sheets.isOpen())) speech.hint(name);
  conditionsIfMoved();
}

let mirrorWas = true;
function conditionsIfMoved() {
  if (mirrorWas === at("mirror").hidden || !scene) return;
  mirrorWas = at("mirror").hidden;
  conditions();
}

function away(error) {
  goneSince ??= performance.now();
  const since = performance.now() - goneSince;
  const stranger = error instanceof Refused && error.status === 401;
  if (!stranger && since < QUIET_MS) return;
  if (at("away").hidden) sheets.close();
  at("away").hidden = false;
  at("away-title").textContent = words.word(stranger ? "token.title" : "away.title");
  const sentence = stranger ? "token.sentence" : since > LONG_MS ? "away.long" : "away.sentence";
  if (at("away-sentence").textContent !== words.word(sentence)) at("away-sentence").textContent = words.word(sentence);
}

function back() {
  goneSince = null;
  at("away").hidden = true;
}

/* The daemon has a newer page than this one: take it when nobody is in the middle of something. */
function reloadIfOld() {
  if (scene.shell === words.version || sheets.isOpen() || at("results").children.length) return;
  const last = Number(sessionStorage.getItem("reloaded") ?? 0);
  if (Date.now() - last < RELOAD_EVERY_MS) return;
  sessionStorage.setItem("reloaded", Date.now());
  location.reload();
}

function bar() {
  at("b-pin").addEventListener("click", ways.pin);
  at("b-qr").addEventListener("click", ways.qr);
  at("b-badge").addEventListener("click", ways.badge);
  at("b-help").addEventListener("click", help.open);
  at("b-language").addEventListener("click", chooseLanguage);
  at("b-easy").addEventListener("click", () => setEasy(!easy));
  for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, () => { touchedAt = performance.now(); });
  document.addEventListener("contextmenu", (event) => event.preventDefault());
  words.onChange(() => scene && show({ ...scene, decisions: [] }));
  setInterval(backToNormal, 1000);
}

function setEasy(on) {
  easy = on;
  document.documentElement.classList.toggle("easy", on);
  at("b-easy").setAttribute("aria-pressed", String(on));
  at("b-easy").querySelector("[data-word]").dataset.word = on ? "bar.easy_off" : "bar.easy";
  sheets.setEasy(on);
  words.fill(at("bar"));
  if (scene) show({ ...scene, decisions: [] });
}

/* The next person finds the terminal as it was set, in a queue as well: a face in view has touched nothing. */
function backToNormal() {
  const quiet = performance.now() - touchedAt;
  if (!scene || sheets.isOpen() || quiet < LANGUAGE_BACK_MS * (easy ? 3 : 1)) return;
  if (easy) setEasy(false);
  if (words.chosen() !== scene.language) words.choose(scene.language);
}

function chooseLanguage() {
  sheets.open("language.choose", (sheet) => {
    for (const [language, name] of words.NAMES) {
      const pick = () => { sheets.close(); words.choose(language); };
      sheet.append(make("button", { class: "wide centre", lang: language, "data-language": language, on: { click: pick } }, name));
    }
  });
}

start();
