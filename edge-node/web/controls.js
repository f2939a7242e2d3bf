// The bar of buttons, the keys, and how good the connection is.

import { byId } from "./dom.js";
import { loudness } from "./stage.js";
import { quality } from "./stoa.js";

/** How often the connection is measured. */
const MEASURE_INTERVAL_MS = 2_000;
/** Where a key belongs to the element, not to us. */
const OWN_KEYS = "input, select, textarea, button, a, summary, dialog, [contenteditable]";

/** @type {Record<"good" | "fair" | "poor", string>} */
const QUALITY_TEXT = { good: "Good", fair: "Fair", poor: "Poor" };

/** Buttons and keys of a joined room. */
export class Controls {
  /** The person wants to be muted, or no longer. */
  ontoggle = () => {};
  onleave = () => {};
  /** @type {(summary: import("./statistics.js").Summary) => void} */
  onmeasured = () => {};

  #mute = byId("mute", HTMLButtonElement);
  #quality = byId("quality", HTMLButtonElement);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #measuring;

  constructor() {
    this.#mute.addEventListener("click", () => this.ontoggle());
    byId("leave", HTMLButtonElement).addEventListener("click", () => this.onleave());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {import("./stoa.js").Room} room a joined one */
  show(room) {
    const silent = room.muted || !room.publishing;
    this.#mute.hidden = !room.maySpeak;
    this.#mute.toggleAttribute("data-muted", silent);
    byId("mute-icon", SVGUseElement).setAttribute("href", silent ? "#icon-mic-off" : "#icon-mic");
    byId("mute-text", HTMLSpanElement).textContent = silent ? "Unmute" : "Mute";
  }

  /** @param {number} level one's own */
  meter(level) {
    this.#mute.style.setProperty("--level", loudness(level).toFixed(2));
  }

  /** @param {import("./stoa.js").Room} room measured until `stop()` */
  measure(room) {
    this.stop();
    let isFirst = true;
    const once = async () => {
      const summary = await room.statistics();
      // The first seconds hold the start of every stream, which sounds like loss to the figures.
      const counts = !isFirst;
      isFirst = false;
      if (summary === null || !counts) return;
      const verdict = quality(summary);
      this.#quality.hidden = false;
      this.#quality.dataset["quality"] = verdict;
      this.#quality.setAttribute("aria-label", `Connection: ${verdict}. Show figures`);
      byId("quality-text", HTMLSpanElement).textContent = QUALITY_TEXT[verdict];
      this.onmeasured(summary);
    };
    this.#measuring = setInterval(() => void once(), MEASURE_INTERVAL_MS);
  }

  stop() {
    clearInterval(this.#measuring);
    this.#quality.hidden = true;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target, key, repeat } = event;
    if (this.#mute.hidden || document.body.dataset["view"] !== "room" || document.querySelector("dialog[open]") !== null) return;
    if (repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const elsewhere = !(target instanceof Element) || target.closest(OWN_KEYS) === null;
    const letter = key.toLowerCase() === "m" && !(target instanceof HTMLInputElement);
    if (!letter && !(key === " " && elsewhere)) return;
    event.preventDefault();
    this.ontoggle();
  }
}
