// Face recognition as the person's own choice: the whole text first, yes and no of the same size, and taking it back as easily.

import { make } from "./build.js";
import { Gone, hear, Refused } from "./net.js";
import { waiting } from "./pad.js";
import * as sheets from "./sheets.js";
import * as ways from "./ways.js";
import { chosen, word } from "./words.js";

const FACE = "face_recognition";
let scene = { abilities: [] };

export function set(heard) { scene = heard; }

export function open() {
  sheets.open("enrol.title", (sheet) => {
    sheet.append(waiting());
    show(chosen());
    return null;
  });
}

async function show(language) {
  let text;
  try {
    text = await hear(`/v1/consent-text?language=${language}`);
  } catch (error) {
    if (!(error instanceof Gone || error instanceof Refused)) throw error;
    return sheets.change(sheets.say("why.other"));
  }
  const yes = sheets.wide("enrol.agree", () => agree(text), { kind: "wide centre" });
  const no = sheets.wide("enrol.refuse", refuse, { kind: "wide centre" });
  const back = sheets.wide("enrol.withdraw", withdraw, { kind: "wide centre quiet" });
  const words = make("div", { class: "consent", lang: language, tabindex: "0", role: "document" }, text.words);
  sheets.change(words, make("div", { class: "choices-2" }, no, yes), back);
}

/* Who says yes has to be that person: number and PIN, after the text and not before it. */
function agree({ language, sha256 }) {
  ways.numberAndPin({ title: "enrol.verify", purpose: "verify" }, ({ ticket }) => {
    const body = { ticket, language, shown_sha256: sha256 };
    ways.hand("/v1/own/consent", body, ({ templates }) => agreed(templates, ticket));
  });
}

function agreed(templates, ticket) {
  const said = make("p", { class: "said-yes", role: "status" }, word("enrol.has", { count: templates }));
  const next = make("p", { "data-word": templates ? "enrol.done" : "enrol.office" });
  sheets.change(said, next, ...others());
}

function refuse() {
  sheets.change(make("p", { role: "status", "data-word": "enrol.refused" }), ...others());
}

const others = () => [make("h2", { "data-word": "enrol.other" }), make("div", { class: "choices-2" }, ...["pin", "qr", "badge"]
  .filter((name) => scene.abilities.includes(name))
  .map((name) => sheets.wide(`bar.${name}`, ways[name], { drawn: name })))];

function withdraw() {
  ways.numberAndPin({ title: "enrol.withdraw", purpose: "verify" }, ({ ticket }) => {
    ways.hand("/v1/own", { ticket }, ({ affairs }) => {
      const given = affairs.consents.some((consent) => consent.purpose === FACE);
      if (!given) return sheets.change(make("p", { role: "status", "data-word": "enrol.nothing" }), ...others());
      const sure = () => ways.hand("/v1/own/withdrawal", { ticket }, () => {
        sheets.change(make("p", { class: "said-yes", role: "status", "data-word": "enrol.withdrawn" }), ...others());
      });
      const has = make("p", {}, word("enrol.has", { count: affairs.templates }));
      sheets.change(has, make("p", { "data-word": "enrol.sure" }), make("div", { class: "choices-2" },
        sheets.wide("cancel", sheets.close, { kind: "wide centre" }), sheets.wide("enrol.withdraw", sure, { kind: "wide centre" })));
    });
  });
}
