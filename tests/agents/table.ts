/** The measured section of `docs/agents.md`: written by `scripts/agents.ts`, read by the test. */

import type { Measured, Preamble } from "./measure.ts";

/** A row as it stands in the docs. */
export interface DocumentedTask {
  readonly title: string;
  readonly tools: readonly string[];
  readonly calls: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What the docs say. */
export interface Documented {
  readonly tasks: readonly DocumentedTask[];
  readonly preamble: Preamble;
}

const SECTION = /(<!-- measured:agents -->\n)([^]*?)(\n<!-- \/measured -->)/;
const HEAD = "| task | tools | calls | bytes in | bytes out |\n| --- | --- | ---: | ---: | ---: |";

/**
 * The text with its measured section made anew.
 *
 * @throws where it has none
 */
export function withMeasured(
  text: string,
  measured: readonly Measured[],
  preamble: Preamble,
): string {
  if (!SECTION.test(text)) throw new Error("there is no <!-- measured:agents --> section");
  const rows = measured.map(({ task, tools, bytesIn, bytesOut }) =>
    `| ${task.title} | ${tools.map((tool) => `\`${tool}\``).join(", ")} | ${
      [tools.length, bytesIn, bytesOut].join(" | ")
    } |`
  );
  const section = [
    [HEAD, ...rows].join("\n"),
    `Before its first call a model reads \`tools/list\`, ${preamble.toolsList} bytes, and the instructions of the demo's grants, ${preamble.instructions} bytes.`,
  ].join("\n\n");
  return text.replace(SECTION, (_, begin, _old, end) => `${begin}\n${section}\n${end}`);
}

/**
 * What the measured section says.
 *
 * @throws where it is not of the form that {@linkcode withMeasured} gives it
 */
export function readMeasured(text: string): Documented {
  const [, , section = ""] = SECTION.exec(text) ?? [];
  const tasks = section.split("\n").flatMap((line) => {
    const [, title = "", tools = "", ...numbers] =
      /^\| (.+?) +\| ((?:`\w+`(?:, )?)+) +\| +(\d+) \| +(\d+) \| +(\d+) \|$/.exec(line) ?? [];
    const [calls = 0, bytesIn = 0, bytesOut = 0] = numbers.map(Number);
    const names = [...tools.matchAll(/\w+/g)].map(([name]) => name);
    return title === "" ? [] : [{ title, tools: names, calls, bytesIn, bytesOut }];
  });
  const prose = section.replaceAll(/\s+/g, " ");
  const [, toolsList, instructions] =
    /`tools\/list`, (\d+) bytes, and the instructions of the demo's grants, (\d+) bytes\./
      .exec(prose) ?? [];
  if (tasks.length === 0 || instructions === undefined) {
    throw new Error("the measured section is not of its form; run: deno task agents");
  }
  return {
    tasks,
    preamble: { toolsList: Number(toolsList), instructions: Number(instructions) },
  };
}
