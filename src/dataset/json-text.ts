import { DataError } from '../system/errors.js';

/** JSON as Python writes it too: `NaN` and `Infinity`, which are no JSON, become null. @throws SyntaxError */
export function parseJsonLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const plain = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (part) =>
      part.startsWith('"') ? part : 'null',
    );
    if (plain === text) throw error;
    return JSON.parse(plain);
  }
}

/**
 * Looks whether a text is JSON, but not an object a line.
 * @throws DataError `DATA_FORMAT`, with what to do about it.
 */
export function refuseWholeJson({ file, text }: { file: string; text: string }): void {
  const trimmed = text.trim();
  const [first = ''] = trimmed.split(/[\r\n]/, 1);
  const isList = trimmed.startsWith('[') && (first === trimmed || !isJson(first));
  const isObject = trimmed.startsWith('{') && first !== trimmed && !isJson(first) && isJson(trimmed);
  if (!isList && !isObject) return;
  const what = isList ? 'a JSON list' : 'one JSON object over several lines';
  const each = isList ? '.[]' : '.';
  const message = `${file}: the file is ${what}; one object a line is needed: jq -c '${each}' ${file} > ${file.replace(/\.json$/i, '')}.jsonl`;
  throw new DataError({ code: 'DATA_FORMAT', message });
}

/** Where CSV is due. @throws DataError `DATA_FORMAT` for a text that is JSON. */
export function refuseJson({ file, text }: { file: string; text: string }): void {
  refuseWholeJson({ file, text });
  if (!/^\s*[[{]/.test(text)) return;
  const message = `${file}: the file is JSON, an object a line, where a CSV file is due; is its source “jsonl”?`;
  throw new DataError({ code: 'DATA_FORMAT', message });
}

function isJson(text: string): boolean {
  try {
    parseJsonLine(text);
    return true;
  } catch {
    return false;
  }
}
