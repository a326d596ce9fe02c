// The mirror: asks for the newest picture, draws it, forgets it. Nobody there, or the page hidden: no picture is asked for or kept.

import { at, make } from "./build.js";
import { ask, pause } from "./net.js";
import * as outlines from "./outlines.js";
import { word } from "./words.js";

const LINGERS_MS = 1200;
const GONE_MS = 3000; // in a sheet, where nobody need be there for a picture to come: then the camera is away

let question = null;
let lookingFor = null; // a canvas of a sheet that wants the picture although no face is there
let hasPictureAt = 0; // in that canvas
let told = () => {};

export const onPicture = (tell) => { told = tell; };

/* Show the camera in this canvas, whether or not there is a face; null: only the mirror, only for faces. */
export function lookFor(canvas) {
  lookingFor = canvas;
  hasPictureAt = performance.now();
  question?.abort();
}

/* A picture of the camera in a sheet, and what lies over it. Where no picture comes it says so. */
export function viewer(...over) {
  const canvas = make("canvas", { width: 640, height: 480, role: "img", "data-label": "mirror.label" });
  lookFor(canvas);
  return make("div", { class: "viewer" }, canvas, ...over, make("p", { class: "gone", role: "alert" }));
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
    if (lookingFor && performance.now() - hasPictureAt > GONE_MS) sayGone(lookingFor);
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
  if (canvas === lookingFor) hasPictureAt = performance.now();
  canvas.parentElement.querySelector(".gone")?.replaceChildren();
  const faces = JSON.parse(answer.headers.get("Daka-Faces") ?? "[]");
  if (canvas === at("picture")) outlines.draw(faces, canvas.width, canvas.height);
  canvas.dataset.frames = Number(canvas.dataset.frames ?? 0) + 1;
  canvas.dataset.number = answer.headers.get("Daka-Frame");
  canvas.dataset.lateMs = (Number(answer.headers.get("Daka-Age-Ms")) + performance.now() - received).toFixed(1);
  at("mirror").hidden = canvas !== at("picture");
  told(answer.headers.get("Daka-Waiting") ?? "");
}

/* The last picture is no picture of now. */
function sayGone(canvas) {
  canvas.getContext("2d", { alpha: false }).clearRect(0, 0, canvas.width, canvas.height);
  const said = canvas.parentElement?.querySelector(".gone");
  const text = word("condition.camera_away.title");
  if (said && said.textContent !== text) said.textContent = text;
}

/* What was drawn goes at once: nobody who walks by later sees who stood here. */
function hide() {
  if (at("mirror").hidden) return;
  at("mirror").hidden = true;
  outlines.clear();
  const canvas = at("picture");
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  told("nobody");
}
