import { isAbsolute, relative } from 'node:path';
import { ConfigError, UsageError } from '../system/errors.js';
import { openRegularFile } from '../system/regular-file.js';
import { parseYaml, placeIn } from './yaml-text.js';

/** No config that people write comes near; a data set or a model in its place does. */
const MAX_BYTES = 128 * 2 ** 10;

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
  const text = await readText(file).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new UsageError({ code: 'CONFIG_NOT_READABLE', message: `${name} cannot be read: ${reason}`, cause });
  });
  const { value, offsets, mistakes } = parseYaml(text);
  const placeOf = placeIn(text);
  const place = (offset: number) => `${name}:${placeOf(offset)}`;
  if (mistakes.length > 0) {
    const issues = mistakes.map(({ path, offset, message }) => ({ path, place: place(offset), message }));
    throw new ConfigError({ file: name, issues });
  }
  return { value, places: new Map([...offsets].map(([path, offset]) => [path, place(offset)])) };
}

/** @throws Error with a `message` that says what is wrong, or of the system */
async function readText(file: string): Promise<string> {
  const { handle, size } = await openRegularFile(file);
  try {
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, and no config has more than ${MAX_BYTES}`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await handle.readFile());
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new Error('it is not text in UTF-8: save it as UTF-8, or check that it is the right file', { cause });
  } finally {
    await handle.close();
  }
}

/** A file as people know it: relative where it is inside the current folder. */
export function displayName(file: string): string {
  const local = relative(process.cwd(), file);
  return local === '' || local.startsWith('..') || isAbsolute(local) ? file : local;
}
