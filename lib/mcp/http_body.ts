/**
 * The body of a request over HTTP.
 *
 * @module
 */
import { readRequestBody } from "@modelcontextprotocol/server";
import { bounded } from "../wait.ts";

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
      const reading = length === null
        ? readRequestBody(request, maxBytes).then((read) => read.tooLarge ? undefined : read.text)
        : request.text();
      text = await bounded(reading, { timeoutMs });
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
