// What a page may read from an access token: hints for the interface. Only the server's check counts.

/** @type {import("./signal.js").Role[]} */
const ROLES = ["host", "moderator", "speaker", "listener"];

/**
 * The claims of a JWT, unverified.
 * @param {string} token
 * @returns {Record<string, unknown> | null}
 */
export function claimsOf(token) {
  try {
    const payload = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}

/**
 * The role a token grants.
 * @param {string} token
 * @returns {import("./signal.js").Role | null} null when it cannot be read
 */
export function roleOf(token) {
  const role = claimsOf(token)?.role;
  return ROLES.find((known) => known === role) ?? null;
}

/** A token that ends within this time is not worth a request. */
const EXPIRY_MARGIN_MS = 30_000;

/** Keeps the token with which one came: who comes back with it is the same person to the server. */
export class Tokens {
  #source;
  /** @type {string | null} */
  #current = null;

  /** @param {string | (() => Promise<string>)} source a token, or a function that brings a new one */
  constructor(source) {
    this.#source = source;
  }

  /** Whether another one can be had. */
  get areDrawn() {
    return typeof this.#source !== "string";
  }

  /** @returns {Promise<string>} */
  async current() {
    if (this.#current === null || hasExpired(this.#current)) {
      this.#current = typeof this.#source === "string" ? this.#source : await this.#source();
    }
    return this.#current;
  }

  /** The server did not like the current one. */
  forget() {
    this.#current = null;
  }
}

/** @param {string} token */
export function hasExpired(token) {
  const expiry = claimsOf(token)?.exp;
  return typeof expiry === "number" && expiry * 1_000 - EXPIRY_MARGIN_MS < Date.now();
}
