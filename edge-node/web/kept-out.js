// Who may not come in: banned from this room, or blocked from all rooms of its host; and how they come in again.

import { moderates } from "./actions.js";
import { listBans, listBlocks, unban, unblock } from "./api.js";
import { byId, make, remember, remembered } from "./dom.js";
import { Rows } from "./rows.js";
import { sentence } from "./sentences.js";
import { face } from "./stage.js";
import { claimsOf } from "./token.js";

/** Names remembered of those whom one has kept out; of others only what was said about them is shown. */
const NAMES_MAX = 200;
const NAMES = "names-kept-out";

/** @typedef {import("./api.js").Kept & {from: "room" | "all", name: string}} Row */

/**
 * Remembers in this browser what somebody was called whom the server knows by identity alone.
 * @param {string} identity
 * @param {string} name
 */
export function rememberName(identity, name) {
  const others = names().filter(([known]) => known !== identity);
  remember(NAMES, JSON.stringify([...others, [identity, name]].slice(-NAMES_MAX)));
}

/** @returns {[string, string][]} identities and names, the newest last */
function names() {
  try {
    const kept = JSON.parse(remembered(NAMES) || "[]");
    return Array.isArray(kept) ? kept.filter((pair) => Array.isArray(pair) && pair.length === 2) : [];
  } catch {
    return [];
  }
}

/** The list at the end of the people's panel, for those who run the room. */
export class KeptOut {
  /** What came of it, for people. @type {(text: string) => void} */
  ontold = () => {};

  #section = byId("kept", HTMLElement);
  #problem = byId("kept-problem", HTMLParagraphElement);
  #more = byId("kept-more", HTMLButtonElement);
  #room = "";
  #token = "";
  /** @type {import("./options.js").Role} */
  #role = "listener";
  /** Pages shown of each list. */
  #pages = 1;
  /** Grows with each reading, so that a late answer does not overwrite a newer one. */
  #reading = 0;
  /** @type {Rows<Row>} */
  #rows = new Rows(byId("kept-list", HTMLUListElement), {
    key: ({ from, identity }) => `${from} ${identity}`,
    look: (row) => JSON.stringify(row),
    draw: (row, item) => this.#draw(row, item),
  }, byId("kept-title", HTMLHeadingElement));

  constructor() {
    this.#more.addEventListener("click", () => {
      this.#pages += 1;
      void this.#read();
    });
  }

  /**
   * @param {string} room
   * @param {string} token one's own; empty: not in a room
   */
  attach(room, token) {
    this.#room = room;
    this.#token = token;
    this.#pages = 1;
    this.#reading += 1;
    this.#show([], false);
    if (token === "") this.allow("listener");
  }

  /** @param {import("./options.js").Role} role one's own */
  allow(role) {
    const changed = role !== this.#role;
    this.#role = role;
    this.#section.hidden = !moderates(role);
    if (changed) this.changed();
  }

  /** It should be read again, if it is looked at. */
  changed() {
    if (this.#token !== "" && this.#section.offsetParent !== null) void this.#read();
  }

  async #read() {
    const own = ++this.#reading;
    try {
      const identity = String(claimsOf(this.#token)?.["sub"] ?? "");
      const lists = await Promise.all([
        this.#list("room", (after) => listBans(this.#room, this.#token, after)),
        // Blocks are those of a host: of a moderator's nobody takes notice here.
        ...(this.#role === "host" ? [this.#list("all", (after) => listBlocks(identity, this.#token, after))] : []),
      ]);
      if (own !== this.#reading) return;
      this.#problem.hidden = true;
      this.#show(lists.flatMap(({ rows }) => rows), lists.some(({ hasMore }) => hasMore));
    } catch (error) {
      if (own !== this.#reading) return;
      this.#problem.textContent = sentence(error);
      this.#problem.hidden = false;
    }
  }

  /**
   * @param {Row["from"]} from
   * @param {(after: string) => Promise<{kept: import("./api.js").Kept[], next: string}>} read
   */
  async #list(from, read) {
    const known = new Map(names());
    /** @type {Row[]} */
    const rows = [];
    let after = "";
    for (let page = 0; page < this.#pages; page++) {
      const { kept, next } = await read(after);
      rows.push(...kept.map((one) => ({ ...one, from, name: known.get(one.identity) ?? "Somebody" })));
      after = next;
      if (after === "") break;
    }
    return { rows, hasMore: after !== "" };
  }

  /**
   * @param {Row[]} rows
   * @param {boolean} hasMore
   */
  #show(rows, hasMore) {
    this.#rows.show(rows.filter(holds));
    byId("kept-empty", HTMLParagraphElement).hidden = rows.some(holds);
    this.#more.hidden = !hasMore;
  }

  /**
   * @param {Row} row
   * @param {HTMLLIElement} item
   */
  #draw(row, item) {
    const { name, from, until_ms: until = 0, reason = "" } = row;
    const where = from === "all" ? "From all your rooms" : until > 0 ? `From this room until ${moment(until)}` : "From this room";
    const letIn = make("button", { "class": "button small quiet", "type": "button", "data-action": "let-in", "aria-label": `Let ${name} in again` }, "Let in");
    letIn.addEventListener("click", () => void this.#letIn(row, letIn));
    item.className = "person";
    item.append(face(name), make("span", { class: "who" }, make("span", { class: "name" }, name),
      make("span", { class: "note" }, reason === "" ? where : `${where}: ${reason}`)), letIn);
  }

  /**
   * @param {Row} row
   * @param {HTMLButtonElement} button
   */
  async #letIn({ from, identity, name }, button) {
    if (button.getAttribute("aria-disabled") === "true") return;
    // Disabled for good it would lose the focus.
    button.setAttribute("aria-disabled", "true");
    try {
      if (from === "room") await unban(this.#room, identity, this.#token);
      else await unblock(String(claimsOf(this.#token)?.["sub"] ?? ""), identity, this.#token);
      this.ontold(`${name} may come in again.`);
    } catch (error) {
      this.ontold(sentence(error));
    }
    button.removeAttribute("aria-disabled");
    this.changed();
  }
}

/** A ban that has run out is no news. @param {Row} row */
function holds({ until_ms: until = 0 }) {
  return until === 0 || until > Date.now();
}

/** @param {number} unixMs */
function moment(unixMs) {
  return new Date(unixMs).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
