/**
 * Serves many clients over Streamable HTTP.
 *
 * @module
 */
import {
  createMcpHandler,
  isLegacyRequest,
  type McpHttpHandler,
} from "@modelcontextprotocol/server";
import type { Session } from "../access/session.ts";
import type { Audit } from "./audit.ts";
import { Confirmations } from "./confirm.ts";
import { type Client, HttpDoor, type HttpDoorOptions, METADATA_PATH, said } from "./http_door.ts";
import { readBody } from "./http_body.ts";
import { requestsIn } from "./json_rpc.ts";
import { eventOf, HttpCall, isStream, messageIn } from "./http_call.ts";
import { SessionTransport } from "./http_session.ts";
import { acknowledged, isListen } from "./listen.ts";
import { createServer } from "./server.ts";

/** What the HTTP server needs. */
export interface HttpOptions extends HttpDoorOptions {
  readonly sessionFor: (client: Client) => Session;
  readonly isConnected: () => boolean;
  readonly audit: Audit | undefined;
  /** How long the body of a request may take to arrive; default: 30 s. */
  readonly bodyTimeoutMs?: number;
  /** Makes the server of a client; default: {@linkcode createServer}. */
  readonly createServer?: typeof createServer;
}

/** What is kept for a client between its requests. */
interface Kept<Carrier extends { close(): Promise<void> }> {
  readonly client: Client;
  readonly session: Session;
  /** Closed, it ends the calls over it. */
  readonly carrier: Carrier;
  lastUsed: number;
  /** Requests that are being answered, and streams that are being read. */
  inUse: number;
}

/** A session of the generations that have them. */
type Legacy = Kept<SessionTransport>;

/** What serves all requests of one client of revision 2026-07-28, which has no sessions. */
type Modern = Kept<McpHttpHandler>;

/** Who asks, and what. */
interface Asked {
  readonly client: Client;
  readonly call: HttpCall;
  readonly parsedBody: unknown;
}

const SESSION_HEADER = "mcp-session-id";
const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "DELETE"]);
/** How long the body of a request may take to arrive, in milliseconds. */
const BODY_MS = 30_000;

/** Answers HTTP requests. */
export class HttpServer implements AsyncDisposable {
  readonly #options: HttpOptions;
  readonly #door: HttpDoor;
  readonly #legacy = new Map<string, Legacy>();
  /** By the `id` of the client. */
  readonly #modern = new Map<string, Modern>();
  /** The calls of what the SDK is answering. */
  readonly #calls = new WeakMap<Request, HttpCall>();
  readonly #idle: ReturnType<typeof setInterval>;
  #inFlight = 0;
  /** How many bodies are being read. */
  #reading = 0;
  #listeners = 0;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#door = new HttpDoor(options);
    const { sessionIdleMs } = options.remote.limits;
    this.#idle = setInterval(() => this.#endIdle(), Math.min(sessionIdleMs, 60_000));
  }

  /** Answers one request. */
  async handle(request: Request): Promise<Response> {
    try {
      const leave = this.#door.leaveOf(request);
      const response = await this.#handle(request, leave !== undefined);
      for (const [name, value] of Object.entries(leave ?? {})) response.headers.set(name, value);
      return response;
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      this.#options.log.error(`a request over HTTP failed in a way it should not: ${text}`);
      return said(500, "the program failed in a way it should not; its log says more");
    }
  }

  /** @param isOfPage whether it comes from a web page that a browser asks for */
  async #handle(request: Request, isOfPage: boolean): Promise<Response> {
    // The Host header stands in it as it came.
    const url = URL.parse(request.url);
    if (url === null) return said(400, "the Host header is no host");
    if (!this.#door.isForUs(request, url)) return said(403, "Host or Origin is not allowed here");
    if (isOfPage && request.method === "OPTIONS") return preflight(request);
    const { tokens } = this.#options;
    const isMetadata = tokens !== undefined && url.pathname.startsWith(METADATA_PATH);
    if (url.pathname === "/status" || isMetadata) {
      if (request.method !== "GET" && request.method !== "HEAD") return notAllowed("GET, HEAD");
      return Response.json(
        isMetadata
          ? tokens.metadata
          : { running: true, mqtt_connected: this.#options.isConnected() },
      );
    }
    if (url.pathname !== "/mcp") return said(404, "there are /mcp and /status");
    if (!METHODS.has(request.method)) return notAllowed([...METHODS].join(", "));
    const client = await this.#door.admit(request, url);
    if (client instanceof Response) return client;
    const { maxRequests, requestTimeoutMs } = this.#options.remote.limits;
    // What no request stands in is let through while all places are taken: an answer or a cancellation
    // makes room. That is known when the body has been read.
    if (this.#reading >= maxRequests) return busy(maxRequests);
    const call = new HttpCall({ timeoutMs: requestTimeoutMs, client: request.signal });
    return await call.respond(this.#answer(request, { client, call }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#idle);
    await Promise.all([...this.#legacy.keys()].map((id) => end(this.#legacy, id)));
    await Promise.all([...this.#modern.keys()].map((id) => end(this.#modern, id)));
  }

  async #answer(
    request: Request,
    { client, call }: { readonly client: Client; readonly call: HttpCall },
  ): Promise<Response> {
    const { maxBodyBytes, maxRequests } = this.#options.remote.limits;
    let parsedBody: unknown;
    if (request.method === "POST") {
      const { bodyTimeoutMs = BODY_MS } = this.#options;
      this.#reading++;
      const body = await readBody(request, { maxBytes: maxBodyBytes, timeoutMs: bodyTimeoutMs })
        .finally(() => this.#reading--);
      call.signal.throwIfAborted();
      if ("refusal" in body) return said(body.status, body.refusal);
      parsedBody = body.value;
    }
    const ids = isListen(parsedBody) ? [] : requestsIn(parsedBody);
    if (ids.length > maxRequests) return said(400, `a batch may have ${maxRequests} requests`);
    if (ids.length > 0 && this.#inFlight + ids.length > maxRequests) return busy(maxRequests);
    this.#inFlight += ids.length;
    call.onEnd(() => this.#inFlight -= ids.length);
    for (const id of ids) call.unanswered.add(id);
    const isLegacy = request.method !== "POST" || await isLegacyRequest(request, parsedBody);
    call.signal.throwIfAborted();
    if (isLegacy) return await this.#answerLegacy(request, { client, call, parsedBody });
    return await this.#answerModern(request, { client, call, parsedBody });
  }

  /** Revision 2026-07-28: no sessions. */
  async #answerModern(
    request: Request,
    { client, call, parsedBody }: Asked,
  ): Promise<Response> {
    const modern = this.#modernOf(client);
    call.onEnd(use(modern));
    this.#calls.set(request, call);
    const answer = modern.carrier.fetch(request, { parsedBody });
    if (isListen(parsedBody)) return this.#listen(held(await answer, modern), modern);
    const takesStream = request.headers.get("accept")?.includes("text/event-stream") === true;
    return await call.quickOrStreamed(answer, {
      takesStream: takesStream && call.unanswered.size > 0,
    });
  }

  /** The generations before 2026-07-28: a session from `initialize` on. */
  async #answerLegacy(
    request: Request,
    { client, call, parsedBody }: Asked,
  ): Promise<Response> {
    const id = request.headers.get(SESSION_HEADER);
    if (id !== null) {
      const known = this.#legacy.get(id);
      // Another's session is as if there were none.
      if (known === undefined || known.client.id !== client.id) {
        return said(404, "there is no such session");
      }
      call.onEnd(use(known));
      const response = await known.carrier.answer(request, { parsedBody, call });
      return request.method === "POST" ? response : held(response, known);
    }
    const { maxSessions } = this.#options.remote.limits;
    if (this.#legacy.size >= maxSessions) {
      return said(503, `there are ${maxSessions} sessions`, { "retry-after": "10" });
    }
    const session = this.#options.sessionFor(client);
    const carrier: SessionTransport = new SessionTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (made) => {
        this.#legacy.set(made, { client, session, carrier, lastUsed: performance.now(), inUse: 0 });
      },
      onsessionclosed: (made) => end(this.#legacy, made),
    });
    await this.#createServer(session, client.name).connect(carrier);
    const response = await carrier.answer(request, { parsedBody, call });
    if (carrier.sessionId === undefined) await session[Symbol.asyncDispose]();
    return response;
  }

  #modernOf(client: Client): Modern {
    const known = this.#modern.get(client.id);
    if (known !== undefined) return known;
    const session = this.#options.sessionFor(client);
    const confirmations = new Confirmations();
    const carrier = createMcpHandler(
      ({ requestInfo }) => {
        const server = this.#createServer(session, client.name, confirmations);
        const call = requestInfo && this.#calls.get(requestInfo);
        // Closed, it aborts what it is doing. A Request with a signal of its own would cost a tenth of a call.
        call?.signal.addEventListener("abort", () => void server.close(), { once: true });
        // The server ends with its request.
        session.updates.notify = (uri) => carrier.notify.resourceUpdated(uri);
        return server;
      },
      { legacy: "reject" },
    );
    const modern = { client, session, carrier, lastUsed: performance.now(), inUse: 0 };
    this.#modern.set(client.id, modern);
    return modern;
  }

  #createServer(
    session: Session,
    client: string,
    confirmations = new Confirmations(),
  ): ReturnType<typeof createServer> {
    const { log, audit, createServer: create = createServer } = this.#options;
    return create({
      session,
      log,
      audit,
      client,
      confirmations,
      onError: (error) => log.warning(`MCP: ${error.message}`),
    });
  }

  /** Subscribes to what the first event of a stream names, for as long as the stream is read. */
  #listen(response: Response, { session, client }: Modern): Response {
    if (!isStream(response)) return response;
    const holder = `listen ${++this.#listeners}`;
    const { audit, log } = this.#options;
    const release = (): void => void session.updates.release(holder);
    let isFirst = true;
    return piped(response, {
      // The SDK writes that event in one piece.
      async transform(event, controller) {
        const about = { session, audit, client: client.name, holder, log };
        controller.enqueue(
          isFirst ? eventOf(await acknowledged(messageIn(event), about)) : event,
        );
        isFirst = false;
      },
      flush: release,
      cancel: release,
    });
  }

  /** Ends what nobody has used for long: no request, no stream that is read; without sessions no watch. */
  #endIdle(): void {
    const since = performance.now() - this.#options.remote.limits.sessionIdleMs;
    for (const [id, { lastUsed, inUse }] of this.#legacy) {
      if (lastUsed < since && inUse === 0) end(this.#legacy, id);
    }
    for (const [id, { lastUsed, inUse, session }] of this.#modern) {
      const isUsed = inUse > 0 || session.watches.list().length > 0;
      if (lastUsed < since && !isUsed) end(this.#modern, id);
    }
  }
}

/** Ends what is kept, and the calls over it. */
async function end(
  all: Map<string, Kept<{ close(): Promise<void> }>>,
  id: string,
): Promise<void> {
  const kept = all.get(id);
  all.delete(id);
  await kept?.carrier.close();
  await kept?.session[Symbol.asyncDispose]();
}

/** Counts as in use until what it gives is called. */
function use(of: Legacy | Modern): () => void {
  of.inUse++;
  return () => {
    of.inUse--;
    of.lastUsed = performance.now();
  };
}

/** Counts as in use until the response has been read, or is read no more. */
function held(response: Response, of: Legacy | Modern): Response {
  if (response.body === null) return response;
  const onEnd = use(of);
  return piped(response, { flush: onEnd, cancel: onEnd });
}

function piped(response: Response, transformer: Transformer<Uint8Array, Uint8Array>): Response {
  return new Response(
    response.body?.pipeThrough(new TransformStream(transformer)) ?? null,
    response,
  );
}

/** A browser may send what it asks for: the key says what is allowed. */
function preflight({ headers }: Request): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": [...METHODS].join(", "),
      "access-control-allow-headers": headers.get("access-control-request-headers") ?? "",
      "access-control-max-age": "600",
    },
  });
}

function notAllowed(allow: string): Response {
  return said(405, `only ${allow} may be used here`, { allow });
}

function busy(maxRequests: number): Response {
  return said(503, `${maxRequests} requests are being answered`, { "retry-after": "1" });
}
