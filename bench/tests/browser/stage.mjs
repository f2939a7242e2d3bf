// Five people in one room, each in a browser window of his own: hands, the queue, the stage, mutes, removal, another host.
//
// Takes {origin, speech, folder}; tells what was seen and heard at each step, and puts pictures into the folder.

import { join as path } from "node:path";

import { launch, pause, tell, wishes } from "./chromium.mjs";
import { card, choose, enter, links, openWindow as open, row } from "./room.mjs";
import { counted, heard, isOnTheLine } from "./watch.mjs";

const wish = wishes();
/** What is on the way and in the jitter buffer when somebody mutes has passed after this. */
const SETTLE_MS = 1_500;
/** How a WebSocket ends that nobody has ended: any code but that of a goodbye. */
const CUT = 4_999;
/** The page takes no key for an unmute at once after one has come to the stage. */
const RISEN_MS = 800;

/** @type {string[]} */
const problems = [];
const result = { problems };
const openWindow = (browser, name, url) => open(browser, name, url, problems);

async function picture(page, name) {
  await page.screenshot({ path: path(wish.folder, `stage-${name}.png`) });
}

const browser = await launch({ speech: wish.speech });
try {
  const ada = await openWindow(browser, "Ada", wish.origin);
  await ada.fill("#name", "Evening at the agora");
  await ada.click("#open-room");
  await ada.waitForURL("**/r/**");
  await enter(ada, "Ada");
  const { listener, speaker } = await links(ada);
  const boris = await openWindow(browser, "Boris", speaker);
  await enter(boris, "Boris");
  const [cleo, dion, eos] = await Promise.all(["Cleo", "Dion", "Eos"].map((name) => openWindow(browser, name, listener)));
  await enter(cleo, "Cleo");
  await enter(dion, "Dion");
  await enter(eos, "Eos");
  await ada.click("#mute");
  await boris.click("#mute");
  await ada.locator("#counts", { hasText: "2 on stage · 3 listening" }).waitFor();
  await pause(SETTLE_MS);
  result.quiet = await heard(dion);

  result.handFocused = await cleo.evaluate(() => document.activeElement?.id);
  await cleo.keyboard.press("Enter");
  await cleo.waitForSelector("#hand[data-up]");
  await picture(cleo, "hand");
  await ada.keyboard.press("p");
  await ada.locator("#hands .person", { hasText: "Cleo" }).waitFor();
  await picture(ada, "queue");
  const accept = ada.getByRole("button", { name: "Accept Cleo" });
  await accept.focus();
  await ada.keyboard.press("Enter");
  await cleo.waitForSelector("#mute:not([hidden])");
  result.muteFocused = await cleo.evaluate(() => document.activeElement?.id);
  result.comesMuted = await cleo.evaluate(() => document.getElementById("mute")?.hasAttribute("data-muted"));
  await pause(RISEN_MS);
  await cleo.keyboard.press("Enter");
  await cleo.waitForSelector("#mute:not([data-muted])");
  await pause(SETTLE_MS);
  result.heard = await heard(dion);
  await picture(dion, "heard");
  await picture(cleo, "speaks");

  await cleo.evaluate((code) => globalThis.sockets.at(-1).close(code), CUT);
  result.heardWhileCut = await heard(dion);
  await cleo.waitForFunction(() => globalThis.counted.resumes === 1 && document.getElementById("banner").hidden);

  await choose(ada, card(ada, "Cleo"), "Mute");
  await cleo.waitForSelector("#mute[data-muted]");
  await pause(SETTLE_MS);
  result.heardMuted = await heard(dion);
  await picture(cleo, "muted");

  await choose(ada, card(ada, "Cleo"), "Move to the audience");
  await cleo.waitForSelector("#hand:not([hidden])");
  await dion.waitForFunction(() => document.querySelectorAll("#stage .card").length === 2);
  await cleo.waitForFunction(() => globalThis.connections.every((connection) => connection.getSenders().every(({ track }) => track === null)));
  result.offTheLine = !(await isOnTheLine(cleo));

  await row(ada, "Eos").waitFor();
  await choose(ada, row(ada, "Eos"), "Remove from the room…");
  await ada.fill("#question-reason", "Asked to");
  await picture(ada, "question");
  await ada.keyboard.press("Enter");
  await eos.waitForSelector("body[data-view=message]");
  result.removed = await eos.textContent("#message-title");
  await picture(eos, "removed");

  await choose(ada, row(ada, "Dion"), "Invite to the stage");
  await dion.waitForSelector("#invited-dialog[open]");
  await picture(dion, "invited");
  await dion.keyboard.press("Enter");
  await card(ada, "Dion").waitFor();
  await boris.click("#react");
  await boris.getByRole("button", { name: "applause" }).click();
  await dion.locator("#sky .floating").first().waitFor({ state: "attached" });
  result.applause = true;

  await choose(ada, card(ada, "Boris"), "Hand over as host…");
  await ada.click("#question-yes");
  await card(boris, "You · Host").waitFor();
  // Each window is told by itself.
  await card(ada, "You · Moderator").waitFor();
  result.former = await card(ada, "Ada").locator(".note").textContent();
  await boris.waitForSelector("#edit:not([hidden])");
  await picture(boris, "host");
  result.counted = Object.fromEntries(await Promise.all(Object.entries({ ada, boris, cleo, dion }).map(async ([name, page]) => [name, await counted(page)])));
  tell(result);
} catch (error) {
  const pages = browser.contexts().flatMap((context) => context.pages());
  await Promise.all(pages.map((page, index) => picture(page, `failed-${index}`)));
  throw new Error(`${error}\nso far: ${JSON.stringify(result)}`);
} finally {
  await browser.close();
}
