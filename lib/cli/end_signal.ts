/**
 * The signals that end the program.
 *
 * @module
 */

/** Settles with the name of the first signal that is to end the program. */
export function endSignal(stack: DisposableStack): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const isWindows = Deno.build.os === "windows";
  for (const signal of ["SIGINT", isWindows ? "SIGBREAK" : "SIGTERM"] as const) {
    const listener = (): void => resolve(signal);
    Deno.addSignalListener(signal, listener);
    stack.defer(() => Deno.removeSignalListener(signal, listener));
  }
  return promise;
}
