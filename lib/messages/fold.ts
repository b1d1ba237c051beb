/**
 * Many topics that are alike as one: those that differ in one level only and have one shape.
 *
 * @module
 */
import { Turns } from "../turns.ts";
import type { ShownLast } from "./payload.ts";
import type { SeenTopic } from "./survey.ts";

/** A topic with more levels, or a longer one, stands for itself. */
const MAX_LEVELS = 32;
const MAX_LENGTH = 512;
/** So many names of a family are told, the first ones, and the last. */
const FIRST_NAMES = 5;

/** Topics that are alike. */
export interface Family {
  /** With `+` in the level in which they differ. */
  readonly topic: string;
  readonly members: readonly SeenTopic[];
  /** That level of the first five and of the last one, numbers in their order. */
  readonly names: readonly string[];
}

/** One topic, or a family of topics that are alike. */
export type ShownTopics = {
  topic: string;
  /** How many topics it stands for, if they are several. */
  topics?: number;
  names?: string[];
  messages: number;
  /** Live messages a second. */
  rate?: number;
  /** All of them are. */
  retained?: true;
  shape?: string;
  /** ISO 8601, UTC, milliseconds. */
  at: string;
} & ShownLast;

/**
 * Puts topics together where more than `fold` are alike; 0 never does. Each topic stands in exactly
 * one place: in the largest family that it can be of, or alone. All are by name, in code unit order.
 *
 * @param topics each name once
 */
export async function foldTopics(
  topics: readonly SeenTopic[],
  fold: number,
): Promise<Array<SeenTopic | Family>> {
  const families = fold === 0 ? [] : await candidates(topics, fold);
  const taken = new Set<SeenTopic>();
  const folded: Array<SeenTopic | Family> = [];
  for (const { topic, level, members } of families) {
    const left = members.filter((one) => !taken.has(one));
    if (left.length <= fold) continue;
    for (const one of left) taken.add(one);
    folded.push({ topic, members: left, names: namesOf(left, level) });
  }
  folded.push(...topics.filter((one) => !taken.has(one)));
  return folded.sort((a, b) => order(a.topic, b.topic));
}

/**
 * Shows what was seen: of a family the sums, and the latest of its messages.
 *
 * @param seconds how long was listened
 */
export function showTopics(one: SeenTopic | Family, seconds: number): ShownTopics {
  const members = "members" in one ? one.members : [one];
  const sum = (count: (seen: SeenTopic) => number): number =>
    members.reduce((sum, seen) => sum + count(seen), 0);
  const latest = members.reduce((a, b) => b.at > a.at ? b : a);
  const live = sum((seen) => seen.live);
  return {
    topic: one.topic.toWellFormed(),
    ..."names" in one ? { topics: members.length, names: [...one.names] } : {},
    messages: sum((seen) => seen.messages),
    ...(live > 0 ? { rate: Number((live / seconds).toPrecision(3)) } : {}),
    ...(members.every(({ retained }) => retained) ? { retained: true } : {}),
    ...(latest.shape === undefined ? {} : { shape: latest.shape }),
    ...latest.last,
    at: new Date(latest.at).toISOString(),
  };
}

interface Candidate {
  readonly topic: string;
  readonly level: number;
  readonly members: SeenTopic[];
}

/** All families of more than `fold`, in which a topic may be several times; the largest first. */
async function candidates(topics: readonly SeenTopic[], fold: number): Promise<Candidate[]> {
  const turns = new Turns();
  const found = new Map<string, Candidate>();
  for (const one of topics) {
    if (turns.isOver) await turns.others();
    const levels = one.topic.length > MAX_LENGTH ? [] : one.topic.split("/");
    if (levels.length > MAX_LEVELS) continue;
    for (const level of levels.keys()) {
      const topic = levels.with(level, "+").join("/");
      const key = `${topic}\n${one.kind}`;
      const candidate = found.get(key);
      if (candidate === undefined) found.set(key, { topic, level, members: [one] });
      else candidate.members.push(one);
    }
  }
  return [...found.values()].filter(({ members }) => members.length > fold)
    .sort((a, b) => b.members.length - a.members.length || order(a.topic, b.topic));
}

function namesOf(members: readonly SeenTopic[], level: number): string[] {
  const names = members.map(({ topic }) => topic.split("/")[level] ?? "");
  const isNumber = (name: string): boolean => /^\d{1,15}$/.test(name);
  names.sort(names.every(isNumber) ? (a, b) => Number(a) - Number(b) || order(a, b) : order);
  return [...names.slice(0, FIRST_NAMES), ...names.slice(FIRST_NAMES).slice(-1)];
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
