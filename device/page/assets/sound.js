// Yes and no, told apart by rhythm, number and timbre, not by pitch alone: two soft bells that rise; three short rough knocks.

let context = null;

function ready() {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
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

export function play(notes) {
  const audio = ready();
  if (!audio) return;
  for (const { after, ...rest } of notes) note(audio, { ...rest, start: audio.currentTime + after });
}

// Browsers that wait for a touch before they let a page sound are woken by the first one.
document.addEventListener("pointerdown", ready, { once: true });
