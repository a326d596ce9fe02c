// The mirror: asks for the newest picture, draws it, forgets it. Nobody there, or the page hidden: no picture is asked for or kept.

import { at } from "./build.js";
import { ask, pause } from "./net.js";

const LINGERS_MS = 1200;
const SMOOTH = 0.55; // of the way to where the face was found: the outline glides and does not jump
const HOLDS_MS = 1500;

let question = null;
let lookingFor = null; // a canvas of a sheet that wants the picture although no face is there
let shape = null;
let holdsUntil = -Infinity;
let told = () => {};

export const onPicture = (tell) => { told = tell; };

/* Show the camera in this canvas, whether or not there is a face; null: only the mirror, only for faces. */
export function lookFor(canvas) {
  lookingFor = canvas;
  question?.abort();
}

/* Known or refused: shown for as long as that person stands there, and at least for a moment; then the outline searches again. */
export function colour(kind) {
  at("oval").setAttribute("class", kind);
  holdsUntil = performance.now() + HOLDS_MS;
}

function searchAgain(waiting) {
  if (waiting !== "done" && performance.now() > holdsUntil) at("oval").setAttribute("class", "searching");
}

export async function run() {
  document.addEventListener("visibilitychange", () => question?.abort());
  let number = 0;
  let drawn = -Infinity;
  for (;;) {
    if (document.hidden) {
      hide();
      await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
      continue;
    }
    question = new AbortController();
    try {
      const always = lookingFor ? "&always=1" : "";
      const wait_s = at("mirror").hidden && !lookingFor ? 20 : 0.4;
      const answer = await ask(`/v1/frame?after=${number}&wait_s=${wait_s}${always}`, { signal: question.signal, wait_s });
      if (answer.status === 200) {
        const received = performance.now();
        number = Number(answer.headers.get("Daka-Frame"));
        await draw(answer, received);
        drawn = performance.now();
      }
    } catch {
      number = 0;
      if (!question.signal.aborted) await pause(700);
    }
    if (performance.now() - drawn > LINGERS_MS) hide();
  }
}

async function draw(answer, received) {
  const bitmap = await createImageBitmap(await answer.blob());
  if (document.hidden) return bitmap.close();
  const canvas = lookingFor ?? at("picture");
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const pen = canvas.getContext("2d", { alpha: false });
  pen.setTransform(-1, 0, 0, 1, canvas.width, 0); // a mirror
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  const there = (answer.headers.get("Daka-Face") ?? "").split(" ").filter(Boolean).map(Number);
  if (canvas === at("picture")) outline(there, canvas.width, canvas.height);
  canvas.dataset.frames = Number(canvas.dataset.frames ?? 0) + 1;
  canvas.dataset.number = answer.headers.get("Daka-Frame");
  canvas.dataset.lateMs = (Number(answer.headers.get("Daka-Age-Ms")) + performance.now() - received).toFixed(1);
  at("mirror").hidden = canvas !== at("picture");
  const waiting = answer.headers.get("Daka-Waiting") ?? "";
  searchAgain(waiting);
  told(waiting, there.length > 0);
}

function outline(there, width, height) {
  const oval = at("oval");
  at("outline").setAttribute("viewBox", `0 0 ${width} ${height}`);
  if (there.length !== 4) {
    shape = null;
    oval.setAttribute("rx", "0");
    oval.setAttribute("ry", "0");
    return;
  }
  const [left, top, wide, high] = there;
  const wanted = [(1 - left - wide / 2) * width, (top + high / 2) * height, wide * 0.66 * width, high * 0.64 * height];
  shape = shape ? shape.map((value, place) => value + (wanted[place] - value) * SMOOTH) : wanted;
  ["cx", "cy", "rx", "ry"].forEach((name, place) => oval.setAttribute(name, shape[place].toFixed(1)));
}

/* What was drawn goes at once: nobody who walks by later sees who stood here. */
function hide() {
  if (at("mirror").hidden) return;
  at("mirror").hidden = true;
  shape = null;
  const canvas = at("picture");
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  told("nobody", false);
}
