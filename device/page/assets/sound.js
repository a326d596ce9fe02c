// Yes and no, told apart by rhythm, number and timbre, not by pitch alone: two soft bells that rise; three short rough knocks. And what
// the kiosk's own voice says, where the browser has none.

import { pause } from "./net.js";

const STARTS_MS = 500; // what cannot be heard by then is not heard at all: it would belong to nobody
let context = null;
let spoken = null; // the sentence that can be heard now

async function ready() {
  context ??= new AudioContext();
  if (context.state !== "running") await Promise.race([context.resume(), pause(STARTS_MS)]);
  return context.state === "running" ? context : null;
}

function note(audio, { type, hertz, start, lasts, loud }) {
  const source = audio.createOscillator();
  const level = audio.createGain();
  source.type = type;
  source.frequency.value = hertz;
  level.gain.setValueAtTime(0.0001, start);
  level.gain.exponentialRampToValueAtTime(loud, start + 0.012);
  level.gain.exponentialRampToValueAtTime(0.0001, start + lasts);
  source.connect(level).connect(audio.destination);
  source.start(start);
  source.stop(start + lasts + 0.02);
}

export const YES = [
  { type: "sine", hertz: 660, after: 0, lasts: 0.5, loud: 0.3 },
  { type: "sine", hertz: 1320, after: 0, lasts: 0.3, loud: 0.08 },
  { type: "sine", hertz: 990, after: 0.16, lasts: 0.75, loud: 0.3 },
  { type: "sine", hertz: 1980, after: 0.16, lasts: 0.4, loud: 0.07 },
];
export const NO = [0, 0.13, 0.26].map((after) => ({ type: "sawtooth", hertz: 196, after, lasts: 0.085, loud: 0.2 }));

export async function play(notes) {
  const audio = await ready();
  if (!audio) return;
  for (const { after, ...rest } of notes) note(audio, { ...rest, start: audio.currentTime + after });
}

/* A whole sentence, until its end or until it is stopped. A loudspeaker that is gone keeps nobody waiting. */
export async function speak(file) {
  const audio = await ready();
  if (!audio) return;
  const source = audio.createBufferSource();
  source.buffer = await audio.decodeAudioData(file);
  source.connect(audio.destination);
  spoken = source;
  const ended = new Promise((resolve) => source.addEventListener("ended", resolve, { once: true }));
  source.start();
  await Promise.race([ended, pause(source.buffer.duration * 1000 + STARTS_MS)]);
  spoken = null;
}

export const hush = () => spoken?.stop();

// Browsers that wait for a touch before they let a page sound are woken by the first one.
document.addEventListener("pointerdown", ready, { once: true });
