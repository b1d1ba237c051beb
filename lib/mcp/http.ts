/**
 * Serves many clients over Streamable HTTP.
 *
 * @module
 */
import {
  createMcpHandler,
  isLegacyRequest,
  type McpHttpHandler,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import type { Session } from "../access/session.ts";
import { bounded } from "../wait.ts";
import { messageTopic } from "../resources/message.ts";
import { type Audit, recordResource } from "./audit.ts";
import { Confirmations } from "./confirm.ts";
import { type Client, HttpDoor, type HttpDoorOptions, METADATA_PATH, said } from "./http_door.ts";
import { createServer } from "./server.ts";

/** What the HTTP server needs. */
export interface HttpOptions extends HttpDoorOptions {
  readonly sessionFor: (client: Client) => Session;
  readonly isConnected: () => boolean;
  readonly audit: Audit | undefined;
}

/** A session of the generations that have them. */
interface Legacy {
  readonly owner: string;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly session: Session;
  lastUsed: number;
  /** Answers that are still being read. */
  streams: number;
}

/** What serves all requests of one client of revision 2026-07-28, which has no sessions. */
interface Modern {
  readonly session: Session;
  readonly handler: McpHttpHandler;
  lastUsed: number;
  streams: number;
}

const SESSION_HEADER = "mcp-session-id";
const LISTEN = "subscriptions/listen";

/** Answers HTTP requests. */
export class HttpServer implements AsyncDisposable {
  readonly #options: HttpOptions;
  readonly #door: HttpDoor;
  readonly #legacy = new Map<string, Legacy>();
  readonly #modern = new Map<string, Modern>();
  readonly #idle: ReturnType<typeof setInterval>;
  #inFlight = 0;
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
      return await this.#handle(request);
    } catch (error) {
      // Who went in the middle of a request does not hear the answer.
      if (!request.signal.aborted) {
        const text = error instanceof Error ? error.stack ?? error.message : String(error);
        this.#options.log.error(`a request over HTTP failed in a way it should not: ${text}`);
      }
      return said(500, "the program failed in a way it should not; its log says more");
    }
  }

  async #handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (!this.#door.isForUs(request, url)) return said(403, "Host or Origin is not allowed here");
    if (url.pathname === "/status" && request.method === "GET") {
      return Response.json({ running: true, mqtt_connected: this.#options.isConnected() });
    }
    const { tokens } = this.#options;
    if (tokens !== undefined && url.pathname.startsWith(METADATA_PATH)) {
      return Response.json(tokens.metadata);
    }
    if (url.pathname !== "/mcp") return said(404, "there are /mcp and /status");
    const client = await this.#door.admit(request, url);
    if (client instanceof Response) return client;
    const { maxRequests } = this.#options.remote.limits;
    if (this.#inFlight >= maxRequests) {
      return said(503, `${maxRequests} requests are being answered`, { "retry-after": "1" });
    }
    this.#inFlight++;
    try {
      const timeoutMs = this.#options.remote.limits.requestTimeoutMs;
      const answer = this.#answer(request, client);
      return await bounded(answer, {
        timeoutMs,
        onTimeout: () => {
          // Nobody reads it: it must not keep its session in use.
          answer.then(({ body }) => body?.cancel()).catch(() => {});
          return said(504, `no answer within ${timeoutMs / 1000} s`);
        },
      });
    } finally {
      this.#inFlight--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#idle);
    await Promise.all([...this.#legacy.keys()].map((id) => this.#end(id)));
    await Promise.all([...this.#modern.keys()].map((name) => this.#endModern(name)));
  }

  async #answer(request: Request, client: Client): Promise<Response> {
    const { maxBodyBytes } = this.#options.remote.limits;
    let parsedBody: unknown;
    if (request.method === "POST") {
      const text = await bodyOf(request, maxBodyBytes);
      if (text === undefined) return said(413, `a body may have ${maxBodyBytes} bytes`);
      try {
        parsedBody = JSON.parse(text);
      } catch {
        return said(400, "the body is no JSON");
      }
    }
    const isLegacy = request.method !== "POST" || await isLegacyRequest(request, parsedBody);
    if (isLegacy) return await this.#answerLegacy(request, { client, parsedBody });
    const modern = this.#modernOf(client);
    const { session } = modern;
    const uris = listened(parsedBody);
    const response = held(await modern.handler.fetch(request, { parsedBody }), modern);
    return uris.length === 0
      ? response
      : await this.#listen(response, { session, client: client.name, uris });
  }

  /** The generations before 2026-07-28: a session from `initialize` on. */
  async #answerLegacy(
    request: Request,
    { client, parsedBody }: { readonly client: Client; readonly parsedBody: unknown },
  ): Promise<Response> {
    const options = parsedBody === undefined ? {} : { parsedBody };
    const id = request.headers.get(SESSION_HEADER);
    if (id !== null) {
      const known = this.#legacy.get(id);
      // Another's session is as if there were none.
      if (known === undefined || known.owner !== client.name) {
        return said(404, "there is no such session");
      }
      known.lastUsed = performance.now();
      return held(await known.transport.handleRequest(request, options), known);
    }
    const { maxSessions } = this.#options.remote.limits;
    if (this.#legacy.size >= maxSessions) {
      return said(503, `there are ${maxSessions} sessions`, { "retry-after": "10" });
    }
    const session = this.#options.sessionFor(client);
    const transport: WebStandardStreamableHTTPServerTransport =
      new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (made) => {
          this.#legacy.set(made, {
            owner: client.name,
            transport,
            session,
            lastUsed: performance.now(),
            streams: 0,
          });
        },
        onsessionclosed: (made) => this.#end(made),
      });
    await this.#createServer(session, client.name).connect(transport);
    const response = await transport.handleRequest(request, options);
    if (transport.sessionId === undefined) await session[Symbol.asyncDispose]();
    return response;
  }

  #modernOf(client: Client): Modern {
    const known = this.#modern.get(client.name);
    if (known !== undefined) {
      known.lastUsed = performance.now();
      return known;
    }
    const session = this.#options.sessionFor(client);
    const confirmations = new Confirmations();
    const handler = createMcpHandler(
      () => this.#createServer(session, client.name, confirmations),
      {
        legacy: "reject",
        maxRequestBodySize: this.#options.remote.limits.maxBodyBytes,
      },
    );
    const modern = { session, handler, lastUsed: performance.now(), streams: 0 };
    session.updates.notify = (uri) => handler.notify.resourceUpdated(uri);
    this.#modern.set(client.name, modern);
    return modern;
  }

  #createServer(
    session: Session,
    client: string,
    confirmations?: Confirmations,
  ): ReturnType<typeof createServer> {
    const { log, audit } = this.#options;
    return createServer({
      session,
      log,
      audit,
      client,
      confirmations: confirmations ?? new Confirmations(),
      tellsUpdates: confirmations === undefined,
      onError: (error) => log.warning(`MCP: ${error.message}`),
    });
  }

  /** Subscribes to what a stream listens to, for as long as it is read. */
  async #listen(
    response: Response,
    { session: { access, updates }, client, uris }: {
      readonly session: Session;
      readonly client: string;
      readonly uris: readonly string[];
    },
  ): Promise<Response> {
    const holder = `listen ${++this.#listeners}`;
    const release = (): void => void updates.release(holder);
    const { audit, log } = this.#options;
    await Promise.all(uris.map(async (uri) => {
      try {
        const topic = messageTopic(uri);
        if (topic === undefined) return;
        const work = (): Promise<void> => updates.subscribe(topic, { uri, holder });
        await recordResource(work, { audit, client, method: LISTEN, uri, access });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        log.warning(`no updates of a resource that a client listens to: ${text}`);
      }
    }));
    return ended(response, release);
  }

  /** Ends what nobody has used for long: no request, no stream that is read, and no watch. */
  #endIdle(): void {
    const since = performance.now() - this.#options.remote.limits.sessionIdleMs;
    for (const [id, { lastUsed, streams }] of this.#legacy) {
      if (lastUsed < since && streams === 0) this.#end(id);
    }
    for (const [name, { lastUsed, streams, session }] of this.#modern) {
      const isUsed = streams > 0 || session.watches.list().length > 0;
      if (lastUsed < since && !isUsed) this.#endModern(name);
    }
  }

  async #endModern(name: string): Promise<void> {
    const modern = this.#modern.get(name);
    this.#modern.delete(name);
    await modern?.handler.close();
    await modern?.session[Symbol.asyncDispose]();
  }

  async #end(id: string): Promise<void> {
    const legacy = this.#legacy.get(id);
    this.#legacy.delete(id);
    await legacy?.session[Symbol.asyncDispose]();
    await legacy?.transport.close();
  }
}

/** Counts a response as in use until it has been read, or is read no more. */
function held(response: Response, of: { streams: number; lastUsed: number }): Response {
  if (response.body === null) return response;
  of.streams++;
  return ended(response, () => {
    of.streams--;
    of.lastUsed = performance.now();
  });
}

/** Calls `onEnd` when a response has been read, or is read no more. */
function ended(response: Response, onEnd: () => void): Response {
  const body = response.body?.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({ flush: onEnd, cancel: onEnd }),
  );
  return new Response(body ?? null, response);
}

/** The resources that a `subscriptions/listen` names. */
function listened(body: unknown): string[] {
  const { method, params } = (body ?? {}) as {
    method?: unknown;
    params?: { notifications?: { resourceSubscriptions?: unknown } };
  };
  const uris = params?.notifications?.resourceSubscriptions;
  if (method !== LISTEN || !Array.isArray(uris)) return [];
  return uris.filter((uri) => typeof uri === "string");
}

/** The text of a body of at most so many bytes, or undefined if it has more. */
async function bodyOf(request: Request, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
