// What went wrong, in the words of the page: by the server's code where its own sentence speaks of ids, else by kind.

import { RoomError } from "./problem.js";

/** By `RoomError.code`. @type {Record<string, string>} */
const BY_CODE = {
  "appointments-full": "This room has as many appointed people as it can keep.",
  "bans-full": "This room keeps out as many people as it can. Let somebody in again first.",
  "blocked-by-host": "You cannot enter while this host is in the room: they have blocked you.",
  "blocks-full": "You block as many people as you can. Let somebody in again first.",
  "blocks-full-here": "The server can remember no more blocks. Ban this person from the room instead.",
  "blocks-oneself": "This person came in by the same link as you, so that blocking them would block you.",
  "hand-not-raised": "That hand is down already.",
  "hands-closed": "This room takes no raised hands at the moment.",
  "hands-full": "Too many hands are up already. Try again in a while.",
  "mute-forbidden": "Only a moderator or the host can mute others.",
  "name-invalid": "This name cannot be used: it takes 1 to 64 characters, none of them invisible.",
  "name-malformed": "This name cannot be used: it is too long, or holds invisible characters.",
  "not-invited": "The invitation was taken back.",
  "participant-elsewhere": "That person has just moved to another server. Try again.",
  "participant-not-found": "That person has left already.",
  "participant-taken": "You are still in the room from before. Try again in a few seconds.",
  "role-unknown": "There is no such role.",
  "room-exists": "There is a room of this name already.",
  "room-full": "The room is full.",
  "room-private": "This room is private: it takes a personal invitation.",
  "rooms-full": "This server holds as many rooms as it can. Try again later.",
  "stage-full": "The stage is full. Somebody has to leave it first.",
  "text-invalid": "This text cannot be used: it is too long, or holds invisible characters.",
  "unmute-forbidden": "Nobody can unmute somebody else.",
  "language-invalid": "There is no such language.",
  "visibility-unknown": "There is no such visibility.",
  "track-taken": "You are still in the room from before. Try again in a few seconds.",
  "seat-not-found": "You are not in the room any more. Join again.",
  "session-not-found": "You are not in the room any more. Join again.",
  "deed-malformed": "This cannot be done. Reload the page and try again.",
  "action-unknown": "This server cannot do that yet.",
  "reaction-unknown": "This server does not know that reaction.",
  "unknown-request": "The room's server cannot do that yet.",
  "draining": "The server is being replaced. Try again in a moment.",
  "edge-draining": "The server is being replaced. Try again in a moment.",
  "edge-stopped": "The server is being replaced. Try again in a moment.",
  "edge-busy": "The server is busy. Try again in a moment.",
  "edge-full": "This server is full. Try again in a while.",
  "edge-voices-full": "This server carries as many voices as it can. Try again in a while.",
  "link-full": "The server is busy. Try again in a moment.",
  "join-lost": "The server was replaced while you were joining. Try again.",
  "owner-silent": "The room does not answer at the moment. Try again.",
  "owner-unreachable": "The room cannot be reached at the moment. Try again.",
  "owner-confused": "The room's server and this one do not understand each other.",
};

/** By kind, where there is no sentence of a server. @type {Partial<Record<import("./problem.js").ProblemKind, string>>} */
const BY_KIND = {
  unreachable: "The server does not answer. Try again.",
  protocol: "Something went wrong. Try again.",
};

/**
 * What to show of anything that was thrown.
 * @param {unknown} cause
 * @returns {string}
 */
export function sentence(cause) {
  if (!(cause instanceof RoomError)) return "Something went wrong. Try again.";
  return BY_CODE[cause.code] ?? (cause.message || BY_KIND[cause.kind] || "Something went wrong. Try again.");
}
