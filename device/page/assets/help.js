// Help: what else one can do here, whom to ask, and what this terminal keeps.

import { make } from "./build.js";
import * as sheets from "./sheets.js";
import { onChange } from "./words.js";

let scene = null;

export function set(heard) { scene = heard; }

export function open() {
  sheets.open("help.title", (sheet) => {
    sheet.append(sheets.wide("help.privacy", privacy, { drawn: "shield" }));
    if (scene?.notice.addresses.length) sheet.append(sheets.wide("help.office", office, { drawn: "key" }));
  });
}

function privacy() {
  sheets.open("help.privacy", (sheet) => {
    sheet.append(make("ul", { class: "plain" }, ...[1, 2, 3, 4, 5].map((number) => make("li", { "data-word": `privacy.${number}` }))));
  });
}

function office() {
  sheets.open("notice.title", (sheet) => {
    const { addresses, fingerprint } = scene.notice;
    sheet.append(make("p", { "data-word": "notice.address" }), ...addresses.map((address) => make("p", { class: "mono" }, address)));
    sheet.append(make("p", { "data-word": "notice.fingerprint" }), make("p", { class: "mono" }, fingerprint));
  });
}
