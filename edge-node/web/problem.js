// Everything that can go wrong, as one error class with a `kind` that a page can act on.

/**
 * What went wrong.
 *
 * | kind | meaning |
 * |---|---|
 * | `microphone-denied` | the person or the system refused the microphone |
 * | `microphone-missing` | no microphone is plugged in |
 * | `microphone-busy` | another program holds it |
 * | `insecure` | the page is not served over HTTPS, so browsers give no microphone |
 * | `unsupported` | this browser has no WebRTC |
 * | `token` | the token is bad or has expired |
 * | `forbidden` | the token does not allow this |
 * | `unknown-room` | there is no such room |
 * | `room-ended` | the room has been closed |
 * | `removed` | a moderator removed this participant |
 * | `banned` | a moderator keeps this person out |
 * | `blocked-by-host` | the room's present host has blocked this person |
 * | `replaced` | the same participant came back through another connection |
 * | `full` | no place left; `retryAfterMs` says when to try again |
 * | `draining` | this edge is about to stop and takes nobody new |
 * | `no-path` | signaling works, but no audio path could be set up (a firewall, mostly) |
 * | `unreachable` | no connection to the server |
 * | `protocol` | one side said something the other did not understand |
 *
 * @typedef {"microphone-denied" | "microphone-missing" | "microphone-busy" | "insecure" | "unsupported" | "token"
 *   | "forbidden" | "unknown-room" | "room-ended" | "removed" | "banned" | "blocked-by-host" | "replaced" | "full" | "draining" | "no-path"
 *   | "unreachable" | "protocol"} ProblemKind
 */

/**
 * An RFC 9457 problem, as the server sends it.
 * @typedef {{type?: string, title?: string, status?: number, detail?: string, retry_after_s?: number,
 *   alternatives?: string[]}} Problem
 */

/** An error of the room, the network or the microphone. */
export class RoomError extends Error {
  /**
   * @param {ProblemKind} kind
   * @param {string} message a sentence for people
   * @param {{code?: string, retryAfterMs?: number, alternatives?: string[], cause?: unknown}} [options]
   *   `code`: the server's short name for it, such as `stage-full`
   */
  constructor(kind, message, options = {}) {
    super(message, { cause: options.cause });
    this.name = "RoomError";
    this.kind = kind;
    this.code = options.code ?? "";
    this.retryAfterMs = options.retryAfterMs;
    this.alternatives = options.alternatives ?? [];
  }

  /**
   * Whatever was thrown, as an error with a kind.
   * @param {unknown} cause
   */
  static from(cause) {
    return cause instanceof RoomError ? cause : new RoomError("protocol", String(cause), { cause });
  }

  /** Whether trying the same again may help. */
  get passing() {
    return PASSING.has(this.kind);
  }
}

/** @type {Set<ProblemKind>} */
const PASSING = new Set(["full", "draining", "no-path", "unreachable"]);

/** @type {Map<number, {kind: ProblemKind, message: string}>} */
const CLOSE_CODES = new Map([
  [4400, { kind: "protocol", message: "The server did not understand this client." }],
  [4401, { kind: "token", message: "This link is not valid, or no longer." }],
  [4403, { kind: "forbidden", message: "This link does not allow that." }],
  [4404, { kind: "unknown-room", message: "There is no such room." }],
  [4408, { kind: "unreachable", message: "The connection was too slow." }],
  [4409, { kind: "room-ended", message: "The room has ended." }],
  [4429, { kind: "full", message: "Too many people are joining at the moment." }],
  [4503, { kind: "full", message: "There is no free place at the moment." }],
]);

/** @type {Map<string, {kind: ProblemKind, message: string}>} */
const CLOSED_REASONS = new Map([
  ["revoked", { kind: "token", message: "This link is not valid, or no longer." }],
  ["room-closed", { kind: "room-ended", message: "The room has ended." }],
  ["removed", { kind: "removed", message: "You were removed from the room." }],
  ["banned", { kind: "banned", message: "You were removed from the room and cannot come back." }],
  ["replaced", { kind: "replaced", message: "You came in again from another place." }],
  ["draining", { kind: "draining", message: "This server is being replaced." }],
  ["overloaded", { kind: "full", message: "This server has more listeners than it can bear." }],
]);

/**
 * Why a WebSocket closed.
 * @param {number} code its close code
 * @param {string} [reason] of a `closed` message that came before
 * @param {Problem} [problem] of an `error` message that came before
 * @returns {RoomError}
 */
export function fromClose(code, reason, problem) {
  const known = CLOSED_REASONS.get(reason ?? "") ?? CLOSE_CODES.get(code);
  if (known === undefined) return new RoomError("unreachable", "The connection to the server was lost.");
  return withProblem(known, problem);
}

/**
 * Why, when and where one should go.
 * @param {{after_ms?: number, alternatives?: string[]}} message a `closed` with reason `draining`
 * @returns {RoomError}
 */
export function fromDraining({ after_ms: afterMs, alternatives = [] }) {
  return new RoomError("draining", "This server is being replaced.", {
    retryAfterMs: typeof afterMs === "number" && afterMs >= 0 ? afterMs : undefined,
    alternatives: alternatives.filter((url) => typeof url === "string"),
  });
}

/**
 * Why a request was refused, over HTTP or in an `error` message.
 * @param {Problem} problem
 * @returns {RoomError}
 */
export function fromProblem(problem) {
  const { status = 0 } = problem;
  const code = codeOf(problem);
  // 409 and 404 are also said of people and their deeds; only the room's own end, or absence, ends anything.
  const ofPeople = status === 409 || (status === 404 && !["", "room-not-found", "path-not-found"].includes(code));
  const ended = status === 410 || code === "room-closed" || code === "room-ended";
  const known = ended ? CLOSE_CODES.get(4409) : ofPeople ? undefined : CLOSE_CODES.get(4000 + status);
  /** @type {ProblemKind} */
  const kind = status >= 500 ? "unreachable" : "protocol";
  return withProblem(known ?? { kind, message: "The server refused the request." }, problem);
}

/** The short name in a problem's type. @param {Problem} [problem] */
function codeOf(problem) {
  return problem?.type?.split("/").pop() ?? "";
}

/**
 * @param {{kind: ProblemKind, message: string}} known
 * @param {Problem} [problem]
 */
function withProblem(known, problem) {
  const said = `${problem?.type ?? ""} ${problem?.title ?? ""} ${problem?.detail ?? ""}`;
  const code = codeOf(problem);
  const draining = known.kind === "full" && /drain/i.test(said);
  const kind = draining ? "draining" : code === "banned" || code === "blocked-by-host" ? code : known.kind;
  const seconds = problem?.retry_after_s;
  return new RoomError(kind, problem?.detail || problem?.title || known.message, {
    code,
    retryAfterMs: typeof seconds === "number" && seconds >= 0 ? seconds * 1000 : undefined,
    alternatives: (problem?.alternatives ?? []).filter((url) => typeof url === "string"),
  });
}

/**
 * Why the microphone did not open.
 * @param {unknown} cause what `getUserMedia` threw
 * @returns {RoomError}
 */
export function fromMicrophone(cause) {
  const name = cause instanceof Error ? cause.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return new RoomError("microphone-denied", "The browser was not allowed to use the microphone.", { cause });
    case "NotFoundError":
    case "OverconstrainedError":
      return new RoomError("microphone-missing", "No microphone was found.", { cause });
    default:
      return new RoomError("microphone-busy", "The microphone could not be opened. Another program may be using it.", { cause });
  }
}
