// The way into a room: which edge, with which token, and as whom one was there before.

import { Connection } from "./connection.js";
import { knock } from "./knock.js";
import { RoomError } from "./problem.js";
import { Session } from "./session.js";
import { Tokens } from "./token.js";

/** Most edges that are known besides the own one. */
const OTHERS_MAX = 16;

/**
 * What one brings along.
 * @typedef {{track: MediaStreamTrack | null, muted: boolean, packetMs: number | null}} Luggage
 */

/** Opens connections to one room. */
export class Door {
  #options;
  #tokens;
  /** Of the last `joined`: whoever shows it is the same participant again. @type {string | undefined} */
  secret;
  /** Base URL of the edge that one is at. @type {string | null} */
  #edge = null;
  /** Base URLs of others. @type {string[]} */
  #others = [];

  /** @param {import("./options.js").RoomOptions} options */
  constructor(options) {
    this.#options = options;
    this.#tokens = new Tokens(options.token);
  }

  /** Takes note of other edges, the better ones first. @param {string[]} [urls] */
  learn(urls = []) {
    const known = urls.flatMap((url) => baseOf(url) ?? []);
    if (known.length > 0) this.#others = known.slice(0, OTHERS_MAX);
  }

  /**
   * Connects to the edge that one was at, to the room's own, or to one that these recommend.
   * @param {() => Luggage} pack called for each attempt
   * @param {() => boolean} isWanted false: somebody has left meanwhile
   * @param {boolean} [isLeaving] the edge that one is at asks to go elsewhere
   * @returns {Promise<Connection>}
   * @throws {RoomError} what the first edge says
   */
  async enter(pack, isWanted, isLeaving = false) {
    const home = baseOf(this.#options.url ?? globalThis.location.href) ?? "";
    const near = isLeaving ? this.#others : [this.#edge, ...this.#others];
    const left = unique([...near, home].filter((url) => !(isLeaving && url === this.#edge)));
    /** @type {RoomError | null} */
    let first = null;
    const tried = new Set();
    while (left.length > 0 && (first === null || isWanted())) {
      try {
        return await this.#connect(left, tried, pack);
      } catch (cause) {
        const error = RoomError.from(cause);
        first ??= error;
        left.push(...unique(error.alternatives.flatMap((url) => baseOf(url) ?? [])).filter((url) => !tried.has(url) && !left.includes(url)));
        if (!error.passing && error.alternatives.length === 0) break;
      }
    }
    throw first ?? new RoomError("unreachable", "There is no server to ask.");
  }

  /**
   * Joins at the first edge that answers.
   * @param {string[]} left base URLs; those that were asked are taken out
   * @param {Set<string>} tried
   * @param {() => Luggage} pack
   */
  async #connect(left, tried, pack) {
    const { signal, url } = await knock(left.map((base) => this.#address(base))).catch((error) => {
      left.length = 0;
      throw error;
    });
    const base = left.find((known) => this.#address(known) === url) ?? "";
    left.splice(left.indexOf(base), 1);
    tried.add(base);
    const connection = await this.#insist(signal, url, pack);
    this.#edge = base;
    this.learn(connection.joined.alternatives);
    connection.onothers = (others) => this.learn(others);
    return connection;
  }

  /**
   * @param {import("./signal.js").Signal} signal
   * @param {string} url
   * @param {() => Luggage} pack
   */
  async #insist(signal, url, pack) {
    try {
      return await this.#present(signal, url, pack());
    } catch (cause) {
      const { kind } = RoomError.from(cause);
      if (kind === "token" && this.#tokens.areDrawn) this.#tokens.forget();
      else if (this.secret === undefined || (kind !== "forbidden" && kind !== "protocol")) throw cause;
      // What one was before may be forgotten there; one may still come in as somebody new.
      this.secret = undefined;
      return this.#present((await knock([url])).signal, url, pack());
    }
  }

  /**
   * @param {import("./signal.js").Signal} signal
   * @param {string} url of the WebSocket
   * @param {Luggage} luggage
   */
  async #present(signal, url, { track, muted, packetMs }) {
    try {
      const { name } = this.#options;
      const token = await this.#tokens.current();
      const session = new Session({ track, packetMs });
      const back = this.secret === undefined ? {} : { resume: this.secret };
      const who = { token, muted, ...(name ? { name } : {}), ...back };
      return await Connection.open(signal, session, who, { url, token: () => this.#tokens.current() });
    } catch (error) {
      signal.close();
      throw error;
    }
  }

  /** @param {string} base */
  #address(base) {
    const address = new URL(`/v1/rooms/${encodeURIComponent(this.#options.room)}/ws`, base);
    address.protocol = address.protocol.replace("http", "ws");
    return address.href;
  }
}

/** Scheme, host and port of an edge. @param {string} url */
function baseOf(url) {
  try {
    const { protocol, origin } = new URL(url, globalThis.location?.href);
    return protocol === "https:" || protocol === "http:" ? origin : null;
  } catch {
    return null;
  }
}

/** @param {(string | null)[]} urls */
function unique(urls) {
  return [...new Set(urls)].filter((url) => url !== null && url !== "").map(String);
}
