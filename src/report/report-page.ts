import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { packageFile } from '../system/package-file.js';
import { htmlPage } from './html.js';
import type { PageData } from './page-data.js';

const { resolve } = createRequire(import.meta.url);

/** The script's parts, in the order in which they need each other. */
const PARTS = ['dom', 'charts', 'overview', 'groups', 'ablation', 'main'];

/**
 * The page of a report: one file that needs nothing beside itself. What models and files say is in it as JSON, and
 * becomes text, never markup; nothing runs but what has the page's own nonce.
 *
 * @param watch the page asks its server for news
 */
export function reportPage({ data, title, watch = false }: { data: PageData; title: string; watch?: boolean }): string {
  const code = [
    readFileSync(resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    // A closing tag or a comment in a string would end the script.
    `const DATA = ${JSON.stringify(data).replaceAll('<', '\\u003c')};`,
    `const WATCH = ${watch};`,
    ...PARTS.map((part) => readFileSync(packageFile(`data/report/${part}.js`), 'utf8')),
  ].join('\n');
  const style = [
    readFileSync(resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    readFileSync(packageFile('data/report/style.css'), 'utf8'),
  ].join('\n');
  return htmlPage({
    title,
    body: '<div id="page"></div>\n<noscript>This page draws itself with a script of its own; allow it.</noscript>',
    style,
    script: { nonce: randomUUID(), code },
    connect: watch ? "'self'" : "'none'",
  });
}
