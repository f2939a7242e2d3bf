// Starts the system's Chromium with a microphone that plays a file.
//
// playwright-core lies outside the source tree; STOA_BROWSER_MODULES names the folder with its node_modules.

import { createRequire } from "node:module";
import { join } from "node:path";

const modules = process.env.STOA_BROWSER_MODULES ?? ".";
const { chromium } = createRequire(join(modules, "package.json"))("playwright-core");

/** The browser to drive; another one can be named. */
const EXECUTABLE = process.env.STOA_CHROMIUM ?? "/usr/bin/chromium";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Pages that nobody sees must keep their timers and their audio.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
];

/**
 * @param {object} [wishes]
 * @param {string} [wishes.speech] a WAVE file for the microphone, played again and again
 * @param {boolean} [wishes.once] not again and again
 * @param {boolean} [wishes.windowed] with windows on a desktop, for a screen reader to see
 * @param {NodeJS.ProcessEnv} [wishes.env] of that desktop
 * @returns {Promise<import("playwright-core").Browser>}
 */
export function launch({ speech, once = false, windowed = false, env = process.env } = {}) {
  const file = speech === undefined ? [] : [`--use-file-for-fake-audio-capture=${speech}${once ? "%noloop" : ""}`];
  const shown = windowed ? ["--force-renderer-accessibility"] : [];
  return chromium.launch({ executablePath: EXECUTABLE, headless: !windowed, args: [...FLAGS, ...file, ...shown], env });
}

/** Arguments of a script: one JSON object. */
export function wishes() {
  return JSON.parse(process.argv[2] ?? "{}");
}

/** The result of a script: one JSON object on standard output. @param {object} result */
export function tell(result) {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
