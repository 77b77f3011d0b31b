/** TypeScript types as differentiation sees them. */
export { fieldName, inert, Types, unionOf } from "./convert.ts";
export { Protocol, type ProtocolKey } from "./protocol.ts";
