import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff, wait } from "../recovery.js";

test("waits double up to eight seconds", () => {
  const backoff = new Backoff(() => 1);
  const waits = Array.from({ length: 8 }, () => backoff.next());
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

test("clients that lost the same server come back spread over half of the wait", () => {
  assert.equal(new Backoff(() => 0).next(), 125);
  assert.equal(new Backoff(() => 0.5).next(), 187.5);
});

test("a server's own wish is kept and spread", () => {
  assert.equal(new Backoff(() => 0).next(2000), 2000);
  assert.equal(new Backoff(() => 1).next(2000), 2500);
});

test("a wait that is cut short ends at once", async () => {
  const stop = new AbortController();
  const waiting = wait(2 ** 30, stop.signal);
  stop.abort();
  await waiting;
});
