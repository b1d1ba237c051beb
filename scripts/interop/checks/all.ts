/**
 * The conformance set, in the order of the table.
 *
 * @module
 */
import type { Check } from "../check.ts";
import { AMOUNTS } from "./amounts.ts";
import { CONNECTING, RESTARTING } from "./connecting.ts";
import { MATCHING } from "./matching.ts";
import { OUTAGES } from "./outages.ts";
import { PROPERTIES_KEPT } from "./properties.ts";
import { PUBLISHING } from "./publishing.ts";
import { REFUSALS } from "./refusals.ts";
import { REQUESTS } from "./requests.ts";
import { RETAINED } from "./retained.ts";
import { SHARING } from "./sharing.ts";

export const CHECKS: readonly Check[] = [
  ...CONNECTING,
  ...PUBLISHING,
  ...PROPERTIES_KEPT,
  ...RETAINED,
  ...MATCHING,
  ...REQUESTS,
  ...SHARING,
  ...AMOUNTS,
  ...REFUSALS,
  ...OUTAGES,
  RESTARTING,
];
