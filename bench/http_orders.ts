/**
 * What the program `http_clients` is told.
 *
 * @module
 */

/** A request to `/mcp`. */
export interface HttpRequest {
  /** Default: POST. */
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Ask for a while from so many clients; the requests are shared out among them. */
export interface HttpLoad {
  readonly port: number;
  readonly requests: readonly HttpRequest[];
  readonly clients: number;
  readonly ms: number;
}

/** What came of a load. */
export interface HttpFigures {
  readonly count: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that are an error of any kind, and the first of them. */
  readonly faults: number;
  readonly fault?: string;
}

/** One order. */
export type HttpOrder =
  | { readonly order: "load" } & HttpLoad
  | {
    readonly order: "begin";
    readonly port: number;
    readonly initialize: HttpRequest;
    readonly initialized: HttpRequest;
    readonly count: number;
  }
  | {
    readonly order: "listen";
    readonly port: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly ids: readonly string[];
  };
