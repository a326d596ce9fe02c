// Face recognition as the person's own choice: the whole text first, yes and no of the same size, and taking it back as easily.

import { at, make } from "./build.js";
import * as mirror from "./mirror.js";
import { Gone, hear, Refused, tell } from "./net.js";
import { waiting } from "./pad.js";
import * as sheets from "./sheets.js";
import { say } from "./speech.js";
import * as ways from "./ways.js";
import { choose, chosen, has, NAMES, word } from "./words.js";

const FACE = "face_recognition";
let scene = { abilities: [], sitting: { state: "none" } };
let sitting = null; // the elements that show a sitting, while its sheet is open
let left = false; // somebody closed that sheet: it does not open again for the same sitting
let asked = 0; // whose sheet has been given a sitting: it becomes the sitting's

export function set(heard) {
  scene = heard;
  if (scene.sitting.state !== "sitting") left = false;
  else if (!sitting && !left && (!sheets.isOpen() || asked === sheets.whoseTurn())) openSitting();
  follow();
}

/* One that the office has begun waits for whoever has the sheet. */
at("sheet").addEventListener("close", () => set(scene));

export function open() {
  ask(refuse);
}

/* From the card of somebody who agreed to an older text, in the language of that card: their no takes that back. */
export function openAnew(language) {
  if (language !== chosen()) choose(language);
  ask(withdraw);
}

function ask(no) {
  sheets.open("enrol.title", (sheet) => {
    sheet.append(waiting());
    show(chosen(), no);
    return null;
  });
}

async function show(language, refusing) {
  const mine = sheets.whoseTurn();
  let text = null;
  try {
    text = await hear(`/v1/consent-text?language=${language}`);
  } catch (error) {
    if (!(error instanceof Gone || error instanceof Refused)) throw error;
  }
  if (mine !== sheets.whoseTurn()) return;
  if (!text) return sheets.change(sheets.say("why.other"));
  const yes = sheets.wide("enrol.agree", () => agree(text), { kind: "wide centre" });
  const no = sheets.wide("enrol.refuse", refusing, { kind: "wide centre" });
  const back = sheets.wide("enrol.withdraw", withdraw, { kind: "wide centre quiet" });
  const words = make("div", { class: "consent", lang: language, tabindex: "0", role: "document" }, text.words);
  sheets.change(languages(language), words, make("div", { class: "choices-2" }, no, yes), back);
}

/* Who reads another language reads the text, and what follows, in that. */
function languages(now) {
  const one = ([language, name]) => make("button", { lang: language, "aria-pressed": String(language === now), on: { click: () => choose(language) } }, name);
  return make("div", { class: "languages", role: "group", "data-label": "language.choose" }, ...NAMES.map(one));
}

/* Who says yes has to be that person, which is asked after the text and not before it. No face: whoever has one kept has agreed. */
function agree({ language, sha256 }) {
  ways.identify({ title: "enrol.verify", by: ["pin", "phone"], none: "verify.ask_office" }, ({ ticket }) => {
    const body = { ticket, language, shown_sha256: sha256 };
    ways.hand("/v1/own/consent", body, ({ templates }) => agreed(templates, ticket));
  });
}

function agreed(templates, ticket) {
  sheets.title("enrol.title");
  const said = sheets.say("enrol.has", { count: templates }, "said-yes");
  const here = scene.abilities.includes("enrol");
  if (here && ways.canSeeFaces()) return sheets.change(said, sheets.wide("enrol.start", () => sit(ticket), { drawn: "face", kind: "wide centre" }), ...others());
  const missing = here ? "enrol.later" : "enrol.office";
  const next = make("p", { "data-word": templates ? "enrol.done" : missing });
  return sheets.change(said, next, ...others());
}

/* Three poses before the camera, each with what is in the way; the daemon looks, the page only says what it wants to see. */
function sit(ticket) {
  const mine = sheets.whoseTurn();
  ways.hand("/v1/own/sitting", { ticket }, () => { // the scene tells how it goes on, also where the office has begun it
    asked = mine;
    set(scene);
  });
}

function openSitting() {
  sheets.open("enrol.title", (sheet) => {
    const pose = make("h2", { class: "centred", role: "status" });
    const hint = make("p", { class: "said-no centred", role: "status" });
    const progress = make("div", { class: "progress", "aria-hidden": "true" });
    sheet.append(progress, pose, mirror.viewer(), hint);
    sitting = { pose, hint, progress };
    return leave;
  });
}

function leave() {
  mirror.lookFor(null);
  ways.other("none");
  if (sitting && scene.sitting.state === "sitting") {
    left = true;
    tell("/v1/own/sitting-end").catch(() => {});
  }
  sitting = null;
}

/* How it goes, as the scene tells it. */
function follow() {
  if (!sitting) return;
  const { state, pose, hint, done, of, templates, why } = scene.sitting;
  if (state === "sitting") {
    sheets.stay();
    const asked = word(`challenge.${pose}`);
    const isNew = sitting.pose.textContent !== asked;
    if (isNew) sitting.pose.textContent = asked;
    const inTheWay = hint && has(`waiting.${hint}`) ? `waiting.${hint}` : "";
    sitting.hint.textContent = inTheWay && word(inTheWay);
    say(isNew || !inTheWay ? `challenge.${pose}` : inTheWay);
    sitting.progress.replaceChildren(...Array.from({ length: of }, (_, place) => make("span", { class: place < done ? "done" : "" })));
  } else if (state === "done" && templates) {
    end(sheets.tell("enrol.done", { class: "said-yes" }));
  } else if (state === "refused" || state === "ended") {
    end(sheets.tell(why === "enrol.another_face" ? "enrol.another_face" : "enrol.failed", { class: "said-no", role: "alert" }));
  }
}

/* Whoever still stands there reads what came of it, and is not clocked in by it. */
function end(said) {
  sitting = null;
  mirror.lookFor(null);
  ways.other("pin");
  sheets.change(said, ...others());
}

/* Who it is nobody knows here, so their no changes nothing for whoever agreed before: it is said, and taking that back is as large. */
function refuse() {
  const back = sheets.wide("enrol.withdraw", withdraw, { kind: "wide centre" });
  sheets.change(sheets.tell("enrol.refused"), ...others(), make("h2", { "data-word": "enrol.unchanged" }), make("div", { class: "choices-2" }, back));
}

const others = () => [make("h2", { "data-word": "enrol.other" }), make("div", { class: "choices-2" }, ...["pin", "qr", "badge"]
  .filter((name) => scene.abilities.includes(name))
  .map((name) => sheets.wide(`bar.${name}`, ways[name], { drawn: name })))];

function withdraw() {
  ways.identify({ title: "enrol.withdraw" }, ({ ticket }) => {
    ways.hand("/v1/own", { ticket }, ({ affairs }) => {
      const given = affairs.consents.some((consent) => consent.purpose === FACE);
      if (!given) return sheets.change(sheets.tell("enrol.nothing"), ...others());
      const sure = () => ways.hand("/v1/own/withdrawal", { ticket }, () => {
        sheets.change(sheets.tell("enrol.withdrawn", { class: "said-yes" }), ...others());
      });
      const has = make("p", {}, word("enrol.has", { count: affairs.templates }));
      sheets.change(has, make("p", { "data-word": "enrol.sure" }), make("div", { class: "choices-2" },
        sheets.wide("cancel", sheets.close, { kind: "wide centre" }), sheets.wide("enrol.withdraw", sure, { kind: "wide centre" })));
    });
  });
}
