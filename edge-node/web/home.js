// The home page: open a room, or join one that is open.

import { createRoom, listRooms, roomLink } from "./api.js";
import { byId, make } from "./dom.js";
import { RoomError } from "./problem.js";

/** How often the list is read anew while the page is looked at. */
const LIST_INTERVAL_MS = 5_000;
/** Rooms shown; a page is not a directory. */
const ROOMS_SHOWN_MAX = 50;

const form = byId("create", HTMLFormElement);
const name = byId("name", HTMLInputElement);
const problem = byId("problem", HTMLParagraphElement);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button !== null) button.disabled = true;
  problem.hidden = true;
  try {
    const created = await createRoom(name.value.trim() || "Room");
    location.assign(roomLink(created.room, created.tokens.host));
  } catch (error) {
    problem.textContent = sentence(error);
    problem.hidden = false;
    if (button !== null) button.disabled = false;
  }
});

/** @param {unknown} error */
function sentence(error) {
  if (!(error instanceof RoomError)) return "Something went wrong. Try again.";
  if (error.kind === "token" || error.kind === "forbidden") {
    return "On this server rooms are opened by its operator. Use the link that you were given.";
  }
  return error.message;
}

async function showRooms() {
  const rooms = (await listRooms()).slice(0, ROOMS_SHOWN_MAX);
  byId("open", HTMLElement).hidden = rooms.length === 0;
  byId("rooms", HTMLUListElement).replaceChildren(...rooms.map(row));
}

/** @param {import("./api.js").Listed} room */
function row(room) {
  const counts = [];
  if (room.stage !== undefined) counts.push(`${room.stage} on stage`);
  if (room.listeners !== undefined) counts.push(`${room.listeners.toLocaleString()} listening`);
  return make("li", {},
    make("a", { href: `/r/${encodeURIComponent(room.room)}` },
      make("span", { class: "room-name" }, room.name || room.room),
      make("span", { class: "room-counts" }, counts.join(" · ")),
      make("span", { class: "room-go", "aria-hidden": "true" }, "Join")));
}

void showRooms();
setInterval(() => {
  if (document.visibilityState === "visible") void showRooms();
}, LIST_INTERVAL_MS);
