// Stamping: who one is, what one may stamp, the face, and then the press at the lock. What happens there is told as it happens.

import { make } from "./build.js";
import * as clock from "./clock.js";
import * as mirror from "./mirror.js";
import { Gone, Refused, tell } from "./net.js";
import { pad, waiting } from "./pad.js";
import * as sheets from "./sheets.js";
import * as ways from "./ways.js";
import { has, word } from "./words.js";

const OVER = ["done", "failed"];
/* What the bridge and the seal name, where a person can do no more about one than about the other. */
const SAME = {
  LinkLost: "far", LockOutOfReach: "far", LockSilent: "far", SessionBroken: "far",
  NotPaired: "pairing", BondStale: "pairing", PairingRefused: "pairing", LockUnknown: "pairing",
  BluetoothAway: "bluetooth", BluetoothOff: "bluetooth", LockBusy: "busy", NotVerified: "late",
  VisitUnknown: "late", NotTheirs: "late", GrantUnknown: "epoch", offline: "server", time_unknown: "server", statement: "server",
  log_full: "server", NotThisLock: "stranger", LogRefused: "stranger", document: "not_for_this", kiosk: "not_for_this",
  lock: "not_for_this", person: "not_for_this", signature: "not_for_this", use: "not_for_this", LockNotEnrolled: "not_for_this",
};
const NOW = { class: "now centred" }; // what is to be done at the lock this very moment, or was
let visit = null; // the one that this sheet follows

export function open() {
  ways.numberAndPin({ title: "seal.title", purpose: "verify" }, ({ ticket }, number) => {
    ways.hand("/v1/stamps", { ticket }, (approvals) => choose(ticket, approvals, number));
  });
}

function choose(ticket, approvals, number) {
  if (!approvals.length) return sheets.change(make("p", { class: "soft", "data-word": "seal.none" }));
  const entries = approvals.map((one) => make("button", { class: "wide", on: { click: () => begin(ticket, one.grant, number) } },
    make("b", {}, one.label || one.lock),
    make("span", { class: "soft" }, word("seal.left", { left: one.stamps - one.used, all: one.stamps, until: until(Date.parse(one.expires_at)) }))));
  sheets.change(sheets.ask("seal.which"), ...entries);
}

/* A time of today; of any other day with the date. */
const until = (at) => (clock.shortDay(at) === clock.shortDay(clock.now()) ? clock.time(at) : `${clock.shortDay(at)} ${clock.time(at)}`);

function begin(ticket, grant, number) {
  sheets.open("seal.title", (sheet) => {
    sheet.append(waiting());
    tell("/v1/other-way", { kind: "none" }).catch(() => {}); // the face is looked at again
    follow(ticket, grant, number);
    return () => {
      mirror.lookFor(null);
      const left = visit;
      visit = null;
      if (left) callOff(left);
    };
  });
}

async function follow(ticket, grant, number) {
  const turn = sheets.whoseTurn();
  try {
    let now = await tell("/v1/stamps/begin", { ticket, grant });
    const mine = now.ticket;
    if (turn !== sheets.whoseTurn()) return callOff(now); // the sheet was closed before it began
    for (visit = now, show(now, number); !OVER.includes(now.stage); ) {
      now = await tell("/v1/stamps/progress", { visit: mine, after: String(now.change) });
      if (visit?.ticket !== mine) return; // the sheet was closed
      if (now.change !== visit.change || now.stage !== visit.stage) show(now, number);
      visit = now;
    }
  } catch (error) {
    if (!(error instanceof Gone || error instanceof Refused)) throw error;
    if (turn === sheets.whoseTurn()) sheets.change(reason({ why: visit?.seconds ? "unknown" : error.kind })); // once it could be pressed
  }
}

function callOff({ ticket, stage }) {
  if (!OVER.includes(stage)) tell("/v1/stamps/end", { visit: ticket }).catch(() => {});
}

/* One screen for each stage. */
function show(now, number) {
  mirror.lookFor(null);
  const what = make("p", { class: "centred" }, now.label || now.lock);
  if (now.stage === "verify" && now.missing === "pin") return askPin(now.ticket, number);
  if (now.stage === "verify") {
    return sheets.change(what, sheets.ask("seal.face"), now.why && reason(now), ways.viewer(false));
  }
  if (now.stage === "press") {
    const how = now.factor ? "seal.press_finger" : "seal.press";
    return sheets.change(what, sheets.ask(how, { seconds: now.seconds }, NOW));
  }
  if (now.stage === "done") {
    const how = now.result === "unfinished" ? "seal.unfinished" : "seal.done";
    return sheets.change(what, sheets.ask(how, { used: now.used, all: now.stamps }, { class: `said-yes ${NOW.class}` }));
  }
  if (now.stage === "failed") return sheets.change(what, reason(now));
  return sheets.change(what, make("p", { class: "centred", "data-word": has(`seal.stage.${now.stage}`) ? `seal.stage.${now.stage}` : "seal.stage.connecting" }), waiting());
}

function reason(now) {
  const name = `seal.why.${SAME[now.why] ?? now.why}`;
  return sheets.say(has(name) ? name : "seal.why.other", {}, "said-no centred");
}

/* The approval asks for the PIN beside the face: it goes to this visit, and is no punch, however late it comes. */
function askPin(ticket, number, said = null) {
  const isOver = () => visit?.ticket !== ticket || visit.missing !== "pin";
  sheets.change(pad({ ask: "pin.pin", secret: true, said }, async (digits) => {
    sheets.change(waiting());
    let refused = null;
    try {
      const decision = await tell("/v1/stamps/pin", { visit: ticket, number, pin: digits });
      if (decision.outcome === "refused") refused = decision;
    } catch (error) {
      if (!(error instanceof Gone || error instanceof Refused)) throw error;
      refused = { why: "other", wait_s: 0 };
    }
    if (!refused || isOver()) return;
    if (refused.why === "for_seal") sheets.change(reason({ why: "late" }));
    else askPin(ticket, number, ways.refusal(refused));
  }));
}
