// A full stage and an audience of thousands, on one page; and both pages as a machine that knows about accessibility
// sees them. The room is a double: only the page is looked at.
//
// Takes {origin, folder}: an edge for its files, and where pictures go. Tells what was counted.

import { createRequire } from "node:module";
import { join } from "node:path";

import { launch, pause, tell, wishes } from "./chromium.mjs";
import { Double, person } from "./double.mjs";

const wish = wishes();
const axe = createRequire(join(process.env.STOA_BROWSER_MODULES ?? ".", "package.json")).resolve("axe-core/axe.min.js");

/** The largest stage, and more listeners than anybody would draw. */
const STAGE = 100;
const AUDIENCE = 5_000;
/** How long the room changes, and how often: as fast as the protocol allows. */
const CHANGES = 20;
const CHANGE_EVERY_MS = 200;

/** Counts what moved by itself and what held the page up; for `addInitScript`. */
function watch() {
  globalThis.watched = { shift: 0, longest: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.watched.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) globalThis.watched.longest = Math.max(globalThis.watched.longest, duration);
  }).observe({ type: "longtask" });
}

/** @type {string[]} */
const problems = [];

async function open(browser, double, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1_180, height: 760 }, bypassCSP: true, ...options });
  const page = await context.newPage();
  await page.addInitScript(watch);
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await double.serve(page);
  return page;
}

async function enter(page) {
  await page.goto(`${wish.origin}/r/r_agora`);
  await page.fill("#lobby-name", "Me");
  await page.click("#lobby-join");
  await page.waitForSelector("body[data-view=room]");
}

/** What axe finds, however grave. */
async function violations(page, where) {
  // Things on their way in are half transparent; they are looked at when they stand.
  await pause(500);
  await page.addScriptTag({ path: axe });
  const { violations: found } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  return found.map(({ id, impact, nodes }) => `${where}: ${impact}: ${id}: ${nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ""}`).join(" | ")}`);
}

function crowd(role) {
  const double = new Double();
  double.own.role = role;
  double.stage = Array.from({ length: STAGE - 1 }, (_, index) => person(index, index === 0 ? "moderator" : "speaker"));
  double.audience = Array.from({ length: AUDIENCE }, (_, index) => ({ ...person(STAGE + index), hand: index < 50 }));
  double.hands = double.audience.slice(0, 50).map(({ participant, name }) => ({ participant, name, raised_ms: Date.now(), invited: false }));
  return double;
}

/** The room changes: people mute, come and go, raise and lower hands; the focus stays on a button in the queue. */
async function changing(page, double) {
  await page.click("#people-button");
  await page.waitForFunction(() => document.querySelectorAll("#crowd li").length === 50);
  await page.focus("#hands li:nth-child(3) button[data-action=accept]");
  await pause(600);
  await page.evaluate(() => Object.assign(globalThis.watched, { shift: 0, longest: 0 }));
  const kept = await page.evaluate(() => document.querySelector("#stage li:nth-child(50)").dataset.key);
  for (let change = 0; change < CHANGES; change++) {
    const [first, ...others] = double.stage.slice(60);
    double.stage = [...double.stage.slice(0, 60), ...others, { ...first, muted: !first.muted }];
    double.audience = double.audience.slice(0, -1);
    double.hands = [...double.hands.slice(0, 2), ...double.hands.slice(3)];
    double.tellAll();
    await pause(CHANGE_EVERY_MS);
  }
  return page.evaluate((key) => ({
    ...globalThis.watched,
    elements: document.querySelectorAll("*").length,
    cards: document.querySelectorAll("#stage li").length,
    cardsKept: document.querySelector(`#stage li[data-key="${key}"]`) !== null,
    focus: document.activeElement?.closest("#hands") !== null ? document.activeElement.dataset.action : document.activeElement?.outerHTML,
  }), kept);
}

const browser = await launch();
try {
  const result = { problems, violations: [] };
  const host = crowd("host");
  const page = await open(browser, host);
  await page.goto(`${wish.origin}/r/r_agora`);
  result.violations.push(...await violations(page, "lobby"));
  await enter(page);
  result.changing = await changing(page, host);
  result.violations.push(...await violations(page, "a full room"));
  await page.screenshot({ path: join(wish.folder, "crowd.png") });
  await page.click("#stage li:nth-child(2) .more");
  result.menu = await page.evaluate(() => document.activeElement?.textContent);
  await page.keyboard.press("Escape");
  result.afterMenu = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  for (const [dialog, button] of [["settings", "#settings"], ["invite", "#invite"], ["edit", "#edit"]]) {
    await page.click(button);
    await page.waitForSelector(`#${dialog}-dialog[open]`);
    result.violations.push(...await violations(page, `the dialog ${dialog}`));
    await page.keyboard.press("Escape");
  }

  const listener = new Double();
  listener.own.role = "listener";
  listener.stage = [person(0, "host"), person(1, "speaker")];
  listener.audience = [person(7)];
  const phone = await open(browser, listener, { viewport: { width: 360, height: 640 }, colorScheme: "dark", reducedMotion: "reduce" });
  await enter(phone);
  listener.stand({ invited: true });
  await phone.waitForSelector("#invited-dialog[open]");
  result.violations.push(...await violations(phone, "an invitation in the dark"));
  await phone.keyboard.press("Escape");
  await phone.waitForSelector("#invited-dialog:not([open])", { state: "attached" });
  result.refused = listener.said.some(({ type, action }) => type === "stage" && action === "refuse");
  listener.stand({ invited: false });
  listener.say({ type: "reactions", reactions: { "👏": 1_000 } });
  await phone.waitForSelector("#sky .standing");
  result.violations.push(...await violations(phone, "a listener's room in the dark"));
  result.width = await phone.evaluate(() => document.documentElement.scrollWidth);
  await phone.screenshot({ path: join(wish.folder, "phone.png") });

  await phone.route("**/v1/rooms?*", (route) => route.fulfill({ json: { rooms: Array.from({ length: 50 }, (_, index) => ({ room: `r_${index}`, name: `Room ${index}`, topic: "A topic", language: "el", stage: 3, listeners: index })), next: "r_50" } }));
  await phone.goto(wish.origin);
  await phone.waitForFunction(() => document.querySelectorAll("#rooms li").length === 50);
  result.violations.push(...await violations(phone, "the list of rooms in the dark"));
  result.homeWidth = await phone.evaluate(() => document.documentElement.scrollWidth);
  tell(result);
} finally {
  await browser.close();
}
