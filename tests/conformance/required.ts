/** What has to be downloaded for a test, and may be out of reach. */

/**
 * Whether it is there. Without it the tests that need it are ignored, by name;
 * `MCPMQTT_REQUIRE_CONFORMANCE=1` makes that a failure.
 *
 * @param missing downloads it, and gives why it cannot be had
 */
export async function offered(
  what: string,
  missing: () => Promise<string | undefined>,
): Promise<boolean> {
  const why = await missing();
  if (why === undefined) return true;
  const text = `${what} cannot be had: ${why}`;
  if (Deno.env.get("MCPMQTT_REQUIRE_CONFORMANCE") === "1") throw new Error(text);
  console.error(text);
  return false;
}
