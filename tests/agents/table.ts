/** The measured sections of `docs/agents.md`, one for each world: written by `scripts/agents.ts`, read by the test. */

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

/** The section of a world. */
function sectionOf(world: string): RegExp {
  return new RegExp(`(<!-- measured:${world} -->\\n)([^]*?)(\\n<!-- /measured -->)`);
}

const HEAD = "| task | tools | calls | bytes in | bytes out |\n| --- | --- | ---: | ---: | ---: |";

/**
 * The text with its measured section made anew.
 *
 * @throws where it has none
 */
export function withMeasured(
  text: string,
  world: string,
  { measured, preamble }: { readonly measured: readonly Measured[]; readonly preamble: Preamble },
): string {
  const place = sectionOf(world);
  if (!place.test(text)) throw new Error(`there is no <!-- measured:${world} --> section`);
  const rows = measured.map(({ task, tools, bytesIn, bytesOut }) =>
    `| ${task.title} | ${tools.map((tool) => `\`${tool}\``).join(", ")} | ${
      [tools.length, bytesIn, bytesOut].join(" | ")
    } |`
  );
  const sum = (count: (one: Measured) => number): number =>
    measured.reduce((total, one) => total + count(one), 0);
  const section = [
    [HEAD, ...rows].join("\n"),
    `All together: ${sum(({ tools }) => tools.length)} calls, ${
      sum(({ bytesIn }) => bytesIn)
    } bytes in, ${
      sum(({ bytesOut }) => bytesOut)
    } bytes out. Before its first call a model reads \`tools/list\`, ${preamble.toolsList} bytes, and the instructions, ${preamble.instructions} bytes.`,
  ].join("\n\n");
  return text.replace(place, (_, begin, _old, end) => `${begin}\n${section}\n${end}`);
}

/**
 * What the measured section says.
 *
 * @throws where it is not of the form that {@linkcode withMeasured} gives it
 */
export function readMeasured(text: string, world: string): Documented {
  const [, , section = ""] = sectionOf(world).exec(text) ?? [];
  const tasks = section.split("\n").flatMap((line) => {
    const [, title = "", tools = "", ...numbers] =
      /^\| (.+?) +\| ((?:`\w+`(?:, )?)+) +\| +(\d+) \| +(\d+) \| +(\d+) \|$/.exec(line) ?? [];
    const [calls = 0, bytesIn = 0, bytesOut = 0] = numbers.map(Number);
    const names = [...tools.matchAll(/\w+/g)].map(([name]) => name);
    return title === "" ? [] : [{ title, tools: names, calls, bytesIn, bytesOut }];
  });
  const prose = section.replaceAll(/\s+/g, " ");
  const [, toolsList, instructions] =
    /`tools\/list`, (\d+) bytes, and the instructions, (\d+) bytes\./
      .exec(prose) ?? [];
  if (tasks.length === 0 || instructions === undefined) {
    throw new Error("the measured section is not of its form; run: deno task agents");
  }
  return {
    tasks,
    preamble: { toolsList: Number(toolsList), instructions: Number(instructions) },
  };
}
