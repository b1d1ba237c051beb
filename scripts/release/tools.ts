/**
 * The tools of others that packing and validating use, with their versions. None is part of the
 * program; each comes from the registry of its language when it is called for.
 *
 * @module
 */

/** Checks and packs MCP bundles; npm. */
export const MCPB = "@anthropic-ai/mcpb@2.1.2";
/** Checks Dockerfiles; npm. */
export const DOCKERFILE_UTILS = "dockerfile-utils@0.16.3";
/** Checks workflows; Go. */
export const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";
/** Checks bills of materials against the schema of CycloneDX; PyPI. */
export const CYCLONEDX = "cyclonedx-python-lib[json-validation]==11.12.0";
