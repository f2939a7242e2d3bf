// The WebSocket of a room: requests with answers, and what the server tells unasked. See PROTOCOL.md.

import { RoomError, fromClose, fromDraining, fromProblem } from "./problem.js";

/** How long opening the connection may take. */
const OPEN_TIMEOUT_MS = 8_000;
/** How long an answer may take, unless the caller says otherwise. */
const ANSWER_TIMEOUT_MS = 8_000;
/** How often to ask whether the connection still works, and how long the answer may take. */
const PING_INTERVAL_MS = 10_000;
const PING_TIMEOUT_MS = 5_000;
/** Most requests without an answer; further ones are refused. */
const PENDING_MAX = 64;

/**
 * @typedef {"host" | "moderator" | "speaker" | "listener"} Role
 * @typedef {{participant: string, name: string, role: Role, muted: boolean}} Participant
 * @typedef {{slot: number, participant: string | null}} SlotUse
 *
 * @typedef {object} Joined
 * @property {"joined"} type
 * @property {string} participant
 * @property {{id: string, name: string, topic?: string}} room
 * @property {Role} role
 * @property {string} sdp
 * @property {{slot: number, mid: string}[]} slots
 * @property {RTCIceServer[]} [ice_servers]
 * @property {Participant[]} stage
 * @property {number} listeners
 * @property {SlotUse[]} [speaking]
 * @property {string} [resume] a secret, to come back with; older servers give none
 * @property {Standing} [standing]
 * @property {string[]} [alternatives] base URLs of other edges
 *
 * @typedef {Omit<Joined, "type" | "sdp" | "slots" | "ice_servers"> & {type: "resumed"}} Resumed
 * @typedef {{role: Role, muted: boolean, hand: boolean, invited: boolean}} Standing how oneself stands in a room
 * @typedef {{participant: string, name: string, raised_ms: number, invited: boolean}} Hand
 * @typedef {Participant & {hand: boolean, identity?: string}} Person
 * @typedef {{type: "participants", participants: Person[], next?: string}} ParticipantsPage
 *
 * @typedef {{type: "roster", stage: Participant[], listeners: number}} RosterMessage
 * @typedef {{type: "slots", slots: SlotUse[]}} SlotsMessage
 * @typedef {{type: "standing"} & Standing} StandingMessage
 * @typedef {{type: "hands", hands: Hand[]}} HandsMessage
 * @typedef {{type: "counts", listeners: number, hands: number}} CountsMessage
 * @typedef {{type: "room", name: string, topic: string}} RoomMessage
 * @typedef {{type: "reactions", reactions: Record<string, number>}} ReactionsMessage
 * @typedef {{type: "closed", reason: string, after_ms?: number, alternatives?: string[]}} ClosedMessage
 * @typedef {{type: "staying"}} StayingMessage
 * @typedef {{type: "error", problem: import("./problem.js").Problem, retry_after_s?: number}} ErrorMessage
 * @typedef {Joined | Resumed | ParticipantsPage | {type: "restarted", sdp: string} | {type: "ok", alternatives?: string[]}} Answer
 * @typedef {RosterMessage | SlotsMessage | StandingMessage | HandsMessage | CountsMessage | RoomMessage
 *   | ReactionsMessage} Told
 * @typedef {{type: string} & Record<string, unknown>} Request
 *
 * @typedef {object} Pending
 * @property {(answer: Answer) => void} resolve
 * @property {(error: RoomError) => void} reject
 * @property {ReturnType<typeof setTimeout>} timer
 */

/** One WebSocket to one room, from open to close. */
export class Signal {
  /** What the server tells unasked. @type {(message: Told) => void} */
  ontold = () => {};
  /** Called when the server will leave soon; until then the connection works. @type {(error: RoomError) => void} */
  ondraining = () => {};
  /** Called when it stays after all. */
  onstaying = () => {};
  /** Called when the server names other edges. @type {(others: string[]) => void} */
  onothers = () => {};
  /** Called once, when the connection has ended by itself; not after `close()`. @type {(error: RoomError) => void} */
  onlost = () => {};

  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #lastId = 0;
  #ended = false;
  /** @type {string | undefined} */
  #closedReason;
  /** @type {import("./problem.js").Problem | undefined} */
  #lastProblem;
  /** @type {ReturnType<typeof setInterval>} */
  #pings;
  /** @type {WebSocket} */
  #socket;

  /** @param {WebSocket} socket an open one */
  constructor(socket) {
    this.#socket = socket;
    socket.onmessage = (event) => this.#read(event.data);
    socket.onclose = (event) => this.#end(fromClose(event.code, this.#closedReason, this.#lastProblem));
    this.#pings = setInterval(() => void this.ping().catch((error) => this.#end(error)), PING_INTERVAL_MS);
  }

  /**
   * Connects.
   * @param {string} url of the WebSocket, `ws:` or `wss:`
   * @param {number} [timeoutMs]
   * @returns {Promise<Signal>}
   * @throws {RoomError} `unreachable`, or what the server's close code says
   */
  static open(url, timeoutMs = OPEN_TIMEOUT_MS) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, "stoa.v1");
      const timer = setTimeout(() => {
        socket.onclose = null;
        socket.close();
        reject(new RoomError("unreachable", "The server does not answer."));
      }, timeoutMs);
      socket.onopen = () => {
        clearTimeout(timer);
        resolve(new Signal(socket));
      };
      socket.onclose = (event) => {
        clearTimeout(timer);
        reject(fromClose(event.code));
      };
    });
  }

  /**
   * Asks something and waits for the answer.
   * @param {Request} message
   * @param {number} [timeoutMs]
   * @returns {Promise<Answer>}
   * @throws {RoomError} what the server says, or `unreachable` when it says nothing in time
   */
  request(message, timeoutMs = ANSWER_TIMEOUT_MS) {
    if (this.#ended || this.#socket.readyState !== WebSocket.OPEN || this.#pending.size >= PENDING_MAX) {
      return Promise.reject(new RoomError("unreachable", "There is no connection to the server."));
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new RoomError("unreachable", "The server does not answer."));
      }, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ ...message, id }));
    });
  }

  /**
   * Asks for a sign of life, and where else one might go.
   * @param {number} [timeoutMs]
   */
  async ping(timeoutMs = PING_TIMEOUT_MS) {
    const answer = await this.request({ type: "ping" }, timeoutMs);
    if (answer.type === "ok" && answer.alternatives !== undefined) this.onothers(answer.alternatives);
  }

  /** Ends the connection; nothing is called afterwards. */
  close() {
    this.onlost = () => {};
    this.ondraining = () => {};
    this.onstaying = () => {};
    this.onothers = () => {};
    this.#end(new RoomError("unreachable", "The connection was closed."));
  }


  /** @param {RoomError} error */
  #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#pings);
    // A dead network delays the close event for minutes, so nobody waits for it.
    this.#socket.onclose = null;
    this.#socket.onmessage = null;
    this.#socket.close(1000);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
    this.onlost(error);
  }

  /** @param {unknown} text */
  #read(text) {
    const message = parse(text);
    if (message === null) return;
    switch (message.type) {
      case "error":
        return this.#refused(message);
      case "closed":
        this.#closedReason = message.reason;
        if (message.reason === "draining") this.ondraining(fromDraining(message));
        return;
      case "staying":
        this.#closedReason = undefined;
        return this.onstaying();
      case "roster":
      case "slots":
      case "standing":
      case "hands":
      case "counts":
      case "room":
      case "reactions":
        return this.ontold(message);
      case "joined":
      case "resumed":
      case "participants":
      case "restarted":
      case "ok":
        return this.#take(message.id)?.resolve(message);
      default: // A newer server may say more than this client knows.
    }
  }

  /** @param {ErrorMessage & {id?: number}} message */
  #refused(message) {
    const problem = { retry_after_s: message.retry_after_s, ...message.problem };
    this.#lastProblem = problem;
    this.#take(message.id)?.reject(fromProblem(problem));
  }

  /** @param {number | undefined} id */
  #take(id) {
    if (id === undefined) return undefined;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending !== undefined) clearTimeout(pending.timer);
    return pending;
  }
}

/**
 * @param {unknown} text
 * @returns {((Answer | Told | ClosedMessage | StayingMessage | ErrorMessage) & {id?: number}) | null}
 */
function parse(text) {
  if (typeof text !== "string") return null;
  try {
    const message = JSON.parse(text);
    return typeof message === "object" && message !== null && typeof message.type === "string" ? message : null;
  } catch {
    return null;
  }
}
