// An owner at work, by the keyboard: settings, a ban, a block from all rooms, both taken back, the end of the room.
// What each of it looks like to those who are there, who knock, and who look at the list.
//
// Takes {origin, speech, folder, rooms: [{host, guest}, {host, guest}]}: links to two rooms for the same two people.
// Tells what was seen at each step, and puts pictures into the folder.

import { join as path } from "node:path";

import { launch, tell, wishes } from "./chromium.mjs";
import { card, chooseByKeys, enter, links, openWindow as open, row } from "./room.mjs";

const wish = wishes();
const SMALL = { width: 360, height: 740 };
const USUAL = { width: 1_180, height: 760 };

/** @type {string[]} */
const problems = [];
const result = { problems };
const openWindow = (browser, name, url) => open(browser, name, url, problems);

async function picture(page, name) {
  await page.screenshot({ path: path(wish.folder, `moderation-${name}.png`) });
}

/** The same as a small phone shows it. */
async function smallPicture(page, name) {
  await page.setViewportSize(SMALL);
  await picture(page, `${name}-small`);
  result[`${name}Width`] = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.setViewportSize(USUAL);
}

/** What a page says at the end, in two sentences. */
async function farewell(page) {
  await page.waitForSelector("body[data-view=message]");
  return `${await page.textContent("#message-title")}: ${await page.textContent("#message-text")}`;
}

async function knock(page, name) {
  await page.reload();
  await page.fill("#lobby-name", name);
  await page.click("#lobby-join");
  return farewell(page);
}

/** Fills the owner's form without a mouse. */
async function change(page, fill) {
  await page.locator("#edit").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("edit-name").value !== "");
  await fill();
  await page.locator("#edit-name").press("Enter");
  await page.waitForFunction(() => !document.getElementById("edit-dialog").open);
}

/** The rooms that the first page lists, as it puts them. */
async function listed(page) {
  await page.reload();
  await page.locator("#rooms li, #open[hidden]").first().waitFor({ state: "attached" });
  await page.waitForLoadState("networkidle");
  return page.locator("#rooms a").allTextContents();
}

const kept = (page, name) => page.locator("#kept-list .person", { hasText: name });

async function letIn(page, name) {
  await kept(page, name).getByRole("button").focus();
  await page.keyboard.press("Enter");
  await kept(page, name).waitFor({ state: "detached" });
}

async function settings(ada, boris, home) {
  result.listedBefore = await listed(home);
  await change(ada, async () => {
    await ada.fill("#edit-name", "Night at the agora");
    await ada.fill("#edit-topic", "What courage is");
    await ada.selectOption("#edit-language", "el");
    await ada.selectOption("#edit-visibility", "unlisted");
    await ada.locator("#edit-hands").press("Space");
    await ada.locator("#edit-muted").press("Space");
    await picture(ada, "settings");
    await smallPicture(ada, "settings");
  });
  await boris.locator("#title", { hasText: "Night at the agora" }).waitFor();
  await boris.locator("#topic", { hasText: "What courage is" }).waitFor();
  result.listedUnlisted = await listed(home);
  await boris.locator("#hand").press("Enter");
  result.handRefused = await boris.locator("#notice[data-shown]").textContent();
  await picture(boris, "hand-refused");
  await change(ada, () => ada.selectOption("#edit-visibility", "open"));
  result.listedAgain = await listed(home);
  await picture(home, "listed");
}

async function ban(ada, cleo) {
  await ada.keyboard.press("p");
  await chooseByKeys(ada, row(ada, "Cleo"), "Ban from the room…");
  await ada.waitForSelector("#question-dialog[open]");
  await ada.keyboard.type("Shouts");
  await picture(ada, "ban");
  await ada.keyboard.press("Enter");
  result.banned = await farewell(cleo);
  result.focusAfterBan = await ada.evaluate(() => document.activeElement?.tagName);
  await picture(cleo, "banned");
  result.bannedKnocks = await knock(cleo, "Cleo");
  await kept(ada, "Cleo").waitFor();
  result.kept = await kept(ada, "Cleo").locator(".note").textContent();
  await picture(ada, "kept");
  await letIn(ada, "Cleo");
  result.unbanned = await ada.locator("#notice[data-shown]").textContent();
  result.focusAfterLetIn = await ada.evaluate(() => document.activeElement?.tagName);
  await cleo.reload();
  await enter(cleo, "Cleo");
  await card(ada, "Cleo").waitFor();
  result.comesMuted = await cleo.evaluate(() => document.getElementById("mute")?.hasAttribute("data-muted"));
}

async function block(browser, ada, boris) {
  const [, other] = wish.rooms;
  const there = await openWindow(browser, "Ada there", other.host);
  await enter(there, "Ada");
  await chooseByKeys(ada, row(ada, "Boris"), "Block from all your rooms…");
  await ada.waitForSelector("#question-dialog[open]");
  // The first button of a grave question is the harmless one.
  await picture(ada, "block");
  await ada.keyboard.press("Tab");
  await ada.keyboard.press("Enter");
  result.blocked = await farewell(boris);
  await picture(boris, "blocked");
  result.blockedKnocks = await knock(boris, "Boris");
  await picture(boris, "blocked-knocks");
  await smallPicture(boris, "blocked");
  const elsewhere = await openWindow(browser, "Boris there", other.guest);
  await elsewhere.fill("#lobby-name", "Boris");
  await elsewhere.click("#lobby-join");
  result.blockedElsewhere = await farewell(elsewhere);
  await kept(ada, "Boris").waitFor();
  result.keptFromAll = await kept(ada, "Boris").locator(".note").textContent();
  await picture(ada, "kept-from-all");
  await smallPicture(ada, "kept-from-all");
  await letIn(ada, "Boris");
  await Promise.all([[boris, ada], [elsewhere, there]].map(async ([guest, host]) => {
    await guest.locator("#message-again").press("Enter");
    await enter(guest, "Boris");
    await host.locator("#counts", { hasText: "1 listening" }).waitFor();
  }));
  result.unblocked = true;
}

async function end(ada, others, home) {
  await ada.keyboard.press("Escape");
  await ada.locator("#edit").focus();
  await ada.keyboard.press("Enter");
  await ada.locator("#edit-end").focus();
  await ada.keyboard.press("Enter");
  await ada.waitForSelector("#question-dialog[open]");
  await picture(ada, "end");
  await ada.keyboard.press("Tab");
  await ada.keyboard.press("Enter");
  result.ended = await Promise.all([ada, ...others].map(farewell));
  await picture(others[0], "ended");
  result.listedAfter = await listed(home);
  await others[0].reload();
  result.endedKnocks = await farewell(others[0]);
  await picture(others[0], "ended-knocks");
}

const browser = await launch({ speech: wish.speech });
try {
  const [here] = wish.rooms;
  const ada = await openWindow(browser, "Ada", here.host);
  await enter(ada, "Ada");
  const boris = await openWindow(browser, "Boris", here.guest);
  await enter(boris, "Boris");
  const { speaker } = await links(ada);
  const cleo = await openWindow(browser, "Cleo", speaker);
  await enter(cleo, "Cleo");
  const home = await openWindow(browser, "Home", wish.origin);
  await settings(ada, boris, home);
  await ban(ada, cleo);
  await block(browser, ada, boris);
  await end(ada, [boris, cleo], home);
  tell(result);
} catch (error) {
  const pages = browser.contexts().flatMap((context) => context.pages());
  await Promise.all(pages.map((page, index) => picture(page, `failed-${index}`)));
  throw new Error(`${error.stack}\nso far: ${JSON.stringify(result)}`);
} finally {
  await browser.close();
}
