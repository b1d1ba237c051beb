/** What real producers have published; `recordings/README.md` says how it was recorded. */

/** One message of a recording, as it is in the file. */
export interface RecordedMessage {
  readonly topic: string;
  /** The payload where it is text; else there is `base64`. */
  readonly payload?: string;
  readonly base64?: string;
  readonly qos: 0 | 1 | 2;
  /** The flag that it was published with. */
  readonly retain: boolean;
  /** Whether a client that subscribes after the recording gets it. */
  readonly retained?: true;
}

/** A file of `recordings/`. */
export interface Recording {
  /** By what, with which versions. */
  readonly made: string;
  /** In the order of their arrival. */
  readonly messages: readonly RecordedMessage[];
}

/** A message to work with. */
export interface ProducedMessage {
  readonly topic: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The payload as UTF-8. */
  readonly text: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly retained: boolean;
}

const FOLDER = new URL("recordings/", import.meta.url);

/** The names of all recordings, sorted. */
export async function recordingNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(FOLDER)) {
    if (name.endsWith(".json")) names.push(name.slice(0, -".json".length));
  }
  return names.sort();
}

/** A file of `recordings/` as it is. */
export async function readRecording(name: string): Promise<Recording> {
  return JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, FOLDER)));
}

/** All messages of a recording, in the order of their arrival. */
export async function recording(name: string): Promise<ProducedMessage[]> {
  const { messages } = await readRecording(name);
  return messages.map(({ topic, payload, base64, qos, retain, retained = false }) => {
    const bytes = base64 === undefined
      ? new TextEncoder().encode(payload)
      : Uint8Array.fromBase64(base64);
    return { topic, payload: bytes, text: new TextDecoder().decode(bytes), qos, retain, retained };
  });
}

/** What a client gets of a recording that subscribes after it. */
export async function retainedOf(name: string): Promise<ProducedMessage[]> {
  return (await recording(name)).filter(({ retained }) => retained);
}
