/** What an own backend starts from: every primitive by way of the host, until it is overridden. */
export { HostedBackend } from "./hosted-backend.ts";
