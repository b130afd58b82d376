import { readFile } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { ConfigError, UsageError } from '../errors.js';

/** What a YAML file says, and where it says it. */
export interface YamlFile {
  value: unknown;
  /** `model.lora.r` → `configs/base.yaml:7:5`. */
  places: Map<string, string>;
}

/**
 * Reads one YAML file.
 *
 * @throws {UsageError} `CONFIG_NOT_READABLE`
 * @throws {ConfigError} on YAML that is not well-formed, with the place of each mistake
 */
export async function readYamlFile(file: string): Promise<YamlFile> {
  const name = displayName(file);
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new UsageError({ code: 'CONFIG_NOT_READABLE', message: `${name} cannot be read: ${reason}`, cause });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };

  const mistakes = [...document.errors, ...document.warnings];
  if (mistakes.length > 0) {
    const issues = mistakes.map(({ message, pos }) => ({ place: place(pos[0]), path: '', message }));
    throw new ConfigError({ file: name, issues });
  }
  const places = new Map<string, string>();
  locate(document.contents, [], (path, offset) => places.set(path.join('.'), place(offset)));
  try {
    return { value: document.toJS(), places };
  } catch (cause) {
    // An alias without an anchor, or aliases that unfold without end.
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError({ file: name, issues: [{ path: '', message }], cause });
  }
}

/** A file as people know it: relative where it is inside the current folder. */
export function displayName(file: string): string {
  const local = relative(process.cwd(), file);
  return local === '' || local.startsWith('..') || isAbsolute(local) ? file : local;
}

/** Calls back with the path and the offset of every key and list element below `node`. */
function locate(node: Node | null, path: string[], found: (path: string[], offset: number) => void): void {
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const at = [...path, String(key.value)];
      found(at, key.range?.[0] ?? 0);
      locate(value as Node | null, at, found);
    }
  } else if (isSeq(node)) {
    for (const [i, item] of node.items.entries()) {
      const at = [...path, String(i)];
      found(at, (item as Node | null)?.range?.[0] ?? 0);
      locate(item as Node | null, at, found);
    }
  }
}
