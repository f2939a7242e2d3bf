// What a page has heard, sent and said, seen from outside of it.

import { pause } from "./chromium.mjs";

/** How long is listened to. */
const WATCH_MS = 2_500;

/** Remembers a page's connections and counts its words about them; for `addInitScript`. */
export function remember() {
  globalThis.connections = [];
  globalThis.sockets = [];
  globalThis.counted = { descriptions: 0, joins: 0, resumes: 0, sockets: 0 };
  globalThis.RTCPeerConnection = class extends globalThis.RTCPeerConnection {
    constructor(...wishes) {
      super(...wishes);
      globalThis.connections.push(this);
    }

    setRemoteDescription(...description) {
      globalThis.counted.descriptions += 1;
      return super.setRemoteDescription(...description);
    }
  };
  globalThis.WebSocket = class extends globalThis.WebSocket {
    constructor(...wishes) {
      super(...wishes);
      globalThis.counted.sockets += 1;
      globalThis.sockets.push(this);
    }

    send(text) {
      const { type } = JSON.parse(text);
      if (type === "join") globalThis.counted.joins += 1;
      if (type === "resume") globalThis.counted.resumes += 1;
      super.send(text);
    }
  };
}

/** @param {import("playwright-core").Page} page */
export function counted(page) {
  return page.evaluate(() => globalThis.counted);
}

/** Energy of all that a page has heard so far. @param {import("playwright-core").Page} page */
function energy(page) {
  return page.evaluate(async () => {
    let sum = 0;
    for (const connection of globalThis.connections) {
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === "inbound-rtp") sum += entry.totalAudioEnergy ?? 0;
      }
    }
    return sum;
  });
}

/** Energy heard while watching. @param {import("playwright-core").Page} page */
export async function heard(page) {
  const before = await energy(page);
  await pause(WATCH_MS);
  return (await energy(page)) - before;
}

/** Whether something is on the microphone's line. @param {import("playwright-core").Page} page */
export function isOnTheLine(page) {
  return page.evaluate(() => globalThis.connections.some((connection) => connection.getSenders().some(({ track }) => track !== null)));
}

/**
 * Writes down all that goes wrong on a page.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {string[]} problems
 */
export function complaints(page, name, problems) {
  page.on("pageerror", (error) => problems.push(`${name}: ${error}`));
  page.on("console", (message) => {
    // What fails to load is told below, with its reason.
    if (message.type() === "error" && !message.text().startsWith("Failed to load")) problems.push(`${name}: ${message.text()}`);
  });
  page.on("response", async (response) => {
    if (response.status() >= 400) problems.push(`${name}: ${response.request().method()} ${new URL(response.url()).pathname}: ${await response.text()}`);
  });
}
