/** Walks over syntax that may be nested thousands of levels deep, as a sum of thousands of terms is. */
import type ts from "typescript";

/** Visits `root` and what it contains in source order; nothing inside a node for which `visit` answers false. */
export function descend(root: ts.Node, visit: (node: ts.Node) => unknown): void {
  const ahead = [root];
  for (let node = ahead.pop(); node !== undefined; node = ahead.pop()) {
    if (visit(node) === false) continue;
    const first = ahead.length;
    node.forEachChild((child) => {
      ahead.push(child);
    });
    for (let i = first, j = ahead.length - 1; i < j; i++, j--) {
      const child = ahead[i] as ts.Node;
      ahead[i] = ahead[j] as ts.Node;
      ahead[j] = child;
    }
  }
}
