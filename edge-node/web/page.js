// The page of a room: the lobby, then the stage, then a word of goodbye.

import { drawToken, readRoom } from "./api.js";
import { Controls } from "./controls.js";
import { byId, remembered } from "./dom.js";
import { Invite } from "./invite.js";
import { Lobby } from "./lobby.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { Room, RoomError, roleOf } from "./stoa.js";

const id = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const linkToken = new URLSearchParams(location.hash.slice(1)).get("token");

const lobby = new Lobby();
const stage = new Stage();
const controls = new Controls();
const settings = new Settings();
const invite = new Invite();
const banner = byId("banner", HTMLParagraphElement);
const blocked = byId("blocked", HTMLButtonElement);

/** @type {Room | null} */
let room = null;

/** @param {"lobby" | "room" | "message"} view */
function show(view) {
  document.body.dataset["view"] = view;
}

/** @param {string} text for screen readers */
function announce(text) {
  byId("announcer", HTMLParagraphElement).textContent = text;
}

/** @param {string} name */
function setTitle(name) {
  byId("title", HTMLHeadingElement).textContent = name;
  document.title = `${name} · Stoa`;
}

/** @param {import("./lobby.js").Choice} choice */
async function join({ name, speaks, deviceId }) {
  lobby.busy(true);
  let token = linkToken ?? "";
  /** Without a link each (re)join draws a token anew: an open node that was restarted knows the old ones no more. */
  const draw = async () => {
    token = await drawToken(id, { role: speaks ? "speaker" : "listener", ...(name ? { name } : {}) }, null);
    return token;
  };
  const joining = new Room({ room: id, name, token: linkToken ?? draw });
  wire(joining);
  room = joining;
  try {
    await joining.join({ publish: speaks, microphone: { deviceId } });
  } catch (error) {
    return failed(RoomError.from(error));
  }
  entered(joining, token);
}

/**
 * @param {Room} joined
 * @param {string} token
 */
function entered(joined, token) {
  const name = joined.self?.room.name || id;
  setTitle(name);
  show("room");
  lobby.busy(false);
  invite.attach(id, token);
  settings.attach(joined);
  controls.show(joined);
  controls.measure(joined);
  byId("mute", HTMLButtonElement).focus();
  announce(`You are in ${name}.`);
  if ("mediaSession" in navigator) navigator.mediaSession.metadata = new MediaMetadata({ title: name, artist: "Stoa" });
}

/** @param {Room} wired */
function wire(wired) {
  const current = () => wired === room;
  wired.on("roster", (roster) => {
    if (current() && wired.self !== null) showRoster(wired, roster);
  });
  wired.on("levels", (levels) => {
    if (!current()) return;
    stage.meter(levels);
    controls.meter(levels.get(wired.self?.participant ?? "") ?? 0);
  });
  wired.on("muted", (muted) => {
    if (!current() || wired.state !== "connected") return;
    controls.show(wired);
    announce(muted ? "You are muted." : "You are unmuted.");
  });
  wired.on("state", ({ state, error }) => {
    if (current()) showState(wired, state, error);
  });
  wired.on("error", (error) => showBanner(error.message));
  wired.on("blocked", () => {
    blocked.hidden = false;
  });
}

/**
 * @param {Room} joined
 * @param {import("./options.js").Roster} roster
 */
function showRoster(joined, roster) {
  stage.show(roster, joined.self);
  const { length } = roster.stage;
  byId("counts", HTMLParagraphElement).textContent = `${length} on stage · ${roster.listeners.toLocaleString()} listening`;
}

/**
 * @param {Room} joined
 * @param {import("./options.js").State} state
 * @param {RoomError | null} error
 */
function showState(joined, state, error) {
  const wasIn = document.body.dataset["view"] === "room";
  if (state === "connected") {
    showBanner("");
    if (wasIn) controls.show(joined);
  } else if (state === "reconnecting") {
    showBanner(error?.kind === "draining" ? "This server is being replaced. Moving you to another…" : "Connection lost. Reconnecting…");
  } else if (state === "closed" && wasIn) {
    goodbye(error);
  }
}

/** @param {string} text empty: no banner */
function showBanner(text) {
  banner.textContent = text;
  banner.hidden = text === "";
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
  ["removed", { title: "You were removed", text: "A moderator took you out of this room.", again: false }],
  ["token", { title: "This link does not work", text: "It may have expired, or the server was started anew. Ask the host for a new one.", again: false }],
  ["forbidden", { title: "This link is not enough", text: "You need an invitation to this room. Ask the host for a link.", again: false }],
  ["unknown-room", { title: "There is no such room", text: "It may have ended, or the link may be incomplete.", again: false }],
  ["unsupported", { title: "This browser cannot join", text: "It has no WebRTC. A current Firefox, Chrome or Safari has.", again: false }],
]);

/** @param {RoomError | null} error null: the person left */
function goodbye(error) {
  room = null;
  stage.clear();
  controls.stop();
  settings.attach(null);
  invite.attach(id, null);
  lobby.busy(false);
  blocked.hidden = true;
  showBanner("");
  byId("counts", HTMLParagraphElement).textContent = "";
  const left = { title: "You have left", text: "The door stays open.", again: true };
  const lost = { title: "The connection is gone", text: error?.message ?? "", again: true };
  const farewell = error === null ? left : (FAREWELLS.get(error.kind) ?? lost);
  const title = byId("message-title", HTMLHeadingElement);
  title.textContent = farewell.title;
  byId("message-text", HTMLParagraphElement).textContent = farewell.text;
  byId("message-again", HTMLButtonElement).hidden = !farewell.again;
  show("message");
  title.focus();
}

async function toggleMute() {
  if (room === null) return;
  try {
    await (room.muted || !room.publishing ? room.unmute() : room.mute());
    showBanner("");
  } catch (error) {
    showBanner(RoomError.from(error).message);
  }
  if (room !== null) controls.show(room);
}

lobby.onjoin = (/** @type {import("./lobby.js").Choice} */ choice) => void join(choice);
controls.ontoggle = () => void toggleMute();
controls.onleave = () => void room?.leave();
controls.onmeasured = (/** @type {import("./statistics.js").Summary} */ summary) => settings.measured(summary);
stage.onmute = (/** @type {string} */ participant) => {
  room?.muteOther(participant).catch((error) => showBanner(error.message));
};
// A closed tab says goodbye; one that the browser keeps in memory may come back.
addEventListener("pagehide", (event) => {
  if (!event.persisted) void room?.leave();
});
blocked.addEventListener("click", () => {
  blocked.hidden = true;
  room?.resume();
});
byId("message-again", HTMLButtonElement).addEventListener("click", () => {
  show("lobby");
  byId("lobby-join", HTMLButtonElement).focus();
});
// A link pasted into the address bar of an open room changes only the fragment.
addEventListener("hashchange", () => location.reload());

lobby.fit(linkToken === null ? null : roleOf(linkToken));
setTitle(id);
readRoom(id, linkToken).then(({ name }) => name && setTitle(name), (error) => {
  if (error instanceof RoomError && error.kind === "unknown-room") goodbye(error);
});
if (remembered("name") === "") byId("lobby-name", HTMLInputElement).focus();
