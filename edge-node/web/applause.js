// Reactions: the buttons to give them, and those of others floating up for a moment.

import { byId, make } from "./dom.js";
import { REACTIONS } from "./stoa.js";

/** How long one floats, as in the style sheet. */
const FLOAT_MS = 2_600;
/** Most in the air at once, and most of one kind at a time: a thousand claps look like five. */
const FLOATING_MAX = 24;
const OF_A_KIND_MAX = 5;
/** Readers hear of reactions this often at most. */
const WORD_MS = 6_000;

/** @type {Record<string, string>} */
const NAMES = { "👍": "thumbs up", "👏": "applause", "❤️": "heart", "😂": "laughter", "😮": "surprise", "🎉": "party" };

/** Gives and shows reactions. */
export class Applause {
  /** @type {(reaction: string) => void} */
  onreact = () => {};
  /** @type {(text: string) => void} */
  onwhisper = () => {};

  #sky = byId("sky", HTMLDivElement);
  #button = byId("react", HTMLButtonElement);
  #choice = byId("reactions", HTMLDivElement);
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {Map<string, number>} */
  #untold = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #telling;

  constructor() {
    this.#choice.replaceChildren(...REACTIONS.map((reaction) => {
      const button = make("button", { "type": "button", "class": "reaction", "aria-label": NAMES[reaction] ?? reaction }, reaction);
      button.addEventListener("click", () => this.onreact(reaction));
      return button;
    }));
    this.#choice.addEventListener("toggle", (event) => {
      if (!(event instanceof ToggleEvent)) return;
      const isOpen = event.newState === "open";
      this.#button.setAttribute("aria-expanded", String(isOpen));
      if (isOpen) this.#place();
    });
  }

  /** @param {Record<string, number>} reactions how often each was given */
  show(reactions) {
    for (const [reaction, count] of Object.entries(reactions)) {
      if (!REACTIONS.includes(reaction) || !(count > 0)) continue;
      this.#untold.set(reaction, (this.#untold.get(reaction) ?? 0) + count);
      if (this.#still.matches) this.#stand(reaction, count);
      else for (let one = 0; one < Math.min(count, OF_A_KIND_MAX); one++) this.#float(reaction);
    }
    this.#telling ??= setTimeout(() => this.#tell(), WORD_MS);
  }

  /** Nothing more is shown or said. */
  clear() {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#untold.clear();
    this.#sky.replaceChildren();
    if (this.#choice.matches(":popover-open")) this.#choice.hidePopover();
  }

  /** @param {string} reaction */
  #float(reaction) {
    if (this.#sky.children.length >= FLOATING_MAX) return;
    const one = make("span", { class: "floating" }, reaction);
    one.style.left = `${10 + 80 * Math.random()}%`;
    one.style.animationDelay = `${Math.round(400 * Math.random())}ms`;
    this.#sky.append(one);
    setTimeout(() => one.remove(), FLOAT_MS + 400);
  }

  /**
   * Without motion: how many, in one place, for as long.
   * @param {string} reaction
   * @param {number} count
   */
  #stand(reaction, count) {
    const known = [...this.#sky.children].find((one) => one.getAttribute("data-reaction") === reaction);
    known?.remove();
    const before = Number(known?.getAttribute("data-count") ?? 0);
    const one = make("span", { "class": "standing", "data-reaction": reaction, "data-count": String(before + count) }, `${reaction} ${before + count}`);
    this.#sky.append(one);
    setTimeout(() => one.remove(), FLOAT_MS);
  }

  #tell() {
    this.#telling = undefined;
    const said = [...this.#untold].map(([reaction, count]) => `${count === 1 ? "" : `${count.toLocaleString()} times `}${NAMES[reaction] ?? reaction}`);
    this.#untold.clear();
    if (said.length > 0) this.onwhisper(`Reactions: ${said.join(", ")}.`);
  }

  #place() {
    const button = this.#button.getBoundingClientRect();
    const { width, height } = this.#choice.getBoundingClientRect();
    const left = Math.min(Math.max(8, button.left + button.width / 2 - width / 2), innerWidth - width - 8);
    this.#choice.style.left = `${left}px`;
    this.#choice.style.top = `${Math.max(8, button.top - height - 16)}px`;
    this.#choice.querySelector("button")?.focus();
  }
}
