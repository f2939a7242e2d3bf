// The bar of buttons, the keys, and how good the connection is.

import { byId, remember, remembered } from "./dom.js";
import { loudness } from "./stage.js";
import { quality } from "./stoa.js";

/** How often the connection is measured. */
const MEASURE_INTERVAL_MS = 2_000;
/** Where a key belongs to the element, not to us. */
const OWN_KEYS = "input, select, textarea, button, a, summary, dialog, [contenteditable], [role=menu]";
/** Where letters are typed. */
const TYPED = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";
/** Whoever has just come to the stage may have pressed a key for something else. */
const RISEN_MS = 700;

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
  #hand = byId("hand", HTMLButtonElement);
  #quality = byId("quality", HTMLButtonElement);
  #shortcuts = byId("shortcuts", HTMLInputElement);
  #risenMs = -Infinity;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #measuring;

  constructor() {
    this.#mute.addEventListener("click", () => this.#toggle());
    byId("leave", HTMLButtonElement).addEventListener("click", () => this.onleave());
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#shortcuts.checked = remembered("shortcuts") !== "off";
    this.#shortcuts.addEventListener("change", () => remember("shortcuts", this.#shortcuts.checked ? "on" : "off"));
  }

  /** @param {import("./stoa.js").Room} room a joined one */
  show(room) {
    const silent = room.muted || !room.publishing;
    const focused = document.activeElement;
    if (this.#mute.hidden && room.maySpeak) this.#risenMs = performance.now();
    this.#mute.hidden = !room.maySpeak;
    this.#hand.hidden = room.maySpeak;
    // The one takes the place of the other, and the focus with it.
    if (focused === this.#hand && room.maySpeak) this.#mute.focus();
    if (focused === this.#mute && !room.maySpeak) this.#hand.focus();
    this.#mute.toggleAttribute("data-muted", silent);
    byId("mute-icon", SVGUseElement).setAttribute("href", silent ? "#icon-mic-off" : "#icon-mic");
    byId("mute-text", HTMLSpanElement).textContent = silent ? "Unmute" : "Mute";
  }

  /** The first of the buttons. */
  focus() {
    (this.#mute.hidden ? this.#hand : this.#mute).focus();
  }

  /** @param {number} level one's own */
  meter(level) {
    this.#mute.style.setProperty("--level", loudness(level).toFixed(2));
  }

  /** @param {import("./stoa.js").Room} room measured until `stop()` */
  measure(room) {
    this.stop();
    this.#risenMs = -Infinity;
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
      this.#quality.setAttribute("aria-label", `${QUALITY_TEXT[verdict]} connection. Show figures`);
      byId("quality-text", HTMLSpanElement).textContent = QUALITY_TEXT[verdict];
      this.onmeasured(summary);
    };
    this.#measuring = setInterval(() => void once(), MEASURE_INTERVAL_MS);
  }

  /** Ends measuring. */
  stop() {
    clearInterval(this.#measuring);
    this.#quality.hidden = true;
  }

  #toggle() {
    if (performance.now() - this.#risenMs < RISEN_MS) return;
    this.ontoggle();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target, key, repeat } = event;
    if (document.body.dataset["view"] !== "room" || document.querySelector("dialog[open]") !== null) return;
    if (repeat || event.ctrlKey || event.metaKey || event.altKey || !this.#shortcuts.checked) return;
    const at = target instanceof Element ? target : null;
    if (at?.closest(TYPED) || at?.closest("[role=menu]")) return;
    const elsewhere = at?.closest(OWN_KEYS) == null;
    const letter = key.toLowerCase();
    if ((letter === "m" || (key === " " && elsewhere)) && !this.#mute.hidden) this.#toggle();
    else if (letter === "h" && !this.#hand.hidden) this.#hand.click();
    else if (letter === "p") byId("people-button", HTMLButtonElement).click();
    else return;
    event.preventDefault();
  }
}
