/** `<|im_end|>` and its like: what the tokenizers of models read as a sign of their own, not as text. */
const CONTROL_TOKEN = /<\|[A-Za-z0-9_]{1,40}\|>/;

/** Why texts cannot be shown to a model; undefined where they can. */
export function controlTokenProblem({ what, texts }: { what: string; texts: readonly string[] }): string | undefined {
  for (const text of texts) {
    const token = CONTROL_TOKEN.exec(text)?.[0];
    if (token !== undefined) return `${what} holds ${token}, which is no text to a model`;
  }
  return undefined;
}
