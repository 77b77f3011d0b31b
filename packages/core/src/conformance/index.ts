/**
 * `@pullback/core/conformance`: one table of cases for every backend. Load its areas, choose a backend, and run
 * the checks; docs/own-backend.md shows it for a backend of one's own.
 */

export { type Capability, capabilities } from "./capabilities.ts";
export { type Area, areaNames, type Case, loadAreas, type Make, parseArea } from "./cases.ts";
export { type Check, checksOf, dtypeNotHeld, type Report, runCheck, runConformance } from "./checks.ts";
