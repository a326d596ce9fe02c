// The ways without a face.

import { make } from "./build.js";
import * as mirror from "./mirror.js";
import * as sheets from "./sheets.js";

export function set() {}
export function takes() { return false; }
export function pin() {}
export function badge() {
  sheets.open("badge.title", (sheet) => { sheet.append(make("p", { "data-word": "badge.how" })); });
}
export function qr() {
  sheets.open("qr.title", (sheet) => {
    const canvas = make("canvas", { width: 640, height: 480 });
    sheet.append(make("p", { "data-word": "qr.how" }), make("div", { class: "viewer" }, canvas, make("div", { class: "aim" })));
    mirror.lookFor(canvas);
    return () => mirror.lookFor(null);
  });
}
