import { StringDecoder } from 'node:string_decoder';

/** Of a line without end only this much is kept, in characters: no program's output may fill the memory. */
const LONGEST = 2 ** 16;

/**
 * Cuts text that comes in chunks of any size into lines, and hands each on as it comes.
 *
 * @returns `chunk` takes the next chunk; `end` hands on a last line that has no end of its own.
 */
export const lineCutter = (take: (line: string) => void): { chunk: (chunk: Buffer) => void; end: () => void } => {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return {
    chunk: (chunk) => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop()!.slice(0, LONGEST);
      for (const line of lines) take(line);
    },
    end: () => {
      if (rest !== '') take(rest);
    },
  };
};
