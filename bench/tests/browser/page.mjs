// A person opens a room on the page and speaks; another hears in another tab; mute, unmute, leave.
//
// Takes {origin, speech, screenshot}; tells what was seen and heard at each step.

import { launch, pause, tell, wishes } from "./chromium.mjs";
import { complaints, heard, remember } from "./watch.mjs";

const wish = wishes();
const WATCH_MS = 2_500;
/** What is on the way and in the jitter buffer when somebody mutes has passed after this. */
const SETTLE_MS = 1_500;

/** The range over which the meter of the first card moves while watching. */
function meter(page) {
  return page.evaluate(async (lasts) => {
    const levels = [];
    const end = performance.now() + lasts;
    while (performance.now() < end) {
      const card = document.querySelector("#stage .card");
      levels.push(Number(card?.style.getPropertyValue("--level") ?? 0));
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    return { least: Math.min(...levels), most: Math.max(...levels) };
  }, WATCH_MS);
}

async function tab(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1_180, height: 760 } });
  await context.addInitScript(remember);
  const page = await context.newPage();
  complaints(page, "page", problems);
  await page.goto(url);
  return page;
}

async function join(page, name) {
  await page.fill("#lobby-name", name);
  await page.click("#lobby-join");
  await page.waitForSelector("body[data-view=room]", { timeout: 15_000 });
}

async function invited(page) {
  await page.click("#invite");
  const field = (id) => page.waitForFunction((id) => document.getElementById(id)?.value, id);
  const links = [await field("invite-listener"), await field("invite-speaker")];
  const [listener, speaker] = await Promise.all(links.map((link) => link.jsonValue()));
  await page.keyboard.press("Escape");
  return { listener, speaker };
}

/** @type {string[]} */
const problems = [];
const result = { problems };
const browser = await launch({ speech: wish.speech });
try {
  const host = await tab(browser, wish.origin);
  await host.fill("#name", "Evening at the agora");
  await host.click("#open-room");
  await host.waitForURL("**/r/**");
  await join(host, "Ada");
  result.title = await host.textContent("#title");
  const links = await invited(host);

  const listener = await tab(browser, links.listener);
  await join(listener, "Boris");
  await listener.waitForSelector("#stage .card");
  result.onStage = await listener.textContent("#stage .card .name");
  await pause(SETTLE_MS);
  result.heard = await heard(listener);
  result.meter = await meter(listener);
  result.ownMeter = await meter(host);

  await host.click("#mute");
  await listener.waitForSelector("#stage .card[data-muted]");
  await pause(SETTLE_MS);
  result.heardMuted = await heard(listener);
  result.meterMuted = await meter(listener);

  await host.click("#mute");
  await listener.waitForSelector("#stage .card:not([data-muted])");
  await pause(SETTLE_MS);
  result.heardAgain = await heard(listener);

  const second = await tab(browser, links.speaker);
  await join(second, "Cleo");
  await host.waitForFunction(() => document.querySelectorAll("#stage .card").length === 2);
  await host.waitForSelector("#stage .card[data-speaking]");
  if (wish.screenshot) await host.screenshot({ path: wish.screenshot });

  await second.click("#leave");
  await listener.waitForFunction(() => document.querySelectorAll("#stage .card").length === 1);
  await host.click("#leave");
  await host.waitForSelector("body[data-view=message]");
  await listener.waitForFunction(() => document.querySelectorAll("#stage .card").length === 0);
  result.left = true;
  tell(result);
} finally {
  await browser.close();
}
