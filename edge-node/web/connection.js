// One presence in a room: a session, and the WebSocket that goes with it, which may be lost and come back.

import { changePacketLength } from "./packets.js";
import { RoomError } from "./problem.js";
import { Pulse } from "./pulse.js";
import { resume } from "./resume.js";

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
  /** The edge will leave and asks to go elsewhere, when the error says; until then all goes on. @type {(error: RoomError) => void} */
  onleaving = () => {};
  /** It stays after all. */
  onstaying = () => {};
  /** Other edges are known, by their base URLs. @type {(others: string[]) => void} */
  onothers = () => {};

  #signal;
  /** Told before anybody listened. @type {import("./signal.js").Told[]} */
  #early;
  #restarting = false;
  #leaving = false;
  #lost = false;
  #pulse;
  /** @type {import("./resume.js").Way | null} */
  #way;
  /** While the WebSocket is away. @type {AbortController | null} */
  #resuming = null;

  /**
   * @param {import("./signal.js").Signal} signal
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
    this.#pulse = new Pulse(session.receiving, (ms) => this.#ask(ms), (error) => this.#lose(RoomError.from(error)));
  }

  /** Whether somebody would miss it: sound comes right now, or goes, as far as this side knows. */
  get isAudible() {
    return this.#pulse.hears || this.isLeaving;
  }

  /** Whether it works, and its edge has not asked to go elsewhere. */
  get isFine() {
    return !this.#lost && !this.#leaving;
  }

  /**
   * Ends it, if it is not fine any more.
   * @throws {RoomError}
   */
  check() {
    if (this.isFine) return;
    this.close();
    throw new RoomError("unreachable", "The connection was lost.");
  }

  /** Whether its edge has asked to go elsewhere, and still works. */
  get isLeaving() {
    return !this.#lost && this.#leaving;
  }

  /**
   * Joins; resolves once audio can flow.
   * @param {import("./signal.js").Signal} signal a new one; closed, as the session, when joining fails
   * @param {Session} session a new one
   * @param {{token: string, name?: string, muted: boolean, resume?: string}} who
   * @param {import("./resume.js").Way | null} [way] to come back when only the WebSocket is lost
   * @returns {Promise<Connection>}
   * @throws {RoomError}
   */
  static async open(signal, session, who, way = null) {
    try {
      const sdp = await session.offer();
      const answer = await signal.request({ type: "join", ...who, sdp });
      if (answer.type !== "joined") throw new RoomError("protocol", "The server answered something else to the join.");
      /** @type {import("./signal.js").Told[]} */
      const early = [];
      signal.ontold = (message) => early.push(message);
      const lost = new Promise((_, reject) => {
        signal.onlost = reject;
        signal.ondraining = reject;
      });
      await Promise.race([session.accept(answer.sdp, answer.ice_servers ?? []), lost]);
      return new Connection(signal, session, answer, early, way);
    } catch (error) {
      signal.close();
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
    await this.#signal.request({ type: "leave" }, LEAVE_TIMEOUT_MS).catch(() => {});
    this.close();
  }

  /** Tells the server that this participant goes on elsewhere, so that it need not wait for him, and ends everything. */
  moveOn() {
    const left = this.#signal.request({ type: "leave" }, LEAVE_TIMEOUT_MS);
    this.close(left.catch(() => {}));
  }

  /**
   * Ends everything; nothing is called afterwards.
   * @param {Promise<unknown>} [word] the last one, which the WebSocket waits for
   */
  close(word) {
    this.#pulse.stop();
    this.onlost = () => {};
    this.onleaving = () => {};
    this.onstaying = () => {};
    this.onothers = () => {};
    this.ontold = () => {};
    this.oninterrupted = () => {};
    this.onrepaired = () => {};
    this.onresumed = () => {};
    this.#lost = true;
    this.#resuming?.abort();
    this.session.close();
    if (word === undefined) return this.#signal.close();
    void word.finally(() => this.#signal.close());
  }

  /** @param {import("./signal.js").Signal} signal */
  #watch(signal) {
    signal.onlost = (error) => void this.#lostSignal(error);
    signal.onothers = (others) => this.onothers(others);
    signal.ondraining = (error) => {
      this.#leaving = true;
      this.onothers(error.alternatives);
      if (!this.#lost) this.onleaving(error);
    };
    signal.onstaying = () => {
      this.#leaving = false;
      if (!this.#lost) this.onstaying();
    };
  }

  /** Asks the edge for a sign of life; a WebSocket that is being taken up tells by itself. @param {number} timeoutMs */
  async #ask(timeoutMs) {
    if (this.#resuming === null && !this.#lost) await this.#signal.ping(timeoutMs);
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
      const { signal, resumed } = await resume(this.#way, secret, resuming.signal, {
        isLive: () => this.session.isLive,
        hears: () => this.#pulse.hears,
      });
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
    this.#pulse.stop();
    this.#resuming?.abort();
    // The session plays on meanwhile: often only the WebSocket has gone.
    this.#signal.close();
    this.onlost(error);
  }
}
