// An outline around each face, in that face's own state, and under it what that person may do; large words are for one of them alone.

import { at, make } from "./build.js";
import { has, word } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const SMOOTH = 0.55; // of the way to where the face was found: the outline glides and does not jump
const KEPT = 32; // results of faces that may still be there
const LABEL = { wide: 240, high: 90 }; // in pixels of a picture 640 wide

const results = new Map(); // by face: known or refused
const drawn = new Map(); // by face: its ellipse, its label and where they are

/* What came of this face; shown for as long as that person stands there. */
export function colour(face, kind) {
  if (!face) return;
  results.delete(face);
  results.set(face, kind);
  if (results.size > KEPT) results.delete(results.keys().next().value);
}

export function draw(faces, width, height) {
  at("outline").setAttribute("viewBox", `0 0 ${width} ${height}`);
  const several = faces.filter((one) => one.regard !== "behind").length > 1;
  const there = new Set();
  faces.forEach((one, place) => {
    const key = one.face || `place ${place}`;
    there.add(key);
    if (!drawn.has(key)) drawn.set(key, begun());
    put(drawn.get(key), one, width, height, several);
  });
  for (const [key, old] of drawn) if (!there.has(key)) remove(key, old);
}

export function clear() {
  for (const [key, old] of drawn) remove(key, old);
}

function begun() {
  const oval = document.createElementNS(SVG, "ellipse");
  const frame = document.createElementNS(SVG, "foreignObject");
  const label = make("p", { class: "label" });
  frame.append(label);
  at("outline").append(oval, frame);
  return { oval, frame, label, shape: null };
}

function remove(key, { oval, frame }) {
  oval.remove();
  frame.remove();
  drawn.delete(key);
}

function put(own, one, width, height, several) {
  const [left, top, wide, high] = one.box;
  const wanted = [(1 - left - wide / 2) * width, (top + high / 2) * height, wide * 0.66 * width, high * 0.64 * height];
  own.shape = own.shape ? own.shape.map((value, place) => value + (wanted[place] - value) * SMOOTH) : wanted;
  ["cx", "cy", "rx", "ry"].forEach((name, place) => own.oval.setAttribute(name, own.shape[place].toFixed(1)));
  own.oval.setAttribute("class", `oval ${kindOf(one)}`);
  own.oval.dataset.face = one.face;
  const text = several ? sentenceFor(one) : "";
  if (own.label.textContent !== text) own.label.textContent = text;
  place(own, width, height);
}

/* Under the face, or above it where there is no room, and never beyond the edge. */
function place({ frame, shape: [cx, cy, , ry] }, width, height) {
  const scale = width / 640;
  const [wide, high] = [LABEL.wide * scale, LABEL.high * scale];
  const below = cy + ry + 6 * scale;
  const where = { x: Math.min(Math.max(cx - wide / 2, 4), width - wide - 4), y: below + high > height ? Math.max(cy - ry - high, 0) : below, width: wide, height: high };
  for (const [name, value] of Object.entries(where)) frame.setAttribute(name, value.toFixed(1));
}

function kindOf({ face, regard, waiting }) {
  if (regard === "done") return results.get(face) ?? (waiting === "spent" ? "refused" : "known");
  return regard;
}

/* Who is asked for something hears it by the large words; the outline says who that is. The others have their own. */
function sentenceFor({ regard, waiting, leads }) {
  if (regard === "challenged") return word("waiting.challenge");
  if (regard === "meant") return word("outline.meant");
  const isNothing = leads || regard === "behind" || waiting === "looking" || waiting === "done";
  return isNothing || !has(`waiting.${waiting}`) ? "" : word(`waiting.${waiting}`);
}
