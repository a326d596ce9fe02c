// Results: the newest on top and large, earlier ones below and small, each gone after some seconds. They never block the next face.

import { at, icon, make } from "./build.js";
import * as clock from "./clock.js";
import * as consent from "./consent.js";
import * as fitting from "./fitting.js";
import * as help from "./help.js";
import * as outlines from "./outlines.js";
import { tell } from "./net.js";
import * as sound from "./sound.js";
import { tellAloud } from "./speech.js";
import * as ways from "./ways.js";
import { chosen, has, word } from "./words.js";

const EASY_TIMES = 3;
const OTHERS = { in: ["out", "break"], back: ["out", "break"], out: ["in", "break"], break: ["out", "in"] }; // what else it may have been
const GOOD = new Set(["too_soon"]); // refused, but nobody has to do anything: it is recorded already

let setting = { stays_s: 8, change_s: 0, abilities: [] };
let easy = false;

export function set(scene, isEasy) {
  setting = scene;
  easy = isEasy;
}

export function show(decision) {
  const language = decision.language || chosen();
  const good = decision.outcome === "punched" || GOOD.has(decision.why);
  outlines.colour(decision.face, good ? "known" : "refused");
  sound.play(good ? sound.YES : sound.NO);
  tellAloud(sentenceOf(decision), { seconds: Math.ceil(decision.wait_s ?? 0) }, language);
  const list = at("results");
  list.prepend(card(decision, language, good));
  for (const older of [...list.children].slice(1)) older.classList.add("small");
  fitting.fit(list);
}

export function sentenceOf({ outcome, direction, why }) {
  if (outcome === "punched") return has(`done.${direction}`) ? `done.${direction}` : "done.recorded";
  return has(`why.${why}`) ? `why.${why}` : "why.other";
}

function card(decision, language, good) {
  const { outcome, direction, name, seq } = decision;
  const punched = outcome === "punched";
  const what = word(sentenceOf(decision), { seconds: Math.ceil(decision.wait_s ?? 0) }, language);
  const made = make("li", { class: `card ${good ? "yes" : "no"} ${direction}`, lang: language, "data-outcome": outcome, "data-seq": seq });
  const when = make("p", { class: "when" }, make("b", {}, clock.time(Date.parse(decision.at))));
  if (punched) when.append(make("span", { class: "receipt" }, word("receipt", { seq }, language)));
  const title = name || (punched ? "" : word(decision.why === "stranger" ? "result.stranger" : "", {}, language));
  const body = make("div", { class: "body" }, title && make("p", { class: "name" }, title), make("p", { class: "what" }, what), when);
  made.append(icon(!good ? "no" : punched && direction in OTHERS ? direction : "in"), body);
  if (punched) addChoices(made, decision, language);
  made.addEventListener("focusin", () => goAway(made));
  goAway(made);
  return made;
}

function addChoices(made, { seq, direction, new_text: newText, has_message: hasMessage }, language) {
  const choices = [];
  if (hasMessage) choices.push(choice("result.message", language, help.mine)); // what it says is for them alone
  if (newText) choices.push(choice("result.new_text", language, () => consent.openAnew(language)));
  if (setting.abilities.includes("dispute")) {
    choices.push(choice("result.not_me", language, () => answered(dispute(made, seq, language))));
  }
  if (setting.abilities.includes("direction")) {
    const others = (OTHERS[direction] ?? []).filter((other) => other !== "break" || setting.abilities.includes("break"));
    const turning = others.map((other) => choice(`result.to_${other}`, language, () => answered(turn(made, seq, other, language))));
    choices.push(...turning);
    setTimeout(() => takeAway(turning), setting.change_s * 1000);
  }
  if (choices.length) made.append(make("div", { class: "choices" }, ...choices));
}

/* What the daemon would refuse from now on; who has gone to one of them by keyboard goes on beside it. */
function takeAway(buttons) {
  if (buttons.some((one) => one.disabled)) return; // one was pressed, and the answer takes their place
  const choices = buttons[0]?.parentElement;
  const hadFocus = buttons.includes(document.activeElement);
  for (const one of buttons) one.remove();
  if (choices && !choices.children.length) choices.remove();
  fitting.fit(at("results"));
  if (hadFocus) fitting.goOn(choices);
}

const choice = (name, language, act) => make("button", { on: { click: (event) => press(event, act) } }, word(name, {}, language));

const press = (event, act) => fitting.isMeant(event) && act();

/* What is said instead may be longer than the buttons were. */
async function answered(asked) {
  await asked;
  fitting.fit(at("results"));
}

/* It was somebody else's record, whose name goes; whoever stands here has none yet, and another way at hand. */
async function dispute(made, seq, language) {
  if (!(await settle(made, "/v1/dispute", { seq: String(seq) }, "result.disputed", language))) return;
  made.classList.remove("yes", ...Object.keys(OTHERS));
  made.classList.add("no", "disputed");
  made.querySelector(":scope > .icon").replaceWith(icon("no"));
  for (const gone of made.querySelectorAll(".name, .what")) gone.remove();
  if (setting.abilities.includes("pin")) made.append(make("div", { class: "choices" }, choice("bar.pin", language, ways.pin)));
}

async function turn(made, seq, other, language) {
  if (!(await settle(made, "/v1/direction", { seq: String(seq), direction: other }, "result.changed", language))) return;
  made.classList.remove(...Object.keys(OTHERS));
  made.classList.add(other);
  made.querySelector(".what").textContent = word(`done.${other}`, {}, language);
  made.querySelector(":scope > .icon").replaceWith(icon(other));
}

async function settle(made, path, body, sentence, language) {
  const choices = made.querySelector(".choices");
  const hadFocus = choices.contains(document.activeElement); // a button that is disabled has it no more
  for (const button of choices.children) button.disabled = true;
  let done = true;
  try {
    await tell(path, body);
  } catch {
    done = false;
  }
  const said = make("p", { class: done ? "said" : "said failed", role: "status", tabindex: "-1" }, word(done ? sentence : "result.not_changed", {}, language));
  choices.replaceWith(said);
  if (hadFocus) said.focus({ preventScroll: true });
  sound.play(done ? sound.YES : sound.NO);
  tellAloud(done ? sentence : "result.not_changed", {}, language);
  goAway(made);
  return done;
}

/* A bar shows how long it stays; whoever touches it gets the whole time again. */
function goAway(made) {
  made.querySelector(".left")?.remove();
  const lasts = setting.stays_s * 1000 * (easy ? EASY_TIMES : 1);
  const bar = make("span", { class: "left", "aria-hidden": "true" });
  made.append(bar);
  bar.animate([{ transform: "scaleX(1)" }, { transform: "scaleX(0)" }], { duration: lasts, fill: "forwards" });
  clearTimeout(Number(made.dataset.timer));
  made.dataset.timer = setTimeout(() => leave(made), lasts);
}

/* Who has gone to it by keyboard goes on at the next card, or at the bar. */
function leave(made) {
  const list = made.parentElement;
  const hadFocus = made.contains(document.activeElement);
  made.remove();
  if (!list) return;
  list.firstElementChild?.classList.remove("small");
  fitting.fit(list);
  if (hadFocus) fitting.goOn(list);
}
