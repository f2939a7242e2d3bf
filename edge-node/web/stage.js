// The stage as cards, the audience as seats.

import { byId, icon, make } from "./dom.js";
import { Rows } from "./rows.js";

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
/** Up to this many get large cards, and from the next on small ones. */
const FEW = 4;
const SEVERAL = 20;

/** @type {Record<import("./options.js").Role, string>} */
export const ROLE_NAMES = { host: "Host", moderator: "Moderator", speaker: "Speaker", listener: "Listener" };

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
function initials(name) {
  const words = name.trim().split(/\s+/).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase() || "?";
}

/** Somebody in a list. @param {string} name */
export function face(name) {
  return make("span", { "class": "face", "aria-hidden": "true" }, initials(name));
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
  if (cards <= 8) return 4;
  return cards <= SEVERAL ? 5 : 8;
}

/** @typedef {import("./options.js").Participant} Participant */

/** Draws the roster and keeps the meters moving. */
export class Stage {
  /** A button to do something to somebody, if there is anything to do. @type {(who: Participant) => HTMLElement | null} */
  onmenu = () => null;

  #list = byId("stage", HTMLUListElement);
  #own = "";
  /** One's role decides what the menus offer. */
  #role = "";
  /** @type {Map<string, number>} */
  #tones = new Map();
  /** When each of those who speak was last loud. @type {Map<string, number>} */
  #loudMs = new Map();
  #seats = -1;
  /** @type {Rows<Participant>} */
  #rows = new Rows(this.#list, {
    key: ({ participant }) => participant,
    look: ({ name, role, muted }) => JSON.stringify([name, role, muted, this.#own, this.#role]),
    draw: (who, row) => this.#draw(who, row),
  }, byId("room", HTMLElement));

  /**
   * @param {import("./options.js").Roster} roster
   * @param {import("./options.js").Self | null} self
   */
  show({ stage, listeners }, self) {
    this.#own = self?.participant ?? "";
    this.#role = self?.role ?? "";
    const present = new Set(stage.map(({ participant }) => participant));
    for (const gone of [...this.#tones.keys()].filter((participant) => !present.has(participant))) this.#tones.delete(gone);
    this.#rows.show(stage);
    this.#list.dataset["size"] = stage.length <= FEW ? "few" : stage.length <= SEVERAL ? "several" : "many";
    this.#list.style.setProperty("--columns", String(columnsFor(stage.length)));
    byId("stage-empty", HTMLParagraphElement).hidden = stage.length > 0;
    this.#audience(listeners);
  }

  /** Moves the meters of those who are heard, and of nobody else. @param {Map<string, number>} levels */
  meter(levels) {
    const nowMs = performance.now();
    for (const participant of new Set([...levels.keys(), ...this.#loudMs.keys()])) {
      const share = loudness(levels.get(participant) ?? 0);
      if (share >= SPEAKING_FROM) this.#loudMs.set(participant, nowMs);
      const speaks = nowMs - (this.#loudMs.get(participant) ?? -Infinity) < SPEAKING_HOLD_MS;
      if (!speaks && !levels.has(participant)) this.#loudMs.delete(participant);
      const row = this.#rows.row(participant);
      row?.style.setProperty("--level", share.toFixed(2));
      row?.toggleAttribute("data-speaking", speaks);
    }
  }

  /** Empties the stage. */
  clear() {
    this.#rows.show([]);
    this.#loudMs.clear();
  }

  /**
   * @param {Participant} who
   * @param {HTMLLIElement} row
   */
  #draw(who, row) {
    const { participant, name, role, muted } = who;
    const isSelf = participant === this.#own;
    const shown = name || "Somebody";
    const colour = this.#tones.get(participant) ?? tone(name, new Set(this.#tones.values()));
    this.#tones.set(participant, colour);
    row.className = "card";
    row.dataset["tone"] = String(colour);
    row.toggleAttribute("data-muted", muted);
    row.toggleAttribute("data-self", isSelf);
    const avatar = make("div", { class: "avatar" }, make("span", { "aria-hidden": "true" }, initials(shown)));
    if (muted) avatar.append(make("span", { class: "muted-mark" }, icon("mic-off"), make("span", { class: "visually-hidden" }, "muted")));
    const columns = make("div", { class: "columns", "aria-hidden": "true" });
    for (let column = 0; column < 5; column++) columns.append(make("i"));
    const note = isSelf ? (role === "speaker" ? "You" : `You · ${ROLE_NAMES[role]}`) : ROLE_NAMES[role];
    row.append(avatar, make("p", { class: "name", title: shown }, shown), make("p", { class: "note" }, note), columns);
    const more = this.onmenu({ ...who, name: shown });
    if (more !== null) row.append(more);
  }

  /** @param {number} listeners */
  #audience(listeners) {
    if (listeners === this.#seats) return;
    this.#seats = listeners;
    byId("audience", HTMLDivElement).hidden = listeners === 0;
    byId("audience-count", HTMLHeadingElement).textContent = `${listeners.toLocaleString()} listening`;
    const seats = byId("seats", HTMLDivElement);
    const wanted = Math.min(listeners, SEATS_MAX);
    while (seats.children.length > wanted) seats.lastElementChild?.remove();
    while (seats.children.length < wanted) seats.append(make("i"));
  }
}
