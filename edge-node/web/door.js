// The way into a room: which edge, with which token, and as whom one was there before.

import { Connection } from "./connection.js";
import { RoomError } from "./problem.js";
import { Session } from "./session.js";
import { Tokens } from "./token.js";

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

  /** @param {import("./options.js").RoomOptions} options */
  constructor(options) {
    this.#options = options;
    this.#tokens = new Tokens(options.token);
  }

  /**
   * Connects to the room's edge, or to one that it recommends when full.
   * @param {() => Luggage} pack called for each attempt
   * @param {() => boolean} isWanted false: somebody has left meanwhile
   * @returns {Promise<Connection>}
   * @throws {RoomError} what the room's edge says
   */
  async enter(pack, isWanted) {
    const { url = globalThis.location.href } = this.#options;
    try {
      return await this.#connect(url, pack);
    } catch (cause) {
      for (const other of RoomError.from(cause).alternatives) {
        const connection = await this.#connect(other, pack).catch(() => null);
        if (connection !== null) return connection;
        if (!isWanted()) break;
      }
      throw cause;
    }
  }

  /**
   * @param {string} url of the edge
   * @param {() => Luggage} pack
   */
  async #connect(url, pack) {
    const address = new URL(`/v1/rooms/${encodeURIComponent(this.#options.room)}/ws`, url);
    address.protocol = address.protocol.replace("http", "ws");
    try {
      return await this.#present(address.href, pack());
    } catch (cause) {
      const { kind } = RoomError.from(cause);
      if (kind === "token" && this.#tokens.areDrawn) this.#tokens.forget();
      else if (this.secret === undefined || (kind !== "forbidden" && kind !== "protocol")) throw cause;
      // What one was before may be forgotten there; one may still come in as somebody new.
      this.secret = undefined;
      return this.#present(address.href, pack());
    }
  }

  /**
   * @param {string} address of the WebSocket
   * @param {Luggage} luggage
   */
  async #present(address, { track, muted, packetMs }) {
    const { name } = this.#options;
    const token = await this.#tokens.current();
    const session = new Session({ track, packetMs });
    const back = this.secret === undefined ? {} : { resume: this.secret };
    const who = { token, muted, ...(name ? { name } : {}), ...back };
    return Connection.open(address, session, who, () => this.#tokens.current());
  }
}
