/**
 * Randomness without state: every number is a pure function of its keys (seed, step, sample, generation, token, …),
 * so that a resumed run repeats the uninterrupted one and nobody has to hand a generator around.
 */

/** The finaliser of MurmurHash3: every input bit changes every output bit with probability about one half. */
function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A 32-bit key of a text (FNV-1a), for keys that are names. */
export function textKey(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** 32 random bits that depend on all keys and their order. Keys are integers (their low 32 bits count). */
export function randomBits(...keys: number[]): number {
  let h = 0x9e3779b9;
  for (const key of keys) h = mix(h ^ mix((key | 0) + 0x7f4a7c15)) + 0x6d2b79f5;
  return mix(h);
}

/** Uniform in [0, 1), with 53 random bits. */
export function uniform(...keys: number[]): number {
  const high = randomBits(...keys, 1) >>> 5;
  const low = randomBits(...keys, 2) >>> 6;
  return (high * 67108864 + low) / 9007199254740992;
}

/** Standard normal (Box–Muller). */
export function normal(...keys: number[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(...keys, 3)));
  return radius * Math.cos(2 * Math.PI * uniform(...keys, 4));
}

/** A permutation of 0 … n−1 (Fisher–Yates). */
export function permutation(n: number, ...keys: number[]): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform(...keys, i) * (i + 1));
    const swap = order[i]!;
    order[i] = order[j]!;
    order[j] = swap;
  }
  return order;
}
