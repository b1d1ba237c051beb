/** The proxies of the docs, where they are installed; `.ci/run` installs them. */

import assert from "node:assert/strict";
import { type AedesBroker, startAedes } from "../brokers/aedes.ts";
import { freePort } from "../brokers/ports.ts";
import { until } from "../brokers/until.ts";
import { modern, post } from "./raw_http.ts";
import { callHttp, connected, KEY, type Serving, serving } from "./served_http.ts";

const hasNginx = await new Deno.Command("nginx", { args: ["-v"] }).output()
  .then(({ success }) => success, () => false);

/** The `nginx` of a block in the docs, on a free port. */
async function nginxOf(
  file: string,
  change: (config: string) => string,
): Promise<AsyncDisposable & { readonly url: URL }> {
  const docs = await Deno.readTextFile(new URL(`../../docs/${file}`, import.meta.url));
  const [, block = ""] = /```nginx\n([^]*?)```/.exec(docs) ?? [];
  const folder = await Deno.makeTempDir();
  const port = freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  const [location = ""] = /location[^]*$/.exec(block) ?? [];
  const before = change(block.replace(location, ""));
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
    http { access_log off; ${temporary} ${before}
      server { listen 127.0.0.1:${port}; ${change(location)} } }`,
  );
  const nginx = new Deno.Command("nginx", {
    args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = new URL(`http://127.0.0.1:${port}/mcp`);
  await until(() => fetch(url).then(({ body }) => body?.cancel().then(() => true), () => false), {
    what: "nginx",
  });
  return {
    url,
    async [Symbol.asyncDispose](): Promise<void> {
      nginx.kill("SIGTERM");
      await nginx.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test({
  name: "HTTP works behind the nginx of docs/http.md",
  ignore: !hasNginx,
  async fn() {
    await using server = await serving({ api_key: KEY });
    const to = (config: string): string => config.replace("127.0.0.1:8080", server.url.host);
    await using nginx = await nginxOf("http.md", to);
    for (const mode of ["auto", "legacy"] as const) {
      await using client = await connected(nginx.url, mode);
      assert.equal((await callHttp(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
    }
  },
});

const hasCaddy = await new Deno.Command("caddy", { args: ["version"] }).output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: "HTTP works behind the Caddy of docs/http.md",
  ignore: !hasCaddy,
  async fn() {
    await using server = await serving({ api_key: KEY });
    const docs = await Deno.readTextFile(new URL("../../docs/http.md", import.meta.url));
    const [, block = ""] = /```caddyfile\n([^]*?)```/.exec(docs) ?? [];
    const folder = await Deno.makeTempDir();
    const url = new URL(`http://127.0.0.1:${freePort()}/mcp`);
    await Deno.writeTextFile(
      `${folder}/Caddyfile`,
      `{\n  admin off\n}\n${
        block.replace("mqtt.example.org", url.origin).replace("127.0.0.1:8080", server.url.host)
      }`,
    );
    const caddy = new Deno.Command("caddy", {
      args: ["run", "--config", `${folder}/Caddyfile`],
      env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      stdout: "null",
      stderr: "null",
    }).spawn();
    const isUp = (): Promise<boolean> =>
      fetch(url).then(({ body }) => body?.cancel().then(() => true) ?? true, () => false);
    try {
      await until(isUp, { what: "Caddy" });
      for (const mode of ["auto", "legacy"] as const) {
        await using client = await connected(url, mode);
        assert.equal((await callHttp(client, "mqtt_read", { topic: "t/a" }))["payload"], "21");
      }
    } finally {
      caddy.kill("SIGTERM");
      await caddy.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** A process on the broker that it shares with another. */
const servingOn = ({ host, port }: AedesBroker): Promise<Serving> =>
  serving({ api_key: KEY }, { mqtt: { host, port } });

/** What a publish said that was begun before or after something. */
interface Told {
  readonly payload: string;
  readonly begunAt: number;
  readonly isAcknowledged: boolean;
}

/** Publishes over and over as four clients do, until it is stopped. */
function publishing(url: URL): { readonly told: readonly Told[]; stop(): Promise<void> } {
  const told: Told[] = [];
  let isOver = false;
  const all = [1, 2, 3, 4].map(async (client) => {
    for (let n = 0; !isOver; n++) {
      const payload = `${client}-${n}`;
      const begunAt = performance.now();
      const raw = modern("mqtt_publish", { topic: "t/shared", payload, qos: 1 });
      const response = await post(url, raw);
      const text = await response.text();
      told.push({ payload, begunAt, isAcknowledged: text.includes('"acknowledged"') });
    }
  });
  return {
    told,
    async stop(): Promise<void> {
      isOver = true;
      await Promise.all(all);
    },
  };
}

Deno.test({
  name:
    "two processes behind the nginx of docs/scaling.md serve on when one is killed in the middle",
  ignore: !hasNginx,
  async fn() {
    await using broker = await startAedes();
    await using first = await servingOn(broker);
    await using second = await servingOn(broker);
    const to = (config: string): string =>
      config.replace("127.0.0.1:8081", first.url.host).replace("127.0.0.1:8082", second.url.host);
    await using nginx = await nginxOf("scaling.md", to);
    await using client = await connected(nginx.url, "auto");
    const askedProcesses = async (): Promise<number> => {
      const ids = new Set<unknown>();
      for (let i = 0; i < 8; i++) {
        const { broker } = await callHttp(client, "mqtt_status", {});
        ids.add((broker as { client_id?: unknown }).client_id);
      }
      return ids.size;
    };
    assert.equal(await askedProcesses(), 2);
    const { told, stop } = publishing(nginx.url);
    await until(() => told.length >= 40, { what: "publishes by both" });
    await second.kill();
    const killedAt = performance.now();
    const since = (): number => told.filter(({ begunAt }) => begunAt > killedAt).length;
    await until(() => since() >= 40, { what: "publishes by the other" });
    await stop();
    assert.equal(await askedProcesses(), 1);
    // Only what was under way may have failed, of each client the one call.
    const failed = told.filter(({ isAcknowledged }) => !isAcknowledged);
    assert.ok(failed.every(({ begunAt }) => begunAt < killedAt), JSON.stringify(failed));
    assert.ok(failed.length <= 4, JSON.stringify(failed));
    const arrived = broker.published.filter(({ topic }) => topic === "t/shared")
      .map(({ payload }) => `${payload}`);
    assert.equal(new Set(arrived).size, arrived.length, "one was carried out twice");
    for (const { payload, isAcknowledged } of told) {
      assert.ok(!isAcknowledged || arrived.includes(payload), `${payload} was lost`);
    }
  },
});
