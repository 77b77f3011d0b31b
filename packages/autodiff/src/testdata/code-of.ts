/** The code of the PullbackError that an action throws. */
import { PullbackError } from "../index.ts";

export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof PullbackError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}
