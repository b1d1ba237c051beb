import assert from "node:assert/strict";
import { type Baseline, differences } from "./baseline.ts";
import type { Check, Results } from "./suite.ts";

const BASELINE: Baseline = {
  own: { reason: "its only check" },
  two: { reason: "one of its checks", checks: ["two-b"] },
  all: { reason: "whichever it has", checks: "all" },
  never: { reason: "not run" },
};

const check = (id: string, status: Check["status"]): Check => ({ id, status, errorMessage: "why" });

const results = (of: Readonly<Record<string, readonly Check[]>>): Results =>
  new Map(Object.entries(of));

Deno.test("differences() is empty where what fails is what the baseline has", () => {
  const as = results({
    own: [check("own", "FAILURE")],
    two: [check("two-a", "SUCCESS"), check("two-b", "WARNING"), check("two-b", "SUCCESS")],
    all: [check("all-a", "FAILURE"), check("all-b", "SUCCESS")],
    other: [check("other", "SUCCESS"), check("other-b", "SKIPPED"), check("other-c", "INFO")],
  });
  assert.deepEqual(differences(as, BASELINE), []);
});

Deno.test("differences() tells what fails beside the baseline, and what of it passes", () => {
  const as = results({
    own: [check("own", "SUCCESS")],
    two: [check("two-a", "FAILURE"), check("two-b", "SKIPPED")],
    all: [check("all-a", "SUCCESS")],
    other: [check("other", "WARNING")],
  });
  assert.deepEqual(differences(as, BASELINE), [
    "own: own passes, and is in the baseline",
    "two: two-a fails: why",
    "all is in the baseline",
    "other: other fails: why",
  ]);
});
