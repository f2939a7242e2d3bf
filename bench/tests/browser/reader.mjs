// A person who does not see uses the pages: by keyboard alone, with Orca, in a real browser window.
//
// Takes {origin, speech}. Tells what was said at each step; or `notRun`, why it could not be tried.

import { fileURLToPath } from "node:url";

import { launch, tell, wishes } from "./chromium.mjs";
import { Desktop, inSession, missing } from "./reader/desktop.mjs";
import { card, choose, enter, links, openWindow, row } from "./room.mjs";

const wish = wishes();
/** Tabs to the end of a page; more are a trap. */
const TABS_MAX = 40;

/** @type {string[]} */
const problems = [];
/** @type {Record<string, string[]>} */
const said = {};

/** What has the focus is called. */
const focused = (page) => page.evaluate(() => {
  const at = document.activeElement;
  return at?.getAttribute("aria-label") || at?.labels?.[0]?.textContent || at?.textContent || "";
});

class Walk {
  constructor(desktop, page) {
    this.desktop = desktop;
    this.page = page;
  }

  /** Does something, waits for the words, and notes all that is said. */
  async step(name, deed, phrase) {
    await deed();
    await this.desktop.until(phrase);
    said[name] = await this.desktop.told();
  }

  /** Goes where the address bar says, as people do: the focus then is in the page. */
  async visit(url) {
    await this.desktop.press("ctrl+l");
    await this.desktop.told();
    await this.desktop.type(url);
    await this.desktop.told();
    await this.desktop.press("Return");
  }

  /** Tabs to what is called so, and listens to what is said there only. */
  async tabTo(name, label) {
    for (let tab = 0; tab < TABS_MAX; tab++) {
      const before = await this.page.evaluateHandle(() => document.activeElement);
      this.desktop.forget();
      await this.desktop.press("Tab");
      await this.page.waitForFunction((before) => document.activeElement !== before, before);
      if ((await focused(this.page)).includes(label)) return this.step(name, () => {}, label);
    }
    throw new Error(`No Tab leads to ${label}.`);
  }
}

async function hosts(walk, others) {
  const { desktop, page } = walk;
  await walk.step("home", () => walk.visit(wish.origin), /Stoa|room/);
  await walk.step("name field", () => desktop.press("Tab"), "What will you talk about");
  await desktop.type("Evening at the agora");
  await walk.tabTo("open", "Open a room");
  await walk.step("lobby", () => desktop.press("Return"), /Your name|Finished loading/);
  await desktop.type("Ada");
  await walk.tabTo("join", "Join and speak");
  await walk.step("entered", () => desktop.press("Return"), "You are in");
  await walk.step("mute", () => desktop.press("Return"), "muted");
  await walk.step("unmute", () => desktop.press("Return"), "unmuted");
  await walk.tabTo("settings button", "Settings");
  await walk.step("settings", () => desktop.press("Return"), "Settings");
  await walk.step("settings closed", () => desktop.press("Escape"), "Settings");
  const { listener } = await links(page);
  await desktop.told();
  const boris = await openWindow(others, "Boris", listener, problems);
  await enter(boris, "Boris");
  await walk.step("hand up", () => boris.click("#hand"), "Boris has raised a hand");
  await walk.tabTo("people button", "People");
  await walk.step("people", () => desktop.press("Return"), "People");
  await walk.tabTo("accept", "Accept Boris");
  await walk.step("accepted", () => desktop.press("Return"), "Boris comes to the stage");
  await walk.tabTo("more", "More about Boris");
  await walk.step("menu", () => desktop.press("Return"), "Boris menu");
  await walk.step("menu down", () => desktop.press("Down"), /Move to the audience|Make a moderator/);
  await walk.step("remove", () => desktop.press("r"), "Remove from the room");
  await walk.step("question", () => desktop.press("Return"), "Remove Boris?");
  await desktop.press("Escape");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "More about Boris");
  said.no = await desktop.told();
  await walk.step("reaction", () => boris.click("#react").then(() => boris.getByRole("button", { name: "applause" }).click()), "applause");
  await walk.step("people closed", () => desktop.press("Escape"), "People");
  await walk.tabTo("leave", "Leave");
  await walk.step("left", () => desktop.press("Return"), "You have left");
}

/** In somebody else's room: found in the list, heard from the audience, asked to the stage. */
async function listens(walk, others) {
  const { desktop, page } = walk;
  const cleo = await openWindow(others, "Cleo", wish.origin, problems);
  await cleo.fill("#name", "Forum");
  await cleo.click("#open-room");
  await cleo.waitForURL("**/r/**");
  await enter(cleo, "Cleo");
  await walk.step("list", () => walk.visit(wish.origin), /Stoa|room/);
  await walk.tabTo("room", "Forum");
  await walk.step("lobby again", () => desktop.press("Return"), /Ada|Finished loading/);
  await walk.tabTo("part", "To speak");
  // Orca's own key for the next radio button.
  await walk.step("other part", () => desktop.press("r"), "To listen");
  await desktop.press("space");
  await page.waitForSelector("#lobby-microphone[hidden]", { state: "attached" });
  await walk.tabTo("join again", "Join and listen");
  await walk.step("in the audience", () => desktop.press("Return"), "You are in");
  await walk.step("hand", () => desktop.press("Return"), "Your hand is up");
  await cleo.click("#people-button");
  await walk.step("on the stage", () => cleo.getByRole("button", { name: "Accept Ada" }).click(), "You are on the stage");
  await walk.step("speaks", () => desktop.press("Return"), "You are unmuted");
  await choose(cleo, card(cleo, "Ada"), "Mute");
  await desktop.until("A moderator muted you");
  said["muted by another"] = await desktop.told();
  await walk.step("asked out", async () => {
    await choose(cleo, row(cleo, "Ada"), "Remove from the room…");
    await cleo.click("#question-yes");
  }, "You were removed");
  said.end = [await focused(page)];
}

const script = fileURLToPath(import.meta.url);
const lacking = missing();
if (lacking.length > 0) tell({ notRun: `${lacking.join(", ")} cannot be found` });
else if (inSession(script)) {
  const desktop = new Desktop();
  // The reader must not hear of what the others do in their own browser.
  const others = await launch({ speech: wish.speech, env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: "disabled:" } });
  try {
    await desktop.start();
    const own = await launch({ speech: wish.speech, windowed: true, env: desktop.env });
    const context = await own.newContext({ viewport: null });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const walk = new Walk(desktop, page);
    await hosts(walk, others);
    await listens(walk, others);
    tell({ said, problems });
    await own.close();
  } catch (error) {
    throw new Error(`${error.stack}\nso far: ${JSON.stringify({ said, problems }, null, 1)}`);
  } finally {
    await others.close();
    await desktop.stop();
  }
}
