/** The only place that loads a TypeScript API. */
import { listProject, type ProjectFiles } from "./configuration.ts";
import { loadTypeScript } from "./typescript.ts";

export type { ProjectFiles } from "./configuration.ts";
export { descend } from "./descend.ts";
export {
  abiVersion,
  type Manifest,
  type PublishedMode,
  publishedModes,
  publishedName,
  refusalOf,
} from "./published.ts";
export { reparse } from "./reparse.ts";
export { forgetSources } from "./source-files.ts";
export { type StripOptions, type Stripped, stripTypes } from "./strip.ts";
export { type HostOptions, TypeHost } from "./type-host.ts";
export { loadTypeScript, type TypeScript } from "./typescript.ts";

/** The TypeScript files of a project, as its tsconfig lists them. */
export function projectFiles(projectFolder: string, tsconfig?: string): ProjectFiles {
  return listProject(loadTypeScript(projectFolder).ts, projectFolder, tsconfig);
}
