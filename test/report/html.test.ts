import { expect, test } from 'vitest';
import { timelineHtml } from '../../src/report/frame-strip.js';
import { escapeHtml, htmlPage } from '../../src/report/html.js';

const ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(1)>\'`';

test('a text stays a text', () => {
  expect(escapeHtml(ATTACK)).not.toMatch(/[<>"'`]/);
  expect(htmlPage({ title: ATTACK, body: '' })).not.toContain('<script>alert');
});

test('a page runs what has its nonce, and asks nobody but who serves it', () => {
  const still = htmlPage({ title: 'x', body: '' });
  expect(still).toContain("default-src 'none'");
  expect(still).toContain("script-src 'none'");
  expect(still).toContain("connect-src 'none'");
  const live = htmlPage({ title: 'x', body: '', script: { nonce: 'abc', code: '1' }, connect: "'self'" });
  expect(live).toContain("script-src 'nonce-abc'");
  expect(live).toContain('<script nonce="abc">1</script>');
});

test('a timeline keeps spans within the video', () => {
  const svg = timelineHtml({
    duration: 10,
    spans: [{ start: 5, end: 99, label: ATTACK, color: 'red' }],
    scores: [0, 1],
  });
  expect(svg).toContain('x="500.0"');
  expect(svg).toContain('width="500"');
  expect(svg).toContain('points="250.0,22.0 750.0,2.0"');
  expect(svg).not.toContain('<script>');
});
