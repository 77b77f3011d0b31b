/** Early release of what derivatives no longer need. */

export { held, release, sum } from "./generated.ts";
export { drop, hold, leavesOf, own, ownTree, ticked } from "./holders.ts";
