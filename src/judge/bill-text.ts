import type { Bill } from './spending.js';

/** What a judge has cost, for people. */
export function billText({ calls, cached, failed, input_tokens, output_tokens, cost, faults }: Bill): string {
  const kinds = Object.entries(faults).map(([kind, count]) => `${kind.replaceAll('_', ' ')} ${count}`);
  const parts = [
    `judge: ${calls} calls, ${cached} replies that were there already`,
    `${input_tokens} + ${output_tokens} tokens`,
    ...(cost === null ? [] : [`${cost.toFixed(4)} US dollars`]),
    ...(kinds.length === 0 ? [] : [`faults: ${kinds.join(', ')}`]),
    ...(failed === 0 ? [] : [`${failed} questions without a reply`]),
  ];
  return parts.join('; ');
}
