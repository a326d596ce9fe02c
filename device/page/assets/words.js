// Every sentence by its name, in the language that is chosen now.

const KEPT = "daka-language"; // the terminal's own, never what a person chose: spoken before the daemon is heard

export const NAMES = [["zh-CN", "简体中文"], ["zh-TW", "繁體中文"], ["en", "English"]];

const listeners = new Set();
let catalogues = {};
let language = "zh-CN";

export let version = "";

export async function load() {
  const found = await (await fetch("/words.json")).json();
  catalogues = found.languages;
  version = found.version;
}

export const chosen = () => language;
export const chooseKept = () => choose(localStorage.getItem(KEPT) ?? language);
export const keep = (next) => localStorage.setItem(KEPT, next);
export const has = (name) => name in (catalogues[language] ?? {});

export function word(name, values = {}, spoken = language) {
  const sentence = catalogues[spoken]?.[name] ?? catalogues.en?.[name] ?? "";
  return sentence.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

export function choose(next) {
  if (!(next in catalogues)) return;
  language = next;
  document.documentElement.lang = next;
  fill(document);
  for (const tell of listeners) tell();
}

export const onChange = (tell) => listeners.add(tell);

/* Elements name their sentence in data-word, or in data-label where only a screen reader says it. */
export function fill(root) {
  for (const found of root.querySelectorAll("[data-word]")) found.textContent = word(found.dataset.word);
  for (const found of root.querySelectorAll("[data-label]")) found.setAttribute("aria-label", word(found.dataset.label));
}
