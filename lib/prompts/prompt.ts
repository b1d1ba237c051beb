/**
 * What a prompt is, and which there are.
 *
 * @module
 */
import { exploreTopics } from "./explore_topics.ts";
import { diagnoseDevice } from "./diagnose_device.ts";

/** An argument of a prompt; all of them are topics and complete as such. */
export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
}

/** A task in words, for a person to start. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: readonly PromptArgument[];
  /** The text of the one message. */
  text(args: Readonly<Record<string, string>>): string;
}

/** All prompts. */
export const PROMPTS: readonly Prompt[] = [exploreTopics, diagnoseDevice];
