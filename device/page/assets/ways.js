// The ways without a face. What somebody types is handed over and forgotten; what comes of it shows as a result like any other.

import { icon, make } from "./build.js";
import * as mirror from "./mirror.js";
import { Gone, Refused, tell } from "./net.js";
import { pad, setScrambled, waiting } from "./pad.js";
import * as sheets from "./sheets.js";
import { has, word } from "./words.js";

let scene = { challenge: "", conditions: [], abilities: [] };
let reading = null; // who wants to hear of a badge or code that was shown, instead of a punch
let completing = null; // whose badge or code the open sheet completes
let otherwise = sheets.close; // what to do where the face that was to complete it was somebody else's
let showing = null; // where the sheet that waits for a badge or code says why one came to nothing; what came of another closes it

export function set(heard) {
  scene = heard;
  setScrambled(scene.scramble);
  for (const told of document.querySelectorAll(".viewer .asked")) sayAsked(told);
}

/* What a challenge asks for, in the picture of the sheet that lies over the mirror and its words. */
function sayAsked(told) {
  const text = scene.challenge ? word(`challenge.${scene.challenge}`) : "";
  if (told.textContent !== text) told.textContent = text;
}

const RENEW_MS = 20_000; // the daemon compares no face for a minute after it was told; a sheet may be open for longer
let told = Promise.resolve();
let renewing = 0;
const sayOther = (kind) => { told = told.then(() => tell("/v1/other-way", { kind })).catch(() => {}); }; // one after the other
export function other(kind) {
  clearInterval(renewing);
  if (kind !== "none") renewing = setInterval(() => sayOther(kind), RENEW_MS);
  sayOther(kind);
}
const isCameraAway = () => scene.conditions.some((name) => name.startsWith("camera_"));
export const canSeeFaces = () => !isCameraAway() && !scene.conditions.includes("locked");
const sentenceOf = ({ why, wait_s }) => [has(`why.${why}`) ? `why.${why}` : "why.other", { seconds: Math.ceil(wait_s) }];
export const refusal = (decision) => sheets.say(...sentenceOf(decision));

/* What the daemon refuses, by its kind; of the rest nobody here can do anything about one more than about the other. */
const REFUSED = {
  TicketGone: "why.ticket_gone", NotTheirs: "why.ticket_gone", ConsentChanged: "why.text_changed", TemplatesLocked: "condition.locked.way",
  FileForACamera: "why.file_camera", Occupied: "why.occupied",
};
const DISK = 507;
export const whyOf = ({ status, kind }) => REFUSED[kind] ?? (status === DISK ? "why.disk" : "why.other");

/* Hands a question over; while it is answered the sheet says so. Nobody answering is said, too, and nothing is lost. What comes when
   the sheet was closed meanwhile is no business of whoever stands there by then. */
export async function hand(path, body, then) {
  sheets.change(waiting());
  const mine = sheets.whoseTurn();
  let answer;
  try {
    answer = await tell(path, body);
  } catch (error) {
    if (!(error instanceof Gone || error instanceof Refused)) throw error;
    if (mine !== sheets.whoseTurn()) return;
    sheets.change(sheets.say(whyOf(error)));
    return;
  }
  if (mine === sheets.whoseTurn()) then(answer);
}

/* Number, then PIN; `then(decision, number)` gets every answer that is no refusal of the two. */
export function numberAndPin({ title, purpose, number = "pin.number", pin = "pin.pin" }, then) {
  sheets.open(title, () => {
    other("pin");
    queueMicrotask(() => askNumber());
    return () => other("none");
  });
  const askNumber = (said = null) => sheets.change(pad({ ask: number, most: 64, letters: true, said }, (typed) => askPin(typed)));
  const askPin = (typed, said = null) => sheets.change(pad({ ask: pin, secret: true, said }, (digits) => submit(typed, digits)));
  const submit = (typed, digits) => hand("/v1/ways/pin", { number: typed, pin: digits, purpose }, (decision) => {
    if (decision.why === "pin_must_change") newPin(typed, digits, (fresh) => submit(typed, fresh), refusal(decision));
    else if (decision.why === "wait") askPin(typed, refusal(decision));
    else if (decision.why === "wrong" || (purpose === "verify" && !decision.ticket)) askNumber(refusal(decision));
    else then(decision, typed, digits);
  });
}

/* Who one is, for one's own affairs: by PIN, by face or by the phone's code, whichever one has. `then(decision)` gets the ticket. */
export function identify({ title, by = ["pin", "face", "phone"], none = "verify.office" }, then) {
  const can = { pin: true, face: canSeeFaces(), phone: !isCameraAway() && scene.abilities.includes("phone") };
  const all = {
    pin: ["verify.pin", "pin", () => numberAndPin({ title, purpose: "verify" }, then)],
    face: ["verify.face", "face", () => numberAndFace(title, then)],
    phone: ["verify.phone", "qr", () => phoneCode(title, then)],
  };
  const open = by.filter((name) => can[name]).map((name) => all[name]);
  if (open.length === 1) return open[0][2]();
  const buttons = open.map(([name, drawn, act]) => sheets.wide(name, act, { drawn }));
  sheets.open(title, (sheet) => {
    sheet.append(sheets.ask("verify.how"), make("div", { class: "choices-2" }, ...buttons), make("p", { class: "soft", "data-word": none }));
  });
}

/* The number says whose face is looked for; it is no punch. */
function numberAndFace(title, then) {
  let [timer, isOpen] = [0, true];
  const over = () => { clearTimeout(timer); reading = null; mirror.lookFor(null); };
  const wait = (seconds) => { timer = setTimeout(() => (scene.challenge ? wait(2) : ask(sheets.say("verify.not_seen"))), seconds * 1000); };
  const ask = (why = null) => {
    over();
    other("pin");
    sheets.change(pad({ ask: "pin.number", most: 64, letters: true, said: why }, look));
  };
  const look = async (number) => {
    clearInterval(renewing);
    await told;
    hand("/v1/ways/face", { number }, ({ wait_s }) => {
      if (!isOpen) return;
      const said = make("div");
      sheets.change(sheets.ask("complete.face"), viewer(false), said);
      wait(wait_s); // and for as long as a challenge takes
      hearVerified(said, (decision) => { over(); other("pin"); then(decision); });
    });
  };
  sheets.open(title, () => {
    isOpen = true;
    queueMicrotask(ask);
    return () => { isOpen = false; over(); other("none"); };
  });
}

function phoneCode(title, then) {
  sheets.open(title, (sheet) => {
    const said = make("div");
    other("verify");
    sheet.append(sheets.ask("verify.phone"), sheets.tell("qr.how", { class: "centred" }), viewer(true), said);
    hearVerified(said, (decision) => { mirror.lookFor(null); other("pin"); then(decision); });
    return () => { reading = null; mirror.lookFor(null); other("none"); };
  });
}

/* A badge or a printed code says who, which anybody can copy: only what shows that it is them goes on. */
function hearVerified(said, then) {
  const hear = (decision) => {
    if (decision.outcome === "verified") return then(decision);
    reading = hear;
    said.replaceChildren(decision.ticket ? sheets.say("verify.not_enough") : refusal(decision));
  };
  reading = hear;
}

/* A new PIN, twice; then the change, and on with it. */
function newPin(number, old, then, said = null) {
  const ask = (why) => sheets.change(pad({ ask: "pin.new", secret: true, least: 6, said: why }, again));
  const again = (fresh) => sheets.change(pad({ ask: "pin.again", secret: true, least: 6 }, (typed) => {
    if (typed !== fresh) ask(sheets.say("pin.differ"));
    else change(fresh);
  }));
  const change = (fresh) => hand("/v1/ways/pin-change", { number, old, new: fresh }, (decision) => {
    if (decision.outcome === "pin_changed") then(fresh);
    else ask(refusal(decision));
  });
  ask(said);
}

export function pin() {
  numberAndPin({ title: "pin.title", purpose: "punch" }, sheets.close);
}

export function changePin() {
  numberAndPin({ title: "help.pin", purpose: "verify" }, (decision, number, old) => {
    newPin(number, old, () => sheets.change(sheets.tell("pin.changed", { class: "said-yes" })));
  });
}

export function viewer(aim) {
  const told = make("p", { class: "asked", role: "status" });
  sayAsked(told);
  return mirror.viewer(aim && make("div", { class: "aim" }), told);
}

export function qr() {
  sheets.open("qr.title", (sheet) => {
    if (isCameraAway()) {
      sheet.append(sheets.tell("qr.no_camera"));
      return null;
    }
    other("reader");
    showing = make("div");
    sheet.append(sheets.tell("qr.how", { class: "centred" }), showing, viewer(true));
    return () => { showing = null; mirror.lookFor(null); other("none"); };
  });
}

export function badge() {
  sheets.open("badge.title", (sheet) => {
    other("reader");
    showing = make("div");
    sheet.append(icon("badge", "icon picture-large"), sheets.tell("badge.how", { class: "centred" }), showing);
    return () => { showing = null; other("none"); };
  });
}

/* What the daemon says of badges, codes and faces while a sheet is open; true if that is all there is to show. */
export function takes(decision) {
  if (reading && (decision.ticket || decision.outcome === "refused")) {
    const hear = reading;
    if (decision.ticket) reading = null;
    hear(decision);
    return true;
  }
  if (decision.outcome === "identified") present(decision);
  else if (completing && decision.whose === completing) sheets.close();
  else if (completing && decision.why === "not_them") otherwise(decision);
  else if (showing && isRecorded(decision) && isByReader(decision)) sheets.close();
  else if (showing && decision.outcome === "refused" && !decision.face) sayBeside(decision);
  return decision.outcome === "identified" || decision.outcome === "verified";
}

/* Whoever has the sheet goes on with it: a neighbour's badge or code waits. */
function present(decision) {
  if (!sheets.isOpen() || showing || (completing && completing === decision.whose)) complete(decision);
  else sheets.note("why.one_at_a_time");
}

const isByReader = ({ method }) => /badge|qr/.test(method);
const isRecorded = ({ outcome, why }) => outcome === "punched" || why === "too_soon";

/* The card, which is said aloud, lies behind the sheet, where nobody reads it. */
function sayBeside(decision) {
  showing.replaceChildren(make("p", { class: "said-no", role: "alert" }, word(...sentenceOf(decision))));
  sheets.stay();
}

/* A badge or code said who; a face or PIN completes it, whichever is easier. */
function complete({ ticket, complete_by: by, name, whose }) {
  const withPin = (said = null) => {
    otherwise = sheets.close;
    mirror.lookFor(null);
    other("pin");
    sheets.change(hello(name), pad({ ask: "complete.pin", secret: true, said }, (digits) => {
      hand("/v1/ways/completion", { ticket, pin: digits, purpose: "punch" }, (decision) => {
        if (["wrong", "wait", "pin_must_change"].includes(decision.why)) withPin(refusal(decision));
        else if (decision.why === "ticket_gone") sheets.change(refusal(decision));
        else sheets.close();
      });
    }));
  };
  const [canFace, canPin] = [by.includes("face") && !isCameraAway(), by.includes("pin")];
  sheets.open("badge.title", (sheet) => {
    completing = whose;
    otherwise = canPin ? (decision) => withPin(refusal(decision)) : sheets.close;
    if (canFace) sheet.append(hello(name) ?? "", sheets.ask("complete.face"), viewer(false));
    if (canFace && canPin) sheet.append(sheets.wide("bar.pin", () => withPin(), { drawn: "pin", kind: "wide centre" }));
    else if (canPin) queueMicrotask(() => withPin());
    else if (!canFace) sheet.append(sheets.say("why.nothing_completes"));
    return () => { completing = null; mirror.lookFor(null); other("none"); };
  });
}

const hello = (name) => (name ? make("h2", {}, name) : null);

/* A supervisor: badge or code, then PIN, whom, and why. */
export function supervisor() {
  sheets.open("supervisor.title", (sheet) => {
    other("verify");
    show(sheet);
    return () => { reading = null; mirror.lookFor(null); other("none"); };
  });
}

function show(sheet) {
  const said = make("div");
  sheet.append(sheets.ask("supervisor.show"), said);
  if (!isCameraAway()) sheet.append(viewer(true));
  else sheet.append(icon("badge", "icon picture-large"));
  const hear = (decision) => {
    reading = hear;
    if (!decision.ticket) return said.replaceChildren(refusal(decision));
    if (decision.outcome === "identified" && !decision.complete_by.includes("pin")) return said.replaceChildren(sheets.say("why.nothing_completes"));
    reading = null;
    mirror.lookFor(null);
    askSupervisor(decision.ticket);
  };
  reading = hear;
}

function askSupervisor(ticket, said = null) {
  sheets.change(pad({ ask: "supervisor.pin", secret: true, said }, (digits) => {
    sheets.change(pad({ ask: "supervisor.whom", most: 64, letters: true }, (number) => askReason(ticket, digits, number)));
  }));
}

function askReason(ticket, digits, number) {
  const vouch = (reason) => hand("/v1/ways/assistance", { ticket, pin: digits, number, reason }, (decision) => {
    if (["wrong", "wait"].includes(decision.why)) askSupervisor(ticket, refusal(decision));
    else if (decision.outcome === "punched") sheets.close();
    else sheets.change(refusal(decision));
  });
  const reasons = ["forgotten", "not_recognised", "unable", "new", "device"];
  const buttons = reasons.map((reason) => sheets.wide(`supervisor.reason.${reason}`, () => vouch(reason)));
  sheets.change(sheets.ask("supervisor.why"), ...buttons);
}
