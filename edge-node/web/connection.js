// One presence in a room: a session, and the WebSocket that goes with it, which may be lost and come back.

import { changePacketLength } from "./packets.js";
import { RoomError } from "./problem.js";
import { resume } from "./resume.js";
import { Signal } from "./signal.js";

/** How long the answer to an ICE restart may take; later, the WebSocket is taken for dead as well. */
const RESTART_TIMEOUT_MS = 3_000;
/** How long to wait for the server's word when leaving. */
const LEAVE_TIMEOUT_MS = 500;

/** @typedef {import("./session.js").Session} Session */

/** A joined participant, until the first thing that cannot be repaired. */
export class Connection {
  /** @type {(message: import("./signal.js").Told) => void} */
  ontold = () => {};
  /** Audio or the WebSocket is interrupted and under repair. */
  oninterrupted = () => {};
  /** Both work again. */
  onrepaired = () => {};
  /** The WebSocket is back; this is how the room looks now. @type {(resumed: import("./signal.js").Resumed) => void} */
  onresumed = () => {};
  /** Called once; only a new connection helps. @type {(error: RoomError) => void} */
  onlost = () => {};

  #signal;
  /** Told before anybody listened. @type {import("./signal.js").Told[]} */
  #early;
  #restarting = false;
  #moving = false;
  #lost = false;
  /** @type {import("./resume.js").Way | null} */
  #way;
  /** While the WebSocket is away. @type {AbortController | null} */
  #resuming = null;

  /**
   * @param {Signal} signal
   * @param {Session} session
   * @param {import("./signal.js").Joined} joined
   * @param {import("./signal.js").Told[]} early what the server has told since
   * @param {import("./resume.js").Way | null} [way] to come back when only the WebSocket is lost
   */
  constructor(signal, session, joined, early, way = null) {
    this.#signal = signal;
    this.#early = early;
    this.#way = way;
    this.session = session;
    this.joined = joined;
    this.#watch(signal);
    session.oninterrupted = () => void this.restart();
    session.onconnected = () => this.#resuming === null && this.onrepaired();
  }

  /**
   * Joins; resolves once audio can flow.
   * @param {string} url of the WebSocket
   * @param {Session} session a new one; closed when joining fails
   * @param {{token: string, name?: string, muted: boolean, resume?: string}} who
   * @param {() => Promise<string>} [token] a fresh one, to come back with
   * @returns {Promise<Connection>}
   * @throws {RoomError}
   */
  static async open(url, session, who, token = async () => who.token) {
    /** @type {Signal | undefined} */
    let signal;
    try {
      const [opened, sdp] = await Promise.all([Signal.open(url), session.offer()]);
      signal = opened;
      const answer = await signal.request({ type: "join", ...who, sdp });
      if (answer.type !== "joined") throw new RoomError("protocol", "The server answered something else to the join.");
      /** @type {import("./signal.js").Told[]} */
      const early = [];
      signal.ontold = (message) => early.push(message);
      const lost = new Promise((_, reject) => {
        opened.onlost = reject;
        opened.ondraining = reject;
      });
      await Promise.race([session.accept(answer.sdp, answer.ice_servers ?? []), lost]);
      return new Connection(signal, session, answer, early, { url, token });
    } catch (error) {
      signal?.close();
      session.close();
      throw error;
    }
  }

  /** Hands on what the server tells, from the join on; call it once the callbacks are set. */
  listen() {
    this.#signal.ontold = (message) => this.ontold(message);
    for (const message of this.#early.splice(0)) this.ontold(message);
  }

  /**
   * @param {import("./signal.js").Request} message
   * @returns {Promise<import("./signal.js").Answer>}
   */
  request(message) {
    return this.#signal.request(message);
  }

  /**
   * Changes how much audio comes in one packet.
   * @param {number} ms
   * @param {boolean} longer than now
   */
  setPacketMs(ms, longer) {
    return changePacketLength(this.session.receiving, ms, longer, (message) => this.request(message));
  }

  /** Restarts ICE, e.g. after a change of network; does nothing while a restart is under way. */
  async restart() {
    if (this.#restarting || this.#lost) return;
    if (this.#resuming !== null) return this.#lose(new RoomError("unreachable", "The connection was lost."));
    this.#restarting = true;
    this.oninterrupted();
    try {
      await this.session.restart(async (sdp) => {
        const answer = await this.#signal.request({ type: "restart", sdp }, RESTART_TIMEOUT_MS);
        if (answer.type !== "restarted") throw new RoomError("protocol", "The server answered something else to the restart.");
        return answer.sdp;
      });
      this.onrepaired();
    } catch (cause) {
      // Whatever the reason, joining anew is the remedy left.
      this.#lose(new RoomError("unreachable", "The connection was lost.", { cause }));
    } finally {
      this.#restarting = false;
    }
  }

  /** Tells the server that this participant leaves, then ends everything. */
  async leave() {
    this.onlost = () => {};
    this.#moving = false;
    await this.#signal.request({ type: "leave" }, LEAVE_TIMEOUT_MS).catch(() => {});
    this.close();
  }

  /** Ends everything; nothing is called afterwards. */
  close() {
    this.onlost = () => {};
    this.ontold = () => {};
    this.oninterrupted = () => {};
    this.onrepaired = () => {};
    this.onresumed = () => {};
    this.#lost = true;
    this.#resuming?.abort();
    this.session.close();
    if (!this.#moving) return this.#signal.close();
    // Who has moved away frees his place, so that the server need not wait for him.
    this.#moving = false;
    const left = this.#signal.request({ type: "leave" }, LEAVE_TIMEOUT_MS);
    void left.catch(() => {}).finally(() => this.#signal.close());
  }

  /**
   * The server will leave: another connection is wanted, and this one works until it is there.
   * @param {RoomError} error
   */
  #moveAway(error) {
    if (this.#lost) return;
    this.#lost = true;
    this.#moving = true;
    this.onlost(error);
  }

  /** @param {Signal} signal */
  #watch(signal) {
    signal.onlost = (error) => void this.#lostSignal(error);
    signal.ondraining = (error) => this.#moveAway(error);
  }

  /** @param {RoomError} error */
  async #lostSignal(error) {
    const secret = this.joined.resume;
    const resumable = error.kind === "unreachable" && !this.#restarting && this.session.isLive;
    if (this.#lost || this.#way === null || secret === undefined || !resumable) return this.#lose(error);
    const resuming = new AbortController();
    this.#resuming = resuming;
    this.oninterrupted();
    try {
      const { signal, resumed } = await resume(this.#way, secret, resuming.signal, () => this.session.isLive);
      if (this.#lost) return signal.close();
      this.#resuming = null;
      this.#signal = signal;
      this.#watch(signal);
      this.joined = { ...this.joined, ...resumed, type: /** @type {const} */ ("joined"), resume: resumed.resume ?? secret };
      this.listen();
      this.onresumed(resumed);
      this.onrepaired();
    } catch (cause) {
      this.#lose(RoomError.from(cause));
    }
  }

  /** @param {RoomError} error */
  #lose(error) {
    if (this.#lost) return;
    this.#lost = true;
    this.#resuming?.abort();
    // The session plays on meanwhile: often only the WebSocket has gone.
    this.#signal.close();
    this.onlost(error);
  }
}
