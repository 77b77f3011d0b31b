/** TypeScript types as differentiation sees them. */
export { inert, Types } from "./convert.ts";
export type { ProtocolKey } from "./protocol.ts";
