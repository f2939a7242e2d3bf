// The panel beside the stage: raised hands for those who run the room, and the audience page by page.

import { moderates } from "./actions.js";
import { byId, icon, make } from "./dom.js";
import { Rows } from "./rows.js";
import { sentence } from "./sentences.js";
import { ROLE_NAMES, face } from "./stage.js";

/** People asked for at once. */
const PAGE = 50;
/** While the panel is open a page is read anew at most this often, and only when something has changed. */
const REFRESH_MS = 5_000;
/** Hands that are down, and still shown because somebody is about to press a button among them. */
const DOWN_MAX = 20;
/** How often the waiting times of hands move on. */
const CLOCK_MS = 15_000;

/** @import {Hand, Person} from "./options.js" */
/** @import {Moderation} from "./moderation.js" */
/** @import {Room} from "./stoa.js" */

/** Opens, pages, refreshes. */
export class Crowd {
  /** Something for people to hear of. @type {(text: string) => void} */
  onwhisper = () => {};
  /** The panel has been opened. */
  onopen = () => {};

  #panel = byId("people", HTMLElement);
  #button = byId("people-button", HTMLButtonElement);
  #queue = byId("queue", HTMLElement);
  #moderation;
  /** @type {Room | null} */
  #room = null;
  /** The `after` of each page up to the one shown; the first has none. @type {(string | undefined)[]} */
  #pages = [undefined];
  /** @type {string | null} */
  #next = null;
  #own = "";
  #stale = false;
  #reading = false;
  #hands = 0;
  /** Hands as shown: while the pointer or the focus is among them none moves away from under it. @type {(Hand & {isDown?: boolean})[]} */
  #shown = [];
  #queued = byId("hands", HTMLOListElement);
  /** @type {Rows<Hand & {isDown?: boolean}>} */
  #handRows;
  /** @type {Rows<Person>} */
  #people;
  /** @type {ReturnType<typeof setInterval>[]} */
  #timers = [];

  /** @param {Moderation} moderation */
  constructor(moderation) {
    this.#moderation = moderation;
    this.#handRows = new Rows(this.#queued, {
      key: ({ participant }) => participant,
      look: ({ name, raised_ms, invited, isDown }) => JSON.stringify([name, waited(raised_ms), invited, isDown]),
      draw: (hand, row) => this.#drawHand(hand, row),
    }, byId("queue-title", HTMLHeadingElement));
    this.#people = new Rows(byId("crowd", HTMLUListElement), {
      key: ({ participant }) => participant,
      look: (person) => JSON.stringify([person, this.#room?.self?.role, this.#own]),
      draw: (person, row) => this.#drawPerson(person, row),
    }, byId("crowd-title", HTMLHeadingElement));
    this.#button.addEventListener("click", () => (this.#panel.hidden ? this.open() : this.close()));
    byId("people-close", HTMLButtonElement).addEventListener("click", () => this.close());
    byId("crowd-next", HTMLButtonElement).addEventListener("click", () => void this.#turn(1));
    byId("crowd-back", HTMLButtonElement).addEventListener("click", () => void this.#turn(-1));
    byId("mute-all", HTMLButtonElement).addEventListener("click", () => void this.#muteAll());
    const settle = () => this.#room !== null && this.showHands(this.#room.hands);
    this.#queued.addEventListener("pointerleave", settle);
    // The next element has the focus only after this event.
    this.#queued.addEventListener("focusout", () => setTimeout(settle));
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** @param {Room | null} room the joined one */
  attach(room) {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#room = room;
    this.#pages = [undefined];
    this.#hands = 0;
    this.#handRows.show([]);
    this.#people.show([]);
    if (room === null) return this.#show(false);
    this.#timers = [setInterval(() => this.#refresh(), REFRESH_MS), setInterval(() => this.showHands(room.hands), CLOCK_MS)];
    this.standing();
  }

  open() {
    this.#show(true);
    byId("people-title", HTMLHeadingElement).focus();
    this.onopen();
    void this.#read();
  }

  close() {
    if (this.#panel.hidden) return;
    this.#show(false);
    this.#button.focus();
  }

  /** One's role may have changed. */
  standing() {
    const runs = moderates(this.#room?.self?.role);
    this.#queue.hidden = !runs;
    byId("mute-all", HTMLButtonElement).hidden = !runs;
    if (!runs) this.showHands([]);
    this.#stale = true;
  }

  /** @param {readonly Hand[]} hands the queue, for moderators */
  showHands(hands) {
    const runs = moderates(this.#room?.self?.role);
    this.#shown = runs ? this.#steady(hands) : [];
    this.#handRows.show(this.#shown);
    byId("hands-empty", HTMLParagraphElement).hidden = this.#shown.length > 0;
    this.#badge(runs ? Math.max(hands.length, this.#room?.counts.hands ?? 0) : 0, hands);
    this.#stale = true;
  }

  /** @param {readonly Hand[]} hands @returns {(Hand & {isDown?: boolean})[]} */
  #steady(hands) {
    if (!this.#queued.matches(":hover, :focus-within")) return [...hands];
    const up = new Map(hands.map((hand) => [hand.participant, hand]));
    const down = this.#shown.filter(({ participant }) => !up.has(participant)).slice(-DOWN_MAX);
    const before = this.#shown.map((hand) => up.get(hand.participant) ?? { ...hand, isDown: true });
    const kept = before.filter((hand) => up.has(hand.participant) || down.some(({ participant }) => participant === hand.participant));
    const known = new Set(kept.map(({ participant }) => participant));
    return [...kept, ...hands.filter(({ participant }) => !known.has(participant))];
  }

  /** @param {{listeners: number, hands: number}} counts */
  counted({ listeners, hands }) {
    byId("crowd-count", HTMLSpanElement).textContent = listeners.toLocaleString();
    if (moderates(this.#room?.self?.role)) this.#badge(hands, this.#room?.hands ?? []);
    this.#stale = true;
  }

  /**
   * @param {number} count
   * @param {readonly Hand[]} hands
   */
  #badge(count, hands) {
    const badge = byId("people-badge", HTMLSpanElement);
    badge.hidden = count === 0;
    badge.textContent = count > 99 ? "99+" : String(count);
    const up = count === 1 ? "1 hand is up" : `${count.toLocaleString()} hands are up`;
    byId("people-up", HTMLSpanElement).textContent = count === 0 ? "" : `, ${up}`;
    if (count > this.#hands) this.onwhisper(count === 1 && hands[0] ? `${hands[0].name} has raised a hand.` : `${up}.`);
    this.#hands = count;
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#button.setAttribute("aria-expanded", String(isOpen));
    document.body.toggleAttribute("data-people", isOpen);
  }

  #refresh() {
    if (this.#panel.hidden || !this.#stale || document.visibilityState !== "visible") return;
    void this.#read();
  }

  /** Something was done to somebody; it should show. */
  changed() {
    if (!this.#panel.hidden) void this.#read();
  }

  /** @param {1 | -1} by */
  async #turn(by) {
    if (by > 0 && this.#next !== null) this.#pages.push(this.#next);
    if (by < 0 && this.#pages.length > 1) this.#pages.pop();
    await this.#read();
    byId("crowd-title", HTMLHeadingElement).focus();
    this.onwhisper(`Page ${this.#pages.length}.`);
  }

  async #read() {
    const room = this.#room;
    if (room === null || this.#reading) return;
    this.#reading = true;
    this.#stale = false;
    const problem = byId("crowd-problem", HTMLParagraphElement);
    try {
      const { participants, next } = await room.participants(this.#pages.at(-1), PAGE);
      if (room !== this.#room) return;
      this.#next = next;
      this.#own = room.self?.participant ?? "";
      this.#people.show(participants);
      problem.hidden = true;
    } catch (error) {
      problem.textContent = sentence(error);
      problem.hidden = false;
    } finally {
      this.#reading = false;
    }
    const more = this.#pages.length > 1 || this.#next !== null;
    byId("crowd-pages", HTMLDivElement).hidden = !more;
    byId("crowd-back", HTMLButtonElement).disabled = this.#pages.length === 1;
    byId("crowd-next", HTMLButtonElement).disabled = this.#next === null;
    byId("crowd-page", HTMLSpanElement).textContent = `Page ${this.#pages.length}`;
  }

  async #muteAll() {
    try {
      await this.#room?.muteAll();
      this.#moderation.ontold("Everybody else on the stage is muted.");
    } catch (error) {
      this.#moderation.ontold(sentence(error));
    }
  }

  /**
   * @param {Hand & {isDown?: boolean}} hand
   * @param {HTMLLIElement} row
   */
  #drawHand({ participant, name, raised_ms, invited, isDown }, row) {
    const shown = name || "Somebody";
    const target = { participant, name: shown, role: /** @type {const} */ ("listener"), hand: true };
    row.className = "person";
    const note = isDown ? "The hand is down" : invited ? "Invited" : waited(raised_ms);
    const deeds = [this.#moderation.direct("decline", "Decline", target, "quiet square", "close"),
      this.#moderation.direct("accept", "Accept", target, "primary")];
    // Disabled for good they would lose the focus.
    if (isDown) for (const deed of deeds) deed.setAttribute("aria-disabled", "true");
    row.append(face(shown), make("span", { class: "who" }, make("span", { class: "name" }, shown), make("span", { class: "note" }, note)),
      make("span", { class: "deeds" }, ...deeds));
  }

  /**
   * @param {Person} person
   * @param {HTMLLIElement} row
   */
  #drawPerson(person, row) {
    const shown = person.name || "Somebody";
    const isSelf = person.participant === this.#own;
    const notes = [isSelf ? "You" : "", ROLE_NAMES[person.role], person.muted && person.role !== "listener" ? "muted" : ""];
    row.className = "person";
    const who = make("span", { class: "who" }, make("span", { class: "name" }, shown),
      make("span", { class: "note" }, notes.filter((note) => note !== "").join(" · ")));
    row.append(face(shown), who);
    if (person.hand) row.append(make("span", { class: "up" }, icon("hand"), make("span", {}, "Hand up")));
    const more = this.#moderation.button({ ...person, name: shown });
    if (more !== null) row.append(more);
  }
}

/** How long a hand has been up, in words. @param {number} raisedMs */
function waited(raisedMs) {
  const minutes = Math.floor((Date.now() - raisedMs) / 60_000);
  if (minutes < 1) return "just now";
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}
