/**
 * The systems that an executable is made for: the one table that compiling, packing and the
 * workflows follow.
 *
 * @module
 */

/** One system and CPU. */
export interface Target {
  /** As in the names of the files: `linux-x64`. */
  readonly name: string;
  /** As `deno compile --target` has it. */
  readonly triple: string;
  /** As an MCPB manifest has it: that of `process.platform`. */
  readonly platform: "linux" | "darwin" | "win32";
  /** As the OCI image index has it; undefined where no image is made. */
  readonly imageArch?: "amd64" | "arm64";
}

/** Every target. */
export const TARGETS: readonly Target[] = [
  {
    name: "linux-x64",
    triple: "x86_64-unknown-linux-gnu",
    platform: "linux",
    imageArch: "amd64",
  },
  {
    name: "linux-arm64",
    triple: "aarch64-unknown-linux-gnu",
    platform: "linux",
    imageArch: "arm64",
  },
  { name: "macos-x64", triple: "x86_64-apple-darwin", platform: "darwin" },
  { name: "macos-arm64", triple: "aarch64-apple-darwin", platform: "darwin" },
  { name: "windows-x64", triple: "x86_64-pc-windows-msvc", platform: "win32" },
];

/** The file name of the executable: `mcpmqtt-linux-x64`, `mcpmqtt-windows-x64.exe`. */
export function executableName({ name, platform }: Target): string {
  return `mcpmqtt-${name}${platform === "win32" ? ".exe" : ""}`;
}

/** The file name of the MCP bundle: `mcpmqtt-0.1.0-linux-x64.mcpb`. */
export function mcpbName({ name }: Target, version: string): string {
  return `mcpmqtt-${version}-${name}.mcpb`;
}
