/** The differentiating compiler: the functions behind the command line. Hosts have entry points of their own. */
export {
  type BuildOptions,
  build,
  type CheckOptions,
  check,
  type ExplainOptions,
  explain,
  type Place,
  type ReportedDiagnostic,
  type RunOptions,
  run,
  watch,
} from "./cli/index.ts";
export { type OpenOptions, openSession, type ProgramSession } from "./hosts/session.ts";
