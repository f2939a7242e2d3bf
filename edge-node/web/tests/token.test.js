import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsOf, roleOf } from "../token.js";

test("the role is read from the token", () => {
  assert.equal(roleOf(token({ role: "listener" })), "listener");
});

test("names beyond ASCII survive", () => {
  assert.equal(claimsOf(token({ name: "Ὑπατία 😀" }))?.["name"], "Ὑπατία 😀");
});

test("what is no token has no role", () => {
  for (const text of ["", "a.b", "a.!!.c", token({ role: "emperor" }), token({}), "x.bnVsbA.y"]) assert.equal(roleOf(text), null, text);
});

/** @param {object} claims */
function token(claims) {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}
