import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ModelError } from '../../system/errors.js';

/** Environment variables of Hugging Face's tools. */
export interface HubSettings {
  /** Without a slash at its end. */
  endpoint: string;
  token?: string;
}

const ENDPOINT = 'https://huggingface.co';
const isOn = (value: string | undefined): boolean => /^(1|true|yes|on)$/i.test(value ?? '');

/** `HF_HUB_OFFLINE` */
export const isOffline = (): boolean => isOn(process.env.HF_HUB_OFFLINE) || isOn(process.env.TRANSFORMERS_OFFLINE);

/**
 * `HF_ENDPOINT`, and `HF_TOKEN` or the token that `hf auth login` has stored.
 *
 * @throws ModelError `HUB_ENDPOINT` for an address that is none
 */
export async function hubSettings(): Promise<HubSettings> {
  const endpoint = (process.env.HF_ENDPOINT || ENDPOINT).replace(/\/+$/, '');
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    const message = `HF_ENDPOINT is no web address: ${endpoint}`;
    throw new ModelError({ code: 'HUB_ENDPOINT', message });
  }
  const { HF_TOKEN, HF_TOKEN_PATH, HF_HOME } = process.env;
  const file = HF_TOKEN_PATH ?? path.join(HF_HOME ?? path.join(homedir(), '.cache', 'huggingface'), 'token');
  const token = (HF_TOKEN ?? (await readFile(file, 'utf8').catch(() => ''))).trim();
  return { endpoint, token: token === '' ? undefined : token };
}
