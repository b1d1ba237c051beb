/**
 * What stands in the body of a request over HTTP, before the SDK looks at it.
 *
 * @module
 */
import { bounded } from "../wait.ts";

/** What tells a request of JSON-RPC from the others of its client. */
export type Id = string | number;

/** Opens a stream that tells of what changes, since revision 2026-07-28. */
export const LISTEN = "subscriptions/listen";
/** Ends a request of its sender. */
export const CANCELLED = "notifications/cancelled";

/** What a body holds, or why it is not taken. */
export type Body =
  | { readonly value: unknown }
  | { readonly refusal: string; readonly status: 400 | 408 | 413 };

/** Reads a body of JSON. One that says itself that it is too large is refused before it comes. */
export async function readBody(
  request: Request,
  { maxBytes, timeoutMs }: { readonly maxBytes: number; readonly timeoutMs: number },
): Promise<Body> {
  const length = request.headers.get("content-length");
  let text: string | undefined;
  try {
    if (length === null || Number(length) <= maxBytes) {
      // Deno passes no more on than the length says; all of it at once takes a tenth of the time.
      text = await bounded(length === null ? textInChunks(request, maxBytes) : request.text(), {
        timeoutMs,
      });
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") {
      return { refusal: `the body did not come within ${timeoutMs / 1000} s`, status: 408 };
    }
    // The client has gone in the middle of it, or its chunks are none.
    return { refusal: "the body did not come whole", status: 400 };
  }
  if (text === undefined) return { refusal: `a body may have ${maxBytes} bytes`, status: 413 };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { refusal: "the body is no JSON", status: 400 };
  }
}

/** A body whose size nobody knows; undefined if it is too large. */
async function textInChunks(request: Request, maxBytes: number): Promise<string | undefined> {
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

/** The ids of the requests; one that stands twice is given twice. */
export function requestsIn(body: unknown): Id[] {
  return messagesIn(body).flatMap(({ method, id }) =>
    typeof method === "string" && isId(id) ? [id] : []
  );
}

/** The ids of the requests that are cancelled. */
export function cancelledIn(body: unknown): Id[] {
  return messagesIn(body).flatMap(({ method, params }) => {
    const id = (params as { requestId?: unknown } | null | undefined)?.requestId;
    return method === CANCELLED && isId(id) ? [id] : [];
  });
}

/** The resources that a `subscriptions/listen` names; undefined for any other body. */
export function listenedIn(body: unknown): string[] | undefined {
  const { method, params } = (body ?? {}) as {
    method?: unknown;
    params?: { notifications?: { resourceSubscriptions?: unknown } };
  };
  if (method !== LISTEN) return undefined;
  const uris = params?.notifications?.resourceSubscriptions;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === "string") : [];
}

interface Message {
  readonly method?: unknown;
  readonly id?: unknown;
  readonly params?: unknown;
}

/** The messages of a batch, or the one message. */
function messagesIn(body: unknown): Message[] {
  return (Array.isArray(body) ? body : [body]).map((message) => message ?? {});
}

function isId(id: unknown): id is Id {
  return typeof id === "string" || typeof id === "number";
}
