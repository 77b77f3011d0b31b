/** Early release of what derivatives no longer need. */
export { insertReleases, type Role } from "./insert.ts";
