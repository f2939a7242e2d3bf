// One Chromium speaks a file into one edge, another records what is heard at another edge.
//
// Takes {speech, seconds, speaker: {origin, path, token}, listener: {origin, path, token}, recording};
// tells what the listening Chromium counted.

import { readFile, writeFile } from "node:fs/promises";

import { launch, pause, tell, wishes } from "./chromium.mjs";
import { wave } from "./wave.mjs";

/** Between the listener's first moment and the speaker's: the recording begins before the speech. */
const LEAD_MS = 500;

/** A page of the edge's own origin that holds nothing but our script. */
async function open(browser, origin) {
  const page = await (await browser.newContext()).newPage();
  const file = async (name) => readFile(new URL(name, import.meta.url), "utf8");
  const files = new Map([
    ["/test/", { contentType: "text/html", body: "<!doctype html><script src='/test/client.js'></script>" }],
    ["/test/client.js", { contentType: "text/javascript", body: await file("client.js") }],
    ["/test/recorder.js", { contentType: "text/javascript", body: await file("recorder.js") }],
  ]);
  await page.route(`${origin}/test/**`, (route) => route.fulfill(files.get(new URL(route.request().url()).pathname)));
  page.on("console", (message) => process.stderr.write(`${message.text()}\n`));
  await page.goto(`${origin}/test/`);
  return page;
}

const wish = wishes();
const [speaking, listening] = await Promise.all([launch({ speech: wish.speech, once: true }), launch()]);
try {
  const listener = await open(listening, wish.listener.origin);
  const speaker = await open(speaking, wish.speaker.origin);
  await listener.evaluate(({ path, token }) => listen(path, token), wish.listener);
  await pause(LEAD_MS);
  await speaker.evaluate(({ path, token }) => speak(path, token), wish.speaker);
  await pause(wish.seconds * 1_000);
  const samples = Buffer.from(await listener.evaluate(() => recorded()), "base64");
  await writeFile(wish.recording, wave(samples));
  tell(await listener.evaluate(() => received()));
} finally {
  await Promise.all([speaking.close(), listening.close()]);
}
