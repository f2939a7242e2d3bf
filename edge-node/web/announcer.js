// What is said to the person: a pill over the dock for all, and words for screen readers alone.

import { byId } from "./dom.js";

/** What comes within this time is said in one breath. */
const BREATH_MS = 500;
/** How long the pill stays. */
const SHOWN_MS = 6_000;
/** After this a sentence has been said; left there, it would be said again whenever a dialog closes. */
const SAID_MS = 2_000;
/** Most sentences of one breath; a screen reader that lags behind helps nobody. */
const SENTENCES_MAX = 3;

/** Says things politely. */
export class Announcer {
  #notice = byId("notice", HTMLParagraphElement);
  #whispered = byId("announcer", HTMLParagraphElement);
  /** @type {string[]} */
  #waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #breath;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #clearing;

  /** Says it to everybody. @param {string} text */
  tell(text) {
    if (openDialog() !== null) this.whisper(text);
    this.#notice.textContent = text;
    this.#notice.dataset["shown"] = "";
    clearTimeout(this.#hiding);
    this.#hiding = setTimeout(() => this.quiet(), SHOWN_MS);
  }

  /** Takes the pill away. */
  quiet() {
    clearTimeout(this.#hiding);
    delete this.#notice.dataset["shown"];
    this.#notice.textContent = "";
  }

  /** Says what others see anyway. @param {string} text */
  whisper(text) {
    this.#move();
    if (!this.#waiting.includes(text)) this.#waiting.push(text);
    this.#waiting.splice(0, this.#waiting.length - SENTENCES_MAX);
    this.#breath ??= setTimeout(() => {
      this.#breath = undefined;
      this.#whispered.textContent = this.#waiting.splice(0).join(" ");
      clearTimeout(this.#clearing);
      this.#clearing = setTimeout(() => this.#whispered.replaceChildren(), SAID_MS);
    }, BREATH_MS);
  }

  /** What lies beside an open dialog cannot be heard: the region goes into it, empty, before there is something to say. */
  #move() {
    const place = openDialog() ?? document.body;
    if (this.#whispered.parentElement === place) return;
    this.#whispered.replaceChildren();
    place.append(this.#whispered);
  }
}

/** The one on top. */
function openDialog() {
  return [...document.querySelectorAll("dialog[open]")].at(-1) ?? null;
}
