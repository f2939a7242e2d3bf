import assert from "node:assert/strict";
import { test } from "node:test";
import { actionsFor } from "../actions.js";

/** @import {Role} from "../options.js" */

const person = (/** @type {Role} */ role, more = {}) => ({ participant: "p_2", name: "Boris", role, ...more });
const names = (/** @type {Role} */ own, /** @type {import("../actions.js").Target} */ other) =>
  actionsFor({ participant: "p_1", role: own }, other).map(({ name }) => name);

test("a listener and a speaker may only report others", () => {
  for (const own of /** @type {const} */ (["listener", "speaker"])) {
    for (const role of /** @type {const} */ (["host", "moderator", "speaker", "listener"])) assert.deepEqual(names(own, person(role)), ["report"]);
  }
});

test("a moderator moves those below him and nobody else", () => {
  assert.deepEqual(names("moderator", person("speaker")), ["mute", "to-audience", "remove", "ban", "report"]);
  assert.deepEqual(names("moderator", person("listener")), ["invite", "remove", "ban", "report"]);
  for (const role of /** @type {const} */ (["moderator", "host"])) assert.deepEqual(names("moderator", person(role)), ["report"]);
});

test("a host appoints, dismisses and hands over", () => {
  assert.deepEqual(names("host", person("speaker", { muted: true })), ["to-audience", "make-moderator", "hand-over", "remove", "ban", "block", "report"]);
  assert.deepEqual(names("host", person("moderator")), ["mute", "to-audience", "make-speaker", "hand-over", "remove", "ban", "block", "report"]);
});

test("a raised hand is accepted or declined, not invited", () => {
  assert.deepEqual(names("moderator", person("listener", { hand: true })).slice(0, 2), ["accept", "decline"]);
});

test("one leaves the stage oneself, except as its host", () => {
  const own = (/** @type {Role} */ role) => actionsFor({ participant: "p_2", role }, person(role)).map(({ name }) => name);
  assert.deepEqual(own("speaker"), ["step-down"]);
  assert.deepEqual(own("moderator"), ["step-down"]);
  assert.deepEqual(own("host"), []);
  assert.deepEqual(own("listener"), []);
});
