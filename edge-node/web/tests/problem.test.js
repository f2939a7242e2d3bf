import assert from "node:assert/strict";
import { test } from "node:test";
import { fromClose, fromMicrophone, fromProblem } from "../problem.js";

test("a close code says whether coming back may help", () => {
  for (const code of [4401, 4403, 4404, 4409, 4400]) assert.equal(fromClose(code).passing, false, String(code));
  for (const code of [1006, 1001, 4408, 4503]) assert.equal(fromClose(code).passing, true, String(code));
});

test("the reason that was said before counts more than the code", () => {
  assert.equal(fromClose(4403, "removed").kind, "removed");
  assert.equal(fromClose(4503, "draining").kind, "draining");
  assert.equal(fromClose(4409, "room-closed").kind, "room-ended");
});

test("a full server's wish for patience is kept in milliseconds", () => {
  const error = fromProblem({ status: 503, detail: "Full.", retry_after_s: 2 });
  assert.equal(error.kind, "full");
  assert.equal(error.retryAfterMs, 2_000);
  assert.equal(error.message, "Full.");
});

test("a server that fails is worth another attempt, a client that is wrong is not", () => {
  assert.equal(fromProblem({ status: 500 }).passing, true);
  assert.equal(fromProblem({ status: 400 }).passing, false);
});

test("a refused microphone is told from a missing one", () => {
  assert.equal(fromMicrophone(new DOMException("", "NotAllowedError")).kind, "microphone-denied");
  assert.equal(fromMicrophone(new DOMException("", "NotFoundError")).kind, "microphone-missing");
  assert.equal(fromMicrophone(new DOMException("", "NotReadableError")).kind, "microphone-busy");
  assert.equal(fromMicrophone(undefined).kind, "microphone-busy");
});

test("that somebody has left is not that the room is gone", () => {
  const of = (/** @type {number} */ status, /** @type {string} */ code) => fromProblem({ status, type: `/problems/${code}` }).kind;
  assert.equal(of(404, "participant-not-found"), "protocol");
  assert.equal(of(409, "participant-taken"), "protocol");
  assert.equal(of(404, "room-not-found"), "unknown-room");
  assert.equal(of(410, "room-ended"), "room-ended");
  assert.equal(of(403, "banned"), "banned");
  assert.equal(of(403, "blocked-by-host"), "blocked-by-host");
  assert.equal(of(403, "forbidden"), "forbidden");
});

test("every sentence of a closed connection tells apart why", () => {
  assert.equal(fromClose(4403, "banned").kind, "banned");
  assert.equal(fromClose(1000, "replaced").kind, "replaced");
  for (const reason of ["banned", "replaced", "removed"]) assert.equal(fromClose(1000, reason).passing, false, reason);
});
