/**
 * One request over HTTP while it is answered. It ends with its answer, when its time is up, or when
 * its client has gone, whichever comes first; what it began ends with it.
 *
 * @module
 */
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { bounded } from "../wait.ts";
import type { Id } from "./json_rpc.ts";

/**
 * An answer that takes longer is begun as a stream, in milliseconds. That a client has gone is noticed
 * for certain only once its answer has begun.
 */
const QUICK_MS = 1_000;
/** How often a stream that waits says so, in milliseconds: proxies close what says nothing. */
const KEEP_ALIVE_MS = 15_000;
/** As the SDKs have it for a request that timed out. */
const GIVEN_UP = -32_001;

const EVENT_STREAM = "text/event-stream";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a call needs. */
export interface HttpCallOptions {
  /** How long it may take, from now to the end of its answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborted when the client has gone, as far as that is noticed. */
  readonly client: AbortSignal;
}

/** A request, from its arrival until its answer has been written. */
export class HttpCall {
  /** The JSON-RPC requests in it that have no answer yet. */
  readonly unanswered = new Set<Id>();
  readonly #abort = new AbortController();
  readonly #client: AbortSignal;
  readonly #timer: ReturnType<typeof setTimeout>;
  /** What is given in the place of the answer. */
  readonly #instead = Promise.withResolvers<Response>();
  readonly #endings: Array<() => void> = [];
  readonly #onGone = (): void => {
    // There is nobody to tell.
    this.#stream = undefined;
    this.giveUp("the client has gone");
  };
  #stream: TransformStreamDefaultController<Uint8Array> | undefined;
  #isOver = false;

  constructor({ timeoutMs, client }: HttpCallOptions) {
    this.#client = client;
    client.addEventListener("abort", this.#onGone, { once: true });
    this.#timer = setTimeout(() => {
      const why = `no answer within ${timeoutMs / 1000} s`;
      this.giveUp(why, Response.json({ error: why }, { status: 504 }));
    }, timeoutMs);
  }

  /** Aborted when it is given up; not by its answer. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Calls `ending` at the end, however it comes about. */
  onEnd(ending: () => void): void {
    if (this.#isOver) ending();
    else this.#endings.push(ending);
  }

  /** Notes that a request has been answered. With the last one the call ends. */
  answered(id: Id): void {
    if (this.unanswered.delete(id) && this.unanswered.size === 0) this.#end();
  }

  /** Ends it before its answer. What was not sent by now is never sent. */
  giveUp(why: string, instead = new Response(null, { status: 499 })): void {
    if (this.#isOver) return;
    this.#end();
    this.#instead.resolve(instead);
    // Who has not read what is there by now is told nothing more.
    const isRead = (this.#stream?.desiredSize ?? 0) > 0;
    // Writing may show that the client has gone; then there is no stream any more.
    for (const id of isRead ? this.unanswered : []) {
      this.#stream?.enqueue(eventOf(givenUp(id, why)));
    }
    this.#stream?.terminate();
    this.#abort.abort(new Error(why));
  }

  /**
   * The response to give: the answer, or a status in its place. The call ends with it, but for a
   * stream in which answers are still to come.
   */
  async respond(answer: Promise<Response>): Promise<Response> {
    try {
      const response = await Promise.race([answer, this.#instead.promise]);
      if (this.signal.aborted) return await this.#instead.promise;
      if (!isStream(response) || this.unanswered.size === 0) this.#end();
      return response;
    } catch (error) {
      if (this.signal.aborted) return await this.#instead.promise;
      this.#end();
      throw error;
    } finally {
      // Nobody reads what comes after the end: it must not keep its session in use.
      if (this.signal.aborted) answer.then(({ body }) => body?.cancel()).catch(() => {});
    }
  }

  /**
   * An answer as it is if it is quick, or if the client takes no stream; else one that begins now, and
   * has the answer in it. Streams end with the call, and the call with them.
   */
  async quickOrStreamed(
    answer: Promise<Response>,
    { takesStream }: { readonly takesStream: boolean },
  ): Promise<Response> {
    const response = await (takesStream ? quickOrBegun(answer) : answer);
    return isStream(response) && !this.#isOver ? this.#followed(response) : response;
  }

  /** Passes a stream on until it ends, which ends the call, or the call does. */
  #followed(response: Response): Response {
    const following = new TransformStream<Uint8Array, Uint8Array>(
      {
        start: (controller) => void (this.#stream = controller),
        flush: () => this.#end(),
        cancel: this.#onGone,
      },
      undefined,
      { highWaterMark: 1 },
    );
    return new Response(response.body?.pipeThrough(following) ?? null, response);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#client.removeEventListener("abort", this.#onGone);
    for (const ending of this.#endings) ending();
  }
}

/** The error that stands in the place of an answer. */
export function givenUp(id: Id, message: string): JSONRPCMessage {
  return { jsonrpc: "2.0", id, error: { code: GIVEN_UP, message } };
}

async function quickOrBegun(answer: Promise<Response>): Promise<Response> {
  return await bounded(answer, {
    timeoutMs: QUICK_MS,
    onTimeout: () =>
      new Response(ReadableStream.from(eventsOf(answer)), {
        headers: {
          "content-type": EVENT_STREAM,
          "cache-control": "no-cache, no-transform",
          // nginx would hold it back.
          "x-accel-buffering": "no",
        },
      }),
  });
}

async function* eventsOf(answer: Promise<Response>): AsyncGenerator<Uint8Array> {
  let response: Response | undefined;
  do {
    yield encoder.encode(": waiting\n\n");
    response = await bounded(answer, { timeoutMs: KEEP_ALIVE_MS, onTimeout: () => undefined });
  } while (response === undefined);
  if (isStream(response)) yield* response.body ?? [];
  else if (response.body !== null) yield eventOf(await response.json());
}

/** A message as an event of a stream. */
export function eventOf(message: unknown): Uint8Array {
  return encoder.encode(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
}

/** The message in an event, as the SDK writes it. */
export function messageIn(event: Uint8Array): JSONRPCMessage {
  const [, data = ""] = /^data: (.*)$/m.exec(decoder.decode(event)) ?? [];
  return JSON.parse(data);
}

/** Whether a response is a stream of events. */
export function isStream({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith(EVENT_STREAM) === true;
}
