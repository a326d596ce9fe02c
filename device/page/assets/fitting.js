// Room for the results: none is cut in two, who has gone to one by keyboard goes on there, and no press counts on what has just moved under it.

const MOST = 4;
const STILL_MS = 400; // a finger that is on its way cannot turn back sooner

let places = new Map();
let movedAt = -Infinity;

/* Where they are many all are set smaller; what does not fit then loses its buttons, the oldest first, and goes at last. Who has something to do on an earlier one keeps it for longest. */
export function fit(list) {
  const held = list.querySelector(":focus");
  list.classList.remove("crowded");
  for (const one of list.children) one.classList.remove("tiny");
  const earlier = [...list.children].slice(1).reverse();
  const inTurn = [earlier.filter((one) => !isNeeded(one)), earlier.filter(isNeeded)];
  shorten(inTurn.flat(), () => list.children.length > MOST, remove);
  const tooMuch = () => list.scrollHeight > list.clientHeight;
  if (tooMuch()) list.classList.add("crowded");
  for (const cards of inTurn) for (const act of [makeTiny, remove]) shorten(cards, tooMuch, act);
  if (held && !isSeen(held)) goOn(list);
  lookForMoves(list);
}

function shorten(cards, tooMuch, act) {
  for (const one of cards) if (tooMuch()) act(one);
}

const makeTiny = (one) => one.classList.add("tiny");
const remove = (one) => one.remove();
const isNeeded = (one) => one.matches(".disputed, :focus-within");
const isSeen = (one) => one.getClientRects().length > 0;

/* The next button for whom lost theirs: on a card, or else in the bar. */
export function goOn(list) {
  const buttons = [...(list?.querySelectorAll("button:enabled") ?? []), ...document.querySelectorAll("#bar button")];
  buttons.find(isSeen)?.focus({ preventScroll: true });
}

/* A key goes to what has the focus, wherever that is. */
export const isMeant = (event) => event.detail === 0 || event.timeStamp - movedAt > STILL_MS;

function lookForMoves(list) {
  const now = new Map([...list.querySelectorAll("button")].map((button) => [button, placeOf(button)]));
  if ([...places].some(([button, place]) => now.get(button) !== place)) movedAt = performance.now();
  places = now;
}

/* Where it comes to lie; a card that is still arriving is on its way there. */
function placeOf(button) {
  const card = button.closest(".card");
  return [card.offsetLeft, card.offsetTop, button.offsetLeft, button.offsetTop, button.offsetWidth, button.offsetHeight].join();
}
