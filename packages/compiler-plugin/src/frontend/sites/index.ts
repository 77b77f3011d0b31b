/** Where a program asks for derivatives, and where it gives them. */
export { checkFields } from "./fields.ts";
export { stopping } from "./fixes.ts";
export { findSites, type OperatorSite, type SitesOfFile } from "./operators.ts";
export { findRegistrations, type Registration, type Registrations } from "./registrations.ts";
export { tagOf } from "./tags.ts";
export { WantedNames } from "./wanted-names.ts";
