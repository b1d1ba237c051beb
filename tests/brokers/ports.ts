/**
 * Ports of the loopback for what cannot bind to port 0, or has to be gone and come back on its port.
 *
 * They are below those that a system gives to connections and to whoever binds to port 0, so that
 * neither the tests beside nor the rest of the machine takes one of them by chance.
 */

const HOST = "127.0.0.1";
const HELD_PORTS = { least: 20_000, most: 29_998 } as const;
const FREE_PORTS = { least: 10_000, most: 19_999 } as const;
/** So many that all taken are a fault of the machine. */
const ATTEMPTS = 1_000;

/** A port that no other test takes until it is disposed of, whether something listens on it or not. */
export interface HeldPort extends Disposable {
  readonly port: number;
}

/**
 * Holds a port on which nothing listens: its neighbour is listened on for as long.
 *
 * @throws {Error} where none is to be had
 */
export function holdPort(random: () => number = Math.random): HeldPort {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = portOf(HELD_PORTS, random) & ~1;
    const guard = tryListen(port + 1);
    if (guard === undefined) continue;
    if (isFree(port)) return heldBy(guard, port);
    guard.close();
  }
  throw new Error("No port of the loopback is free");
}

/**
 * A port that nothing listens on at this moment.
 *
 * @throws {Error} where there is none
 */
export function freePort(): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = portOf(FREE_PORTS, Math.random);
    if (isFree(port)) return port;
  }
  throw new Error("No port of the loopback is free");
}

function heldBy(guard: Deno.TcpListener, port: number): HeldPort {
  let isHeld = true;
  return {
    port,
    [Symbol.dispose](): void {
      if (isHeld) guard.close();
      isHeld = false;
    },
  };
}

interface Range {
  readonly least: number;
  readonly most: number;
}

function portOf({ least, most }: Range, random: () => number): number {
  return least + Math.floor(random() * (most - least + 1));
}

function isFree(port: number): boolean {
  const listener = tryListen(port);
  listener?.close();
  return listener !== undefined;
}

/** Undefined where it is taken, or the system keeps it for itself. */
function tryListen(port: number): Deno.TcpListener | undefined {
  try {
    return Deno.listen({ hostname: HOST, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}
