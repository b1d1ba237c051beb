/**
 * Waits beside the program until it has given up its permissions, and tries then what it should not be
 * able to do. To be imported before the program.
 */

const NAMES = ["read", "write", "run", "ffi", "sys", "env"] as const;

const state = (name: typeof NAMES[number]): string => Deno.permissions.querySync({ name }).state;

const TRIES: Readonly<Record<string, () => unknown>> = {
  read: () => Deno.readTextFileSync("/etc/hostname"),
  write: () => Deno.writeTextFileSync("mcpmqtt-probe", ""),
  run: () => new Deno.Command("true").outputSync(),
  ffi: () => Deno.dlopen("libc.so.6", {}),
  sys: () => Deno.hostname(),
  env: () => {
    if (Deno.env.get("HOME") === undefined) throw new Error("unseen");
  },
};

const timer = setInterval(() => {
  if (NAMES.some((name) => state(name) === "granted")) return;
  clearInterval(timer);
  for (const [name, attempt] of Object.entries(TRIES)) {
    try {
      attempt();
      console.error("could still", name);
    } catch {
      // As it should be.
    }
  }
  console.error("tried", Object.keys(TRIES).join());
}, 20);
