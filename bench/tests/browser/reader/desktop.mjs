// A desktop that nobody sees, with a screen reader on it: Xvfb, a window manager and Orca, whose words are written down.

import { spawn, spawnSync } from "node:child_process";
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { pause } from "../chromium.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const NEEDED = ["Xvfb", "openbox", "orca", "xdotool", "dbus-run-session"];
/** How long anything that has to happen may take. */
const PATIENCE_MS = 15_000;
/** A reader that has been silent for so long has said what it had to say. */
const QUIET_MS = 500;
const LOOK_MS = 50;

/** What is missing on this machine; empty: nothing. */
export function missing() {
  return NEEDED.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
}

/** The accessibility bus is one of the session: runs a script again with a session of its own, and ends as it does. */
export function inSession(script) {
  if (process.env.STOA_READER_SESSION) return true;
  const env = { ...process.env, STOA_READER_SESSION: "1" };
  const { status } = spawnSync("dbus-run-session", ["--", "node", script, ...process.argv.slice(2)], { env, stdio: ["ignore", "inherit", "inherit"] });
  process.exitCode = status ?? 1;
  return false;
}

async function until(holds, what) {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what} within ${PATIENCE_MS} ms`);
    await pause(LOOK_MS);
  }
}

/** Xvfb, openbox and Orca, all with a home of their own. */
export class Desktop {
  #folder = mkdtempSync(join(tmpdir(), "stoa-reader-"));
  #spoken = join(this.#folder, "spoken");
  /** @type {import("node:child_process").ChildProcess[]} */
  #children = [];
  /** How many lines have been read. */
  #read = 0;
  /** For whatever runs on this desktop. */
  env = {
    ...process.env, HOME: this.#folder, STOA_SPOKEN: this.#spoken, LANG: "C.UTF-8", LANGUAGE: "en",
    XDG_DATA_HOME: join(this.#folder, "data"), XDG_CONFIG_HOME: join(this.#folder, "config"), XDG_RUNTIME_DIR: join(this.#folder, "run"),
    GSETTINGS_BACKEND: "memory", ACCESSIBILITY_ENABLED: "1",
  };

  async start() {
    const orca = join(this.env.XDG_DATA_HOME, "orca");
    mkdirSync(orca, { recursive: true });
    mkdirSync(this.env.XDG_RUNTIME_DIR, { mode: 0o700 });
    copyFileSync(join(HERE, "orca-customizations.py"), join(orca, "orca-customizations.py"));
    writeFileSync(this.#spoken, "");
    const number = join(this.#folder, "display");
    const told = openSync(number, "w");
    this.#run("Xvfb", ["-displayfd", "3", "-screen", "0", "1200x800x24", "-nolisten", "tcp"], told);
    closeSync(told);
    await until(() => readFileSync(number, "utf8").endsWith("\n"), "Xvfb starts");
    this.env = { ...this.env, DISPLAY: `:${readFileSync(number, "utf8").trim()}` };
    this.#run("openbox", []);
    this.#run("orca", []);
    await this.until("Screen reader on.");
  }

  /** @param {string} program @param {string[]} wishes @param {number} [third] an open file */
  #run(program, wishes, third) {
    const files = ["ignore", "ignore", "ignore", ...(third === undefined ? [] : [third])];
    this.#children.push(spawn(program, wishes, { env: this.env, stdio: files }));
  }

  /** Presses keys one after the other, as `xdotool` calls them. */
  async press(...keys) {
    for (const key of keys) this.#tool("key", key);
  }

  async type(text) {
    this.#tool("type", "--delay", "30", text);
  }

  #tool(...wishes) {
    const { status, stderr } = spawnSync("xdotool", wishes, { env: this.env });
    if (status !== 0) throw new Error(`xdotool ${wishes.join(" ")}: ${stderr}`);
  }

  /** What was said since the last `told`. @returns {string[]} */
  get #saying() {
    return this.#lines.slice(this.#read).flatMap(({ said }) => (said?.trim() ? [said.trim()] : []));
  }

  get #lines() {
    const whole = readFileSync(this.#spoken, "utf8");
    return whole.slice(0, whole.lastIndexOf("\n") + 1).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** Waits until something is said. @param {string | RegExp} phrase a part of it */
  async until(phrase) {
    await until(() => this.#saying.some((said) => said.search(phrase) >= 0), `somebody says "${phrase}"`)
      .catch((error) => { throw new Error(`${error.message}; what was said: ${JSON.stringify(this.#saying)}`); });
  }

  /** Waits until nothing more is said, and tells what was since the last time. */
  async told() {
    let count = -1;
    while (count !== this.#lines.length) {
      count = this.#lines.length;
      await pause(QUIET_MS);
    }
    const said = this.#saying;
    this.#read = count;
    return said;
  }

  /** What was said up to now counts no more. */
  forget() {
    this.#read = this.#lines.length;
  }

  async stop() {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => { child.once("exit", resolve); });
      child.kill();
      const hard = setTimeout(() => child.kill("SIGKILL"), 3_000);
      await ended;
      clearTimeout(hard);
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
