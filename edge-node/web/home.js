// The home page: open a room, or find one that is open.

import { createRoom, listRooms, roomLink } from "./api.js";
import { byId, make } from "./dom.js";
import { languageName, languagesOffered } from "./languages.js";
import { RoomError } from "./problem.js";
import { Rows } from "./rows.js";
import { sentence } from "./sentences.js";

/** How often the list is read anew while the page is looked at, drawn out at random so that many pages do not ask at once. */
const LIST_INTERVAL_MS = 6_000;
/** After a failure, and where the node does not tell: less and less often. */
const LIST_INTERVAL_MAX_MS = 60_000;
/** How long to wait for the next letter before searching. */
const TYPING_MS = 300;
/** Rooms of a page. */
const PAGE = 50;

const form = byId("create", HTMLFormElement);
const name = byId("name", HTMLInputElement);
const problem = byId("problem", HTMLParagraphElement);
const search = byId("search", HTMLInputElement);
const language = byId("language", HTMLSelectElement);
const found = byId("found", HTMLParagraphElement);
const more = byId("more", HTMLButtonElement);

/** @typedef {import("./api.js").Listed} Listed */

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = byId("open-room", HTMLButtonElement);
  button.disabled = true;
  problem.hidden = true;
  try {
    const created = await createRoom(wanted());
    location.assign(roomLink(created.room, created.tokens.host));
  } catch (error) {
    problem.textContent = refused(error);
    problem.hidden = false;
    button.disabled = false;
    button.focus();
  }
});

/** Only what differs from the usual is said, so that the node's own defaults count. */
function wanted() {
  const topic = byId("topic", HTMLInputElement).value.trim();
  const spoken = byId("spoken", HTMLSelectElement).value;
  const visibility = byId("visibility", HTMLSelectElement).value;
  const takesHands = byId("takes-hands", HTMLInputElement).checked;
  return {
    name: name.value.trim() || "Room",
    ...(topic ? { topic } : {}),
    ...(spoken ? { language: spoken } : {}),
    ...(visibility === "open" ? {} : { visibility }),
    ...(takesHands ? {} : { hands: false }),
  };
}

/** @param {unknown} error */
function refused(error) {
  if (error instanceof RoomError && (error.kind === "token" || error.kind === "forbidden")) {
    return "On this server rooms are opened by its operator. Use the link that you were given.";
  }
  return sentence(error);
}

/** @type {Rows<Listed>} */
const rows = new Rows(byId("rooms", HTMLUListElement), {
  key: ({ room }) => room,
  look: (room) => JSON.stringify([room.name, room.topic, room.language, room.stage, room.listeners]),
  draw: (room, row) => row.append(link(room)),
}, search);

/** @param {Listed} room */
function link(room) {
  const counts = [];
  if (room.stage !== undefined) counts.push(`${room.stage.toLocaleString()} on stage`);
  if (room.listeners !== undefined) counts.push(`${room.listeners.toLocaleString()} listening`);
  if (room.language) counts.push(languageName(room.language));
  // Without it two lines would be read out as one word.
  const comma = () => make("span", { class: "visually-hidden" }, ",\u00a0");
  const parts = [make("span", { class: "room-name" }, room.name || room.room, comma())];
  if (room.topic) parts.push(make("span", { class: "room-topic" }, room.topic, comma()));
  parts.push(make("span", { class: "room-counts" }, counts.join(" · ")), make("span", { "class": "room-go", "aria-hidden": "true" }, "Join"));
  return make("a", { "href": `/r/${encodeURIComponent(room.room)}`, "data-action": "join" }, ...parts);
}

/** Pages shown, from the first one on. */
let pages = 1;
let intervalMs = LIST_INTERVAL_MS;
/** Grows with each reading, so that a late answer does not overwrite a newer one. */
let reading = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let next;

async function showRooms() {
  clearTimeout(next);
  const own = ++reading;
  try {
    const { rooms, hasMore } = await read();
    if (own !== reading) return;
    intervalMs = LIST_INTERVAL_MS;
    show(rooms, hasMore);
  } catch {
    if (own !== reading) return;
    // A node that keeps its rooms to itself, or one that is away: what was shown stays.
    intervalMs = Math.min(LIST_INTERVAL_MAX_MS, intervalMs * 2);
  }
  next = setTimeout(again, intervalMs * (1 + Math.random() / 4));
}

function again() {
  if (document.visibilityState === "visible") void showRooms();
  else next = setTimeout(again, LIST_INTERVAL_MS);
}

async function read() {
  const text = search.value.trim();
  /** @type {Listed[]} */
  const rooms = [];
  let after = "";
  for (let page = 0; page < pages; page++) {
    const answer = await listRooms({ search: text, language: language.value, after, limit: PAGE });
    rooms.push(...answer.rooms);
    after = answer.next;
    if (after === "") break;
  }
  // A server may not know how to search; then it is done here.
  const fits = (/** @type {Listed} */ room) => `${room.name} ${room.topic ?? ""} ${room.room}`.toLowerCase().includes(text.toLowerCase())
    && (language.value === "" || (room.language ?? "").split("-")[0] === language.value);
  return { rooms: rooms.filter(fits), hasMore: after !== "" };
}

/**
 * @param {Listed[]} rooms
 * @param {boolean} hasMore
 */
function show(rooms, hasMore) {
  const sought = search.value.trim() !== "" || language.value !== "";
  if (rooms.length > 0 || sought) byId("open", HTMLElement).hidden = false;
  rows.show(rooms);
  more.hidden = !hasMore;
  const text = rooms.length === 0 ? (sought ? "No open room fits." : "No room is open right now.")
    : `${rooms.length.toLocaleString()}${hasMore ? " or more" : ""} ${rooms.length === 1 ? "room" : "rooms"}${sought ? " found" : ""}`;
  // A live region that is set to what it says already would be read out again.
  if (found.textContent !== text) found.textContent = text;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    pages = 1;
    void showRooms();
  }, TYPING_MS);
});
byId("find", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  void showRooms();
});
language.addEventListener("change", () => {
  pages = 1;
  void showRooms();
});
more.addEventListener("click", () => {
  pages += 1;
  void showRooms();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void showRooms());

const offered = () => languagesOffered().map((code) => make("option", { value: code }, languageName(code)));
language.append(...offered());
byId("spoken", HTMLSelectElement).append(...offered());
void showRooms();
