/** A run as a page: curves as SVG, in one file that needs no network and no script. */
import type { LogEntry } from "./run-log.ts";

interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** The HTML page of a run: training and validation loss, the metrics, the learning rate, and a table of validations. */
export function htmlReport(title: string, entries: readonly LogEntry[]): string {
  const losses = seriesOf("training", entries, (entry) => entry.loss);
  const validations = entries.filter((entry) => entry.validation !== undefined);
  const names = [...new Set(validations.flatMap((entry) => Object.keys(entry.validation!)))];
  const ofValidation = (name: string) =>
    seriesOf(`validation ${name}`, validations, (entry) => entry.validation![name]);
  const charts = [
    chart("loss", [losses, smoothed(losses), ofValidation("loss")]),
    ...names.filter((name) => name !== "loss").map((name) => chart(name, [ofValidation(name)])),
    chart("learning rate", [seriesOf("learning rate", entries, (entry) => entry.learningRate)]),
  ];
  const last = entries.at(-1);
  const facts = last === undefined ? "no steps" : `${last.step} steps in ${last.seconds.toFixed(1)} s`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
svg { width: 100%; height: auto; } table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: right; }
th { border-bottom: 1px solid #999; } text { font: 11px system-ui, sans-serif; fill: #555; }
</style></head><body>
<h1>${escaped(title)}</h1><p>${facts}</p>
${charts.join("\n")}
${table(names, validations)}
</body></html>
`;
}

function seriesOf(name: string, entries: readonly LogEntry[], y: (entry: LogEntry) => number | undefined): Series {
  const points = entries.flatMap((entry): [number, number][] => {
    const value = y(entry);
    return value === undefined || !Number.isFinite(value) ? [] : [[entry.step, value]];
  });
  return { name, points };
}

/** A running mean over about a fiftieth of the run. */
function smoothed({ points }: Series): Series {
  const weight = 1 / Math.max(1, points.length / 50);
  let mean = points[0]?.[1] ?? 0;
  const means = points.map(([x, y]) => {
    mean += (y - mean) * weight;
    return [x, mean] as const;
  });
  return { name: "running mean", points: means };
}

const [width, height, left, bottom, top] = [720, 260, 60, 30, 20];
const colours = ["#b8cfe8", "#1f5fa8", "#c8501e"];

function chart(title: string, all: readonly Series[]): string {
  const series = all.filter(({ points }) => points.length > 0);
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return "";
  const extent = (axis: 0 | 1): [number, number] => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const point of points) {
      low = Math.min(low, point[axis]);
      high = Math.max(high, point[axis]);
    }
    return low === high ? [low - 0.5, high + 0.5] : [low, high];
  };
  const [[x0, x1], [y0, y1]] = [extent(0), extent(1)];
  const px = (x: number) => left + ((x - x0) / (x1 - x0)) * (width - left - 10);
  const py = (y: number) => height - bottom - ((y - y0) / (y1 - y0)) * (height - bottom - top);
  const lines = series.map(({ name, points: own }, i) => {
    const colour = colours[series.length === 1 ? 1 : i % colours.length]!;
    const path = thinned(own).map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`);
    const legend = `<text x="${left + 8 + i * 150}" y="${top - 6}" style="fill:${colour}">${escaped(name)}</text>`;
    return `<polyline points="${path.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5"/>${legend}`;
  });
  const ticks = [y0, (y0 + y1) / 2, y1].map(
    (y) =>
      `<line x1="${left}" x2="${width - 10}" y1="${py(y)}" y2="${py(y)}" stroke="#eee"/>` +
      `<text x="${left - 6}" y="${py(y) + 4}" text-anchor="end">${label(y)}</text>`,
  );
  const steps = [x0, x1].map(
    (x, i) =>
      `<text x="${px(x)}" y="${height - 8}" text-anchor="${i === 0 ? "start" : "end"}">step ${Math.round(x)}</text>`,
  );
  const content = [...ticks, ...steps, ...lines].join("\n");
  return `<h2>${escaped(title)}</h2><svg viewBox="0 0 ${width} ${height}" role="img">${content}</svg>`;
}

/** At most 1500 points: a page of a long run stays small. */
function thinned(points: Series["points"]): Series["points"] {
  const every = Math.ceil(points.length / 1500);
  return every <= 1 ? points : points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

function table(names: readonly string[], validations: readonly LogEntry[]): string {
  if (validations.length === 0) return "";
  const head = ["step", "epoch", ...names].map((name) => `<th>${escaped(name)}</th>`).join("");
  const rows = validations.slice(-50).map(({ step, epoch, validation }) => {
    const cells = [String(step), String(epoch + 1), ...names.map((name) => label(validation![name] ?? Number.NaN))];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return `<h2>validations</h2><table><tr>${head}</tr>${rows.join("\n")}</table>`;
}

const label = (value: number): string => (value === 0 ? "0" : String(Number(value.toPrecision(4))));

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
