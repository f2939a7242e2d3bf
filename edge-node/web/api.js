// The HTTP API, as far as the pages need it.

import { RoomError, fromProblem } from "./problem.js";

/**
 * @typedef {{room: string, name: string, stage?: number, listeners?: number}} Listed
 * @typedef {{room: string, name: string, tokens: {host: string, speaker: string, listener: string}}} Created
 */

/**
 * Creates a room; nodes that are not open refuse it with `token` or `forbidden`.
 * @param {string} name
 * @returns {Promise<Created>}
 */
export async function createRoom(name) {
  return await call("POST", "/v1/rooms", { body: { name } });
}

/**
 * Rooms that anybody may join; empty where the node does not tell.
 * @returns {Promise<Listed[]>}
 */
export async function listRooms() {
  try {
    const { rooms } = await call("GET", "/v1/rooms", {});
    return Array.isArray(rooms) ? rooms : [];
  } catch {
    return [];
  }
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
 * @param {{role: "speaker" | "listener", name?: string}} who
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
