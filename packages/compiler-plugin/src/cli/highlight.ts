/** TypeScript source on a terminal: keywords, strings, numbers and comments told apart. */

const token =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)|(?<keyword>\b(?:as|break|case|catch|class|const|continue|default|do|else|export|extends|false|finally|for|function|if|import|in|instanceof|let|new|null|of|return|super|switch|this|throw|true|try|typeof|undefined|var|while)\b)|(?<number>\b\d[\w.]*\b)|(?<adjoint>\b[ds]_\w+)/g;

const colors: Record<string, string> = { comment: "2", string: "32", keyword: "35", number: "33", adjoint: "36" };

export function highlight(text: string): string {
  return text.replace(token, (...match) => {
    const groups = match.at(-1) as Record<string, string | undefined>;
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined);
    return kind === undefined ? match[0] : `\u001b[${colors[kind]}m${match[0]}\u001b[0m`;
  });
}
