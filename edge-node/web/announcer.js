// What is said to the person: a pill over the dock for all, and words for screen readers alone.

import { byId } from "./dom.js";

/** What comes within this time is said in one breath. */
const BREATH_MS = 500;
/** How long the pill stays. */
const SHOWN_MS = 6_000;
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

  /** Says it to everybody. @param {string} text */
  tell(text) {
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
    if (!this.#waiting.includes(text)) this.#waiting.push(text);
    this.#waiting.splice(0, this.#waiting.length - SENTENCES_MAX);
    this.#breath ??= setTimeout(() => {
      this.#breath = undefined;
      // The same words twice in a row are said twice only if the region was empty in between.
      this.#whispered.replaceChildren(this.#waiting.splice(0).join(" "));
    }, BREATH_MS);
  }
}
