// Asking the kiosk daemon. Nobody answering and being refused are two different things, and both are expected.

export class Gone extends Error {}

export class Refused extends Error {
  constructor(status, kind, sentence) {
    super(sentence);
    this.status = status;
    this.kind = kind;
  }
}

const KEPT = "daka-token"; // put there by first.js

export async function ask(path, { method = "GET", body, signal, wait_s = 10 } = {}) {
  const headers = { "Daka-Token": localStorage.getItem(KEPT) ?? "" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const limits = [AbortSignal.timeout((wait_s + 5) * 1000), ...(signal ? [signal] : [])];
  let response;
  try {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(path, { method, headers, body: sent, signal: AbortSignal.any(limits), cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Gone(String(error));
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Refused(response.status, said.kind ?? "", said.error ?? "");
}

/* The same, as JSON; an answer that breaks off is no answer. */
export async function hear(path, options) {
  const response = await ask(path, options);
  try {
    return await response.json();
  } catch (error) {
    throw new Gone(String(error));
  }
}

export const tell = (path, body = {}) => hear(path, { method: "POST", body });

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
