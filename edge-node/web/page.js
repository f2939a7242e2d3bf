// The page of a room: the lobby, then the stage, then a word of goodbye.

import { readRoom } from "./api.js";
import { byId, remembered } from "./dom.js";
import { Live, showTitle } from "./live.js";
import { Lobby } from "./lobby.js";
import { Pass } from "./pass.js";
import { sentence } from "./sentences.js";
import { Room, RoomError, roleOf } from "./stoa.js";

const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const linkToken = new URLSearchParams(location.hash.slice(1)).get("token");

const lobby = new Lobby();
const live = new Live();
const pass = new Pass(id, linkToken);

/** @type {Room | null} */
let room = null;
/** Whether the room wants those who come to speak to begin muted. */
let beginsMuted = false;

/** A reader that finds the focus gone before it has heard of the new one says nothing about that. */
const LEFT_MS = 500;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaving;

/** @param {"lobby" | "room" | "message"} view */
function show(view) {
  const { dataset } = document.body;
  if (dataset["view"] === view) return;
  dataset["left"] = dataset["view"];
  dataset["view"] = view;
  clearTimeout(leaving);
  leaving = setTimeout(() => delete dataset["left"], LEFT_MS);
}

/** @param {import("./lobby.js").Choice} choice */
async function join({ name, speaks, deviceId }) {
  lobby.busy(true);
  let token = linkToken ?? "";
  // Drawn anew only when the server wants none of the one before: an open node that was restarted knows the old ones no more.
  const draw = async () => {
    token = await pass.draw(speaks ? "speaker" : "listener");
    return token;
  };
  const joining = new Room({ room: id, name, token: draw });
  room = joining;
  live.wire(joining);
  joining.on("state", ({ state, error }) => {
    if (room === joining && state === "closed" && document.body.dataset["view"] === "room") goodbye(error);
  });
  try {
    await joining.join({ publish: speaks, muted: !speaks || (beginsMuted && roleOf(linkToken ?? "") !== "host"), microphone: { deviceId } });
  } catch (error) {
    return failed(RoomError.from(error));
  }
  show("room");
  lobby.busy(false);
  live.enter(joining, id, token);
  if ("mediaSession" in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: joining.self?.room.name || id, artist: "Stoa" });
  }
}

/** @param {RoomError} error why joining failed */
function failed(error) {
  const uninvited = linkToken === null && error.kind === "token";
  if (uninvited) return goodbye(new RoomError("forbidden", error.message));
  if (FAREWELLS.has(error.kind)) return goodbye(error);
  show("lobby");
  lobby.refuse(error);
}

/** @type {Map<string, {title: string, text: string, again: boolean}>} */
const FAREWELLS = new Map([
  ["room-ended", { title: "The room has ended", text: "Thank you for being there.", again: false }],
  ["removed", { title: "You were removed", text: "Somebody who runs this room took you out of it.", again: false }],
  ["banned", { title: "You cannot enter this room", text: "Those who run it keep you out.", again: false }],
  ["blocked-by-host", { title: "You cannot enter this room now", text: "Its host has blocked you.", again: true }],
  ["replaced", { title: "You are here from another place", text: "You came in again in another tab or on another device.", again: true }],
  ["token", { title: "This link does not work", text: "It may have expired, or the server was started anew. Ask the host for a new one.", again: false }],
  ["forbidden", { title: "This link is not enough", text: "You need an invitation to this room. Ask the host for a link.", again: false }],
  ["unknown-room", { title: "There is no such room", text: "It may have ended, or the link may be incomplete.", again: false }],
  ["unsupported", { title: "This browser cannot join", text: "It has no WebRTC. A current Firefox, Chrome or Safari has.", again: false }],
]);

/** @param {RoomError | null} error null: the person left */
function goodbye(error) {
  room = null;
  live.leave();
  lobby.busy(false);
  const left = { title: "You have left", text: "The door stays open.", again: true };
  const lost = { title: "The connection is gone", text: error === null ? "" : sentence(error), again: true };
  const farewell = error === null ? left : (FAREWELLS.get(error.kind) ?? lost);
  const title = byId("message-title", HTMLHeadingElement);
  title.textContent = farewell.title;
  byId("message-text", HTMLParagraphElement).textContent = farewell.text;
  byId("message-again", HTMLButtonElement).hidden = !farewell.again;
  show("message");
  title.focus();
}

lobby.onjoin = (/** @type {import("./lobby.js").Choice} */ choice) => void join(choice);
// A closed tab says goodbye; one that the browser keeps in memory may come back.
addEventListener("pagehide", (event) => {
  if (!event.persisted) void room?.leave();
});
byId("message-again", HTMLButtonElement).addEventListener("click", () => {
  show("lobby");
  byId("lobby-join", HTMLButtonElement).focus();
});
// A link pasted into the address bar of an open room changes only the fragment.
addEventListener("hashchange", () => location.reload());

lobby.fit(linkToken === null ? null : roleOf(linkToken));
showTitle(id);
readRoom(id, linkToken).then(({ name, topic, muted_on_entry: muted = false }) => {
  beginsMuted = muted;
  if (name) showTitle(name);
  byId("topic", HTMLSpanElement).textContent = topic ?? "";
}, (error) => {
  if (error instanceof RoomError && error.kind === "unknown-room") goodbye(error);
});
if (remembered("name") === "") byId("lobby-name", HTMLInputElement).focus();
