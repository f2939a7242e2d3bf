// The stage as cards, the audience as seats.

import { byId, icon, make } from "./dom.js";

/** Levels below this are silence; full scale is 0. */
const FLOOR_DB = -50;
/** Speech near a microphone peaks about here, where a meter should be full. */
const FULL_DB = -14;
/** Above this share of the meter somebody counts as speaking. */
const SPEAKING_FROM = 0.15;
/** How long somebody counts as speaking after the last loud moment: words have gaps. */
const SPEAKING_HOLD_MS = 500;
/** Seats drawn; a larger audience is a number. */
const SEATS_MAX = 120;
/** Avatar colours in the style sheet. */
const TONES = 8;

/**
 * What a meter shows of a linear level.
 * @param {number} level 0 to 1
 * @returns {number} 0 to 1, even to the ear
 */
export function loudness(level) {
  if (level <= 0) return 0;
  return Math.min(1, Math.max(0, (20 * Math.log10(level) - FLOOR_DB) / (FULL_DB - FLOOR_DB)));
}

/**
 * One or two letters for an avatar.
 * @param {string} name
 */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase() || "?";
}

/**
 * A colour for somebody new: the name's own, or the next one that nobody has.
 * @param {string} name
 * @param {Set<number>} taken
 */
function tone(name, taken) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  for (let step = 0; step < TONES; step++) {
    if (!taken.has((sum + step) % TONES)) return (sum + step) % TONES;
  }
  return sum % TONES;
}

/**
 * How many cards stand side by side where there is room, so that no row ends in a lonely one.
 * @param {number} cards
 */
function columnsFor(cards) {
  if (cards <= 4) return Math.max(1, cards);
  if (cards <= 6) return 3;
  return cards <= 8 ? 4 : 5;
}

/** @typedef {import("./options.js").Participant} Participant */

/** Draws the roster and keeps the meters moving. */
export class Stage {
  /** A moderator wants somebody muted. @type {(participant: string) => void} */
  onmute = () => {};

  #list = byId("stage", HTMLUListElement);
  /** @type {Map<string, {element: HTMLLIElement, key: string, tone: number, loudMs: number}>} */
  #cards = new Map();
  #seats = -1;

  /**
   * @param {import("./options.js").Roster} roster
   * @param {import("./options.js").Self | null} self
   */
  show({ stage, listeners }, self) {
    const moderates = self?.role === "host" || self?.role === "moderator";
    const present = new Set(stage.map(({ participant }) => participant));
    for (const [participant, { element }] of this.#cards) {
      if (present.has(participant)) continue;
      element.remove();
      this.#cards.delete(participant);
    }
    stage.forEach((participant, index) => {
      const element = this.#card(participant, participant.participant === self?.participant, moderates);
      const there = this.#list.children[index];
      if (there !== element) this.#list.insertBefore(element, there ?? null);
    });
    this.#list.dataset["size"] = stage.length <= 4 ? "few" : "many";
    this.#list.style.setProperty("--columns", String(columnsFor(stage.length)));
    byId("stage-empty", HTMLParagraphElement).hidden = stage.length > 0;
    this.#audience(listeners);
  }

  /** @param {Map<string, number>} levels */
  meter(levels) {
    const nowMs = performance.now();
    for (const [participant, card] of this.#cards) {
      const share = loudness(levels.get(participant) ?? 0);
      if (share >= SPEAKING_FROM) card.loudMs = nowMs;
      card.element.style.setProperty("--level", share.toFixed(2));
      card.element.toggleAttribute("data-speaking", nowMs - card.loudMs < SPEAKING_HOLD_MS);
    }
  }

  /** Empties the stage. */
  clear() {
    this.#list.replaceChildren();
    this.#cards.clear();
  }

  /**
   * The card of a participant; drawn anew only when something on it has changed, so that focus stays.
   * @param {Participant} participant
   * @param {boolean} isSelf
   * @param {boolean} moderates
   */
  #card(participant, isSelf, moderates) {
    const { participant: id, name, role, muted } = participant;
    const key = JSON.stringify([name, role, muted, isSelf, moderates]);
    const known = this.#cards.get(id);
    if (known?.key === key) return known.element;
    const element = known?.element ?? make("li", { class: "card" });
    const own = known?.tone ?? tone(name, new Set([...this.#cards.values()].map((card) => card.tone)));
    element.dataset["tone"] = String(own);
    element.toggleAttribute("data-muted", muted);
    element.toggleAttribute("data-self", isSelf);
    element.replaceChildren(...this.#inside(participant, isSelf, moderates));
    this.#cards.set(id, { element, key, tone: own, loudMs: known?.loudMs ?? -Infinity });
    return element;
  }

  /**
   * @param {Participant} participant
   * @param {boolean} isSelf
   * @param {boolean} moderates
   */
  #inside({ participant, name, role, muted }, isSelf, moderates) {
    const shown = name || "Somebody";
    const avatar = make("div", { class: "avatar" }, make("span", { "aria-hidden": "true" }, initials(shown)));
    if (muted) avatar.append(make("span", { class: "muted-mark" }, icon("mic-off"), make("span", { class: "visually-hidden" }, "muted")));
    const notes = [isSelf ? "You" : "", role === "host" ? "Host" : role === "moderator" ? "Moderator" : ""];
    const columns = make("div", { class: "columns", "aria-hidden": "true" });
    for (let column = 0; column < 5; column++) columns.append(make("i"));
    /** @type {HTMLElement[]} */
    const parts = [avatar, make("p", { class: "name", title: shown }, shown),
      make("p", { class: "note" }, notes.filter((note) => note !== "").join(" · ") || "Speaker"), columns];
    if (moderates && !isSelf && !muted) {
      const button = make("button", { class: "mute-other", type: "button", "aria-label": `Mute ${shown}` }, "Mute");
      button.addEventListener("click", () => this.onmute(participant));
      parts.push(button);
    }
    return parts;
  }

  /** @param {number} listeners */
  #audience(listeners) {
    if (listeners === this.#seats) return;
    this.#seats = listeners;
    byId("audience", HTMLDivElement).hidden = listeners === 0;
    byId("audience-count", HTMLHeadingElement).textContent = `${listeners.toLocaleString()} listening`;
    const seats = Array.from({ length: Math.min(listeners, SEATS_MAX) }, () => make("i"));
    byId("seats", HTMLDivElement).replaceChildren(...seats);
  }
}
