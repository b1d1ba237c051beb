/**
 * What messages of JSON-RPC are about, before the SDK looks at them.
 *
 * @module
 */

/** What tells a request from the others of its client. */
export type Id = string | number;

/** Ends a request of its sender. */
export const CANCELLED = "notifications/cancelled";

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

interface Message {
  readonly method?: unknown;
  readonly id?: unknown;
  readonly params?: unknown;
}

/** The messages of a batch, or the one message. */
function messagesIn(body: unknown): Message[] {
  return (Array.isArray(body) ? body : [body]).map((message) => message ?? {});
}

/** Whether a value may be an id. */
export function isId(id: unknown): id is Id {
  return typeof id === "string" || typeof id === "number";
}
