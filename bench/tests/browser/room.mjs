// A room as a person meets it: a window, the lobby, the links, somebody's card, row and menu.

import { complaints, remember } from "./watch.mjs";

/**
 * A window of its own, like another person's.
 * @param {import("playwright-core").Browser} browser
 * @param {string} name whose
 * @param {string} url
 * @param {string[]} problems what goes wrong there is added
 */
export async function openWindow(browser, name, url, problems) {
  const context = await browser.newContext({ viewport: { width: 1_180, height: 760 } });
  await context.addInitScript(remember);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  complaints(page, name, problems);
  await page.goto(url);
  return page;
}

export async function enter(page, name) {
  await page.fill("#lobby-name", name);
  await page.click("#lobby-join");
  await page.waitForSelector("body[data-view=room]");
}

export async function links(page) {
  await page.click("#invite");
  const field = (id) => page.waitForFunction((id) => document.getElementById(id)?.value, id);
  const [listener, speaker] = await Promise.all(["invite-listener", "invite-speaker"].map(async (id) => (await field(id)).jsonValue()));
  await page.keyboard.press("Escape");
  return { listener, speaker };
}

export const card = (page, name) => page.locator("#stage .card", { hasText: name });
export const row = (page, name) => page.locator("#crowd .person", { hasText: name });

/** Opens somebody's menu and chooses. */
export async function choose(page, place, item) {
  await place.locator(".more").click();
  await page.locator("#menu").getByText(item, { exact: true }).click();
}

/** The same without a mouse. */
export async function chooseByKeys(page, place, item) {
  await place.locator(".more").focus();
  await page.keyboard.press("Enter");
  const names = await page.locator("#menu [role=menuitem]").allTextContents();
  for (let step = 0; step < names.indexOf(item); step++) await page.keyboard.press("ArrowDown");
  await page.locator("#menu").getByText(item, { exact: true }).and(page.locator(":focus")).waitFor();
  await page.keyboard.press("Enter");
}
