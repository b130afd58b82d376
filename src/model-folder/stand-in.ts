/** As many bytes of a file's start as `standIn` looks at. */
export const START_BYTES = 64;

const KINDS: [start: RegExp, what: string][] = [
  [
    /^version https:\/\/git-lfs\.github\.com\//,
    'is a Git LFS pointer, not the file itself: run `git lfs pull` in its folder, or fetch the model with `hf download`',
  ],
  [
    /^\s*<(!doctype|html|\?xml)/i,
    'is a web page, not the file itself: the download was answered with a login or an error; fetch it again with `hf download`',
  ],
  [
    /^PK\W/,
    "is a zip archive (PyTorch's own files are): weights are read from safetensors only; write the model again with transformers' save_pretrained",
  ],
];

/** What stands in a file's place, by the file's first bytes, and what to do; undefined where nothing known does. */
export function standIn(start: Uint8Array): string | undefined {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.byteLength, START_BYTES)).toString('latin1');
  return KINDS.find(([pattern]) => pattern.test(text))?.[1];
}
