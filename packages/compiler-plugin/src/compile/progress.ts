/** Tells a waiting person that the first compilation is under way. Silent when it is quick. */
import { writeSync } from "node:fs";
import { isatty } from "node:tty";

export interface Progress {
  step(what: string): void;
  done(): void;
}

/** Shorter compilations say nothing, in milliseconds: nobody waits in front of a log file. */
const patience = { terminal: 700, elsewhere: 3000 };

/** On a terminal one line that is rewritten and finally cleared; elsewhere one line, once. */
export function terminalProgress(): Progress {
  const started = Date.now();
  const terminal = isatty(2);
  let lastShown = 0;
  return {
    step(what) {
      const now = Date.now();
      if (now - started < (terminal ? patience.terminal : patience.elsewhere) || now - lastShown < 80) return;
      // A hooks thread has no console of its own that is sure to be flushed in time: the descriptor is.
      if (terminal) write(`\r\u001b[2Kpullback: compiling: ${what}`);
      else if (lastShown === 0) write("pullback: compiling (the result is kept for the next start)\n");
      lastShown = now;
    },
    done() {
      if (terminal && lastShown > 0) write("\r\u001b[2K");
    },
  };
}

export const noProgress: Progress = { step() {}, done() {} };

function write(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // A full pipe (EAGAIN) or a closed one: progress is not worth an error.
  }
}
