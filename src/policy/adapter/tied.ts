import { type Change, type Changes, EMBEDDING, HEAD } from './change.js';

export const EMBEDDING_WEIGHT = `${EMBEDDING}.weight`;
export const HEAD_WEIGHT = `${HEAD}.weight`;

/**
 * Changes to a model whose output layer is its embedding. peft changes a layer, not the weight that it shares: only a
 * weight that stands in the file for the model's own, and rows of tokens, are of both.
 *
 * @returns the changes with both layers' own, and whether that makes two different weights of the one
 */
export function tiedChanges(changes: Changes): { changes: Changes; splits: boolean } {
  if (!changes.has(EMBEDDING_WEIGHT) && !changes.has(HEAD_WEIGHT)) return { changes, splits: false };
  const [embedding, head] = [changes.get(EMBEDDING_WEIGHT) ?? {}, changes.get(HEAD_WEIGHT) ?? {}];
  const isOwn = ({ isCopy, factors }: Change) => isCopy === true || factors !== undefined;
  const splits = isOwn(embedding) || isOwn(head) || head.rows !== undefined;
  const shared = [embedding, head].find(({ whole, isCopy }) => whole !== undefined && isCopy !== true)?.whole;
  const of = (layer: Change): Change => ({
    ...layer,
    whole: layer.isCopy === true ? layer.whole : shared,
    rows: layer.rows ?? embedding.rows,
  });
  const both: Changes = new Map(changes);
  for (const [weight, change] of [[EMBEDDING_WEIGHT, of(embedding)] as const, [HEAD_WEIGHT, of(head)] as const])
    both.set(weight, change);
  return { changes: both, splits };
}
