// A token of one's own. A link is shared by many; whoever is removed, or comes back after a reload, should be one person.
// A link that an operator made for one person is no such link: with it one is who it says.

import { drawToken } from "./api.js";
import { claimsOf, hasExpired, roleOf } from "./token.js";

/** How the identities begin that an open node draws, for links as for visitors. */
const GUEST = "guest-";

/** Brings the tokens of one visitor of one room. */
export class Pass {
  #room;
  #link;
  #isFirst = true;

  /**
   * @param {string} room
   * @param {string | null} link the token that came with the link, if any
   */
  constructor(room, link) {
    this.#room = room;
    this.#link = link;
  }

  /**
   * @param {"speaker" | "listener"} wish where the link leaves a choice: who may speak may as well listen
   * @returns {Promise<string>} another one with each call, except that the first of a tab outlives a reload
   * @throws {import("./problem.js").RoomError} where only links open the door
   */
  async draw(wish) {
    const named = String(claimsOf(this.#link ?? "")?.["sub"] ?? "");
    if (this.#link !== null && named !== "" && !named.startsWith(GUEST)) return this.#link;
    const most = this.#link === null ? null : roleOf(this.#link);
    const role = most === null || most === "speaker" ? wish : most;
    // Tokens of another link of the same room say something else.
    const key = `stoa.pass.${this.#room}.${role}.${named}`;
    const kept = this.#isFirst ? recall(key) : null;
    this.#isFirst = false;
    if (kept !== null && !hasExpired(kept)) return kept;
    try {
      const own = await drawToken(this.#room, { role }, this.#link);
      keep(key, own);
      return own;
    } catch (error) {
      if (this.#link === null) throw error;
      return this.#link;
    }
  }
}

/** @param {string} key */
function recall(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string} token */
function keep(key, token) {
  try {
    sessionStorage.setItem(key, token);
  } catch {
    // Private windows may refuse; then a reload makes one somebody new.
  }
}
