// The HTTP API, as far as the pages need it.

import { RoomError, fromProblem } from "./problem.js";

/**
 * @typedef {"open" | "unlisted" | "private"} Visibility
 * @typedef {{name?: string, topic?: string, language?: string, visibility?: string, hands?: boolean, muted_on_entry?: boolean}} RoomSettings
 * @typedef {RoomSettings & {room: string, name: string, stage?: number, listeners?: number}} Listed
 * @typedef {{identity: string, at_ms: number, until_ms?: number, reason?: string}} Kept somebody who may not come in; `until_ms` is 0 for good
 * @typedef {{room: string, name: string, tokens: {host: string, speaker: string, listener: string}}} Created
 */

/**
 * Creates a room; nodes that are not open refuse it with `token` or `forbidden`.
 * @param {RoomSettings} settings what is absent is as usual
 * @returns {Promise<Created>}
 */
export async function createRoom(settings) {
  return await call("POST", "/v1/rooms", { body: settings });
}

/**
 * A page of the rooms that anybody may join.
 * @param {{search?: string, language?: string, after?: string, limit?: number}} [wish]
 * @returns {Promise<{rooms: Listed[], next: string}>} `next` is empty at the end
 * @throws {RoomError} `token` or `forbidden` where the node does not tell
 */
export async function listRooms(wish = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(wish)) {
    if (value) query.set(name, String(value));
  }
  const { rooms, next } = await call("GET", query.size > 0 ? `/v1/rooms?${query}` : "/v1/rooms", {});
  return { rooms: Array.isArray(rooms) ? rooms : [], next: typeof next === "string" ? next : "" };
}

/**
 * Changes what is given and leaves the rest.
 * @param {string} room
 * @param {RoomSettings} settings
 * @param {string} token a host's
 */
export async function changeRoom(room, settings, token) {
  await call("PATCH", `/v1/rooms/${encodeURIComponent(room)}`, { body: settings, token });
}

/**
 * Ends a room for everybody.
 * @param {string} room
 * @param {string} token a host's
 */
export async function closeRoom(room, token) {
  await call("DELETE", `/v1/rooms/${encodeURIComponent(room)}`, { token });
}

/**
 * Keeps somebody out of every room whose host one is, and sends him out of those at once.
 * @param {string} identity one's own, or with a back end's token anybody's
 * @param {string} other
 * @param {string} token
 */
export async function block(identity, other, token) {
  await call("PUT", blockPath(identity, other), { token });
}

/**
 * Lets somebody in again.
 * @param {string} identity as in `block`
 * @param {string} other
 * @param {string} token
 */
export async function unblock(identity, other, token) {
  await call("DELETE", blockPath(identity, other), { token });
}

/**
 * A page of those whom somebody blocks.
 * @param {string} identity as in `block`
 * @param {string} token
 * @param {string} [after] `next` of the page before
 * @returns {Promise<{kept: Kept[], next: string}>} `next` is empty at the end
 */
export async function listBlocks(identity, token, after = "") {
  const { blocks, next } = await call("GET", `${identityPath(identity)}/blocks${behind(after)}`, { token });
  return { kept: blocks, next: next ?? "" };
}

/**
 * A page of those who are banned from a room.
 * @param {string} room
 * @param {string} token of somebody who runs it
 * @param {string} [after] `next` of the page before
 * @returns {Promise<{kept: Kept[], next: string}>} `next` is empty at the end
 */
export async function listBans(room, token, after = "") {
  const { bans, next } = await call("GET", `/v1/rooms/${encodeURIComponent(room)}/bans${behind(after)}`, { token });
  return { kept: bans, next: next ?? "" };
}

/**
 * Lets somebody into a room again.
 * @param {string} room
 * @param {string} identity
 * @param {string} token of somebody who runs it
 */
export async function unban(room, identity, token) {
  await call("DELETE", `/v1/rooms/${encodeURIComponent(room)}/bans/${encodeURIComponent(identity)}`, { token });
}

/** @param {string} identity */
function identityPath(identity) {
  return `/v1/identities/${encodeURIComponent(identity)}`;
}

/** @param {string} identity @param {string} other */
function blockPath(identity, other) {
  return `${identityPath(identity)}/blocks/${encodeURIComponent(other)}`;
}

/** @param {string} after */
function behind(after) {
  return after === "" ? "" : `?after=${encodeURIComponent(after)}`;
}

/**
 * @param {string} room
 * @param {string | null} token
 * @returns {Promise<Listed>}
 */
export async function readRoom(room, token) {
  return await call("GET", `/v1/rooms/${encodeURIComponent(room)}`, { token });
}

/**
 * Draws a token, where the node is open.
 * @param {string} room
 * @param {{role: import("./options.js").Role, name?: string}} who
 * @param {string | null} token one's own, if any
 * @returns {Promise<string>}
 */
export async function drawToken(room, who, token) {
  const answer = await call("POST", `/v1/rooms/${encodeURIComponent(room)}/tokens`, { body: who, token });
  return answer.token;
}

/**
 * The page of a room, with a token that only the browser sees.
 * @param {string} room
 * @param {string} token
 */
export function roomLink(room, token) {
  return `${location.origin}/r/${encodeURIComponent(room)}#token=${token}`;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{body?: object, token?: string | null}} options
 * @returns {Promise<any>}
 * @throws {RoomError}
 */
async function call(method, path, { body, token }) {
  const headers = new Headers({ accept: "application/json" });
  if (body !== undefined) headers.set("content-type", "application/json");
  if (token) headers.set("authorization", `Bearer ${token}`);
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  } catch (cause) {
    throw new RoomError("unreachable", "The server does not answer.", { cause });
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  throw fromProblem({ retry_after_s: retryAfter, ...answer, status: response.status });
}
