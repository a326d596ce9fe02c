// Help: what else one can do here, whom to ask, one's own records, and what this terminal keeps.

import { at, make } from "./build.js";
import * as clock from "./clock.js";
import * as consent from "./consent.js";
import * as seal from "./seal.js";
import * as sheets from "./sheets.js";
import * as ways from "./ways.js";
import { has, word } from "./words.js";

const MOST_ROWS = 10;
let scene = { abilities: [], notices: [], notice: { code: "", addresses: [] }, contact: "" };

export function set(heard) {
  scene = heard;
  const button = at("b-help");
  button.querySelector(".dot")?.remove();
  const told = scene.notices.length ? "messages.new" : scene.notice.code && "notice.title";
  if (told) button.append(make("span", { class: "dot" }, make("span", { class: "unseen" }, word(told))));
  consent.set(scene);
}

export function open() {
  sheets.open("help.title", (sheet) => {
    const can = (name) => scene.abilities.includes(name);
    const entries = [
      can("supervisor") && sheets.wide("help.supervisor", ways.supervisor, { drawn: "people" }),
      can("mine") && sheets.wide("help.mine", mine, { drawn: "paper" }),
      sheets.wide("help.face", consent.open, { drawn: "face" }),
      sheets.wide("help.messages", messages, { drawn: "message" }),
      can("stamp") && can("pin") && sheets.wide("help.seal", seal.open, { drawn: "key" }),
      can("pin") && sheets.wide("help.pin", ways.changePin, { drawn: "key" }),
      sheets.wide("help.privacy", privacy, { drawn: "shield" }),
      sheets.wide("help.office", office, { drawn: "pin" }),
    ];
    sheet.append(make("div", { class: "choices-2" }, ...entries));
  });
}

export function mine() {
  ways.identify({ title: "mine.title" }, ({ ticket }) => {
    ways.hand("/v1/own", { ticket }, ({ affairs, notices }) => {
      const rows = affairs.punches.slice(0, MOST_ROWS).map((punch) => row(punch));
      const none = rows.length ? null : make("p", { class: "soft", "data-word": "mine.none" });
      const told = notices.map((text) => make("p", { class: "told" }, text));
      sheets.change(make("h2", {}, affairs.name), ...told, make("ul", { class: "rows" }, ...rows), none);
    });
  });
}

/* What counts no more stays to be seen, struck through, with what was said about it; ears hear it before the record. */
function row(punch) {
  const { seq, at: moment, direction, method, state } = punch;
  const when = Date.parse(moment);
  const way = has(`method.${method}`) ? word(`method.${method}`) : method;
  const which = has(`direction.${direction}`) ? word(`direction.${direction}`) : direction;
  const said = [make("b", {}, which), make("span", {}, `${clock.shortDay(when)}  ${clock.time(when)}`), make("span", { class: "soft" }, `${way} · ${word("receipt", { seq })}`)];
  const note = make("p", {}, amended(punch));
  if (state === "voided") return make("li", { class: "voided" }, make("span", { class: "unseen", "data-word": "mine.not_counted" }), make("s", {}, ...said), note);
  return make("li", {}, ...said, state === "disputed" && note);
}

function amended({ state, why, by_oneself: byOneself, replaced_by: seq }) {
  if (state === "disputed") return word("mine.disputed");
  if (byOneself) return word("mine.changed", { seq });
  return seq ? word("mine.corrected", { why, seq }) : word("mine.voided", { why });
}

function messages() {
  sheets.open("messages.title", (sheet) => {
    if (!scene.notices.length) sheet.append(make("p", { class: "soft", "data-word": "messages.none" }));
    sheet.append(make("ul", { class: "rows" }, ...scene.notices.map((text) => make("li", {}, text))));
  });
}

function privacy() {
  sheets.open("help.privacy", (sheet) => {
    sheet.append(make("ul", { class: "plain" }, ...[1, 2, 3, 4, 5].map((number) => make("li", { "data-word": `privacy.${number}` }))));
    const whom = scene.contact ? word("privacy.contact", { contact: scene.contact }) : word("privacy.contact.none");
    sheet.append(make("p", { class: "told" }, whom));
  });
}

/* Only somebody who stands here can read the code; the web UI's daemon never learns it. */
export function office() {
  sheets.open("notice.title", (sheet) => {
    const { code, purpose, account, addresses, fingerprint, host, root_begins: root } = scene.notice;
    if (!addresses.length) sheet.append(make("p", { class: "soft", "data-word": "notice.none" }));
    else sheet.append(make("p", { "data-word": "notice.address" }), ...addresses.map((address) => make("p", { class: "mono" }, address)));
    if (code) {
      const whats = { recovery: "notice.recovery", join: "notice.join", joining: "notice.join" };
      const what = word(whats[purpose] ?? "notice.first", { account });
      const how = purpose === "joining" ? "notice.compare" : "notice.code";
      const whose = root ? [make("p", { "data-word": "notice.whose" }), make("p", { class: "mono" }, host), make("p", { class: "mono" }, root)] : [];
      sheet.append(make("h2", {}, what), ...whose, make("p", { "data-word": how }), make("p", { class: "code" }, code.replace(/(\d{4})(?=\d)/g, "$1 ")));
    }
    if (fingerprint) sheet.append(make("p", { "data-word": "notice.fingerprint" }), make("p", { class: "mono" }, ...byPairs(fingerprint)));
  });
}

/* A fingerprint is compared by people: its lines break between two bytes and never inside one. */
const byPairs = (fingerprint) => fingerprint.split(/(?<=:)/).flatMap((pair) => [pair, make("wbr")]);
