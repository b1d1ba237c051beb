/**
 * A session over HTTP, as the generations before 2026-07-28 have them: its transport, and the calls
 * that are being answered over it.
 *
 * @module
 */
import {
  type JSONRPCMessage,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { givenUp, type HttpCall } from "./http_call.ts";
import { CANCELLED, cancelledIn, type Id, requestsIn } from "./json_rpc.ts";

const INVALID_REQUEST = -32_600;

/** The transport of one session. A call that is given up is cancelled, as if its client had done so. */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  /** What is being answered, by the id of each request in it. */
  readonly #calls = new Map<Id, HttpCall>();

  /** Answers a request over HTTP; the requests in the body of a POST are those of the call. */
  async answer(
    request: Request,
    { parsedBody, call }: { readonly parsedBody: unknown; readonly call: HttpCall },
  ): Promise<Response> {
    const ids = requestsIn(parsedBody);
    if (new Set(ids).size < ids.length || ids.some((id) => this.#calls.has(id))) {
      // Of two with one id one would never be answered, nor could it be cancelled.
      const error = { code: INVALID_REQUEST, message: "a request with this id is being answered" };
      return Response.json({ jsonrpc: "2.0", id: null, error }, { status: 400 });
    }
    for (const id of ids) this.#calls.set(id, call);
    call.onEnd(() => ids.forEach((id) => this.#calls.delete(id)));
    call.signal.addEventListener("abort", () => this.#cancel(call), { once: true });
    const response = await this.handleRequest(request, { parsedBody });
    for (const id of cancelledIn(parsedBody)) this.#onCancelled(id);
    return response;
  }

  override async send(message: JSONRPCMessage, options?: { relatedRequestId?: Id }): Promise<void> {
    await super.send(message, options);
    if (!("method" in message) && message.id !== undefined) {
      this.#calls.get(message.id)?.answered(message.id);
    }
  }

  override async close(): Promise<void> {
    for (const call of this.#calls.values()) call.giveUp("the session has ended");
    await super.close();
  }

  /** Ends what the requests without an answer began, and answers them with an error. */
  #cancel({ unanswered, signal }: HttpCall): void {
    const { message: reason } = signal.reason as Error;
    for (const requestId of unanswered) {
      this.onmessage?.({ jsonrpc: "2.0", method: CANCELLED, params: { requestId, reason } });
      this.#settle(givenUp(requestId, reason));
    }
  }

  /** The SDK answers no request that its client has cancelled, and would keep its stream open. */
  #onCancelled(id: Id): void {
    const call = this.#calls.get(id);
    if (call === undefined || !call.unanswered.has(id)) return;
    // Others in the same stream wait for their answers.
    if (call.unanswered.size === 1) this.closeSSEStream(id);
    this.#settle(givenUp(id, "cancelled"));
    call.answered(id);
  }

  /** Writes an answer if its stream is there. In any case the SDK forgets the request, and only so. */
  #settle(answer: JSONRPCMessage): void {
    const { onerror } = this;
    // It would complain that there is no stream, or that it has not come to the request yet.
    this.onerror = () => {};
    super.send(answer).catch(() => {});
    if (onerror !== undefined) this.onerror = onerror;
  }
}
