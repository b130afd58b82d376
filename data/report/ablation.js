// An ablation: its verdicts, every seed, and the arms' curves.

const ablation = DATA.ablation?.record ?? null;

function ablationSections() {
  if (ablation === null) return [];
  return [verdictSection(), meansSection(), seedSection(), learningSection()];
}

function verdictSection() {
  const { axes, comparisons, summary, primary, runs } = ablation;
  const base = summary[0]?.labels.join(', ') ?? '';
  const rows = comparisons.map((one, i) => {
    const found = one.difference;
    return el(
      'tr',
      {},
      el('td', {}, one.metric, one.metric === primary ? ' (named beforehand)' : ''),
      one.labels.map((label) => el('td', {}, label)),
      number(signed(found?.difference)),
      number(found === null ? '–' : `${signed(found.low)} to ${signed(found.high)}`),
      number(one.p === null ? '–' : one.p < 0.001 ? '< 0.001' : one.p.toFixed(3)),
      number(one.improvement === null ? '–' : `${Math.round(100 * one.improvement)} %`),
      el('td', { className: one.verdict }, DATA.ablation.verdicts[i]),
    );
  });
  const head = ['number', ...axes, 'difference', '95 % interval', 'p', 'better in', 'verdict'];
  const failed = runs.filter(({ reason }) => reason !== undefined);
  return section(
    'verdicts',
    `Beside “${base}”`,
    el(
      'p',
      { className: 'quiet' },
      'Every arm beside the first, on the same held-out samples and seeds; p is adjusted for all arms. The arm with other seeds is the first one again: what differs there is noise.',
    ),
    rows.length === 0 ? el('p', {}, 'Nothing can be compared yet.') : figureTable('comparisons', head, rows),
    failed.map(({ name, reason }) => el('p', { className: 'warn' }, `${name} is not finished: ${reason}`)),
  );
}

const signed = (value) => (value === undefined ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`);

/** What the arms have reached; over several tasks, by the interquartile mean and by how many runs pass a score. */
function meansSection() {
  const { axes, summary } = ablation;
  const names = metricNames();
  const hasIqm = summary.some(({ iqm }) => iqm !== undefined);
  const rows = summary.map(({ labels, done, planned, metrics, iqm }) =>
    el(
      'tr',
      {},
      labels.map((label) => el('td', {}, label)),
      number(done === planned ? String(done) : `${done} of ${planned}`),
      names.map((name) =>
        number(
          `${short(metrics[name]?.mean)}${metrics[name]?.std === undefined ? '' : ` ± ${short(metrics[name].std)}`}`,
        ),
      ),
      hasIqm ? number(short(iqm)) : null,
    ),
  );
  return section(
    'means',
    'Means over seeds',
    figureTable('figures by arm', [...axes, 'seeds', ...names, ...(hasIqm ? ['interquartile mean'] : [])], rows),
    names.length < 2 ? null : el('div', { className: 'charts' }, profile(names)),
  );
}

const metricNames = () => [...new Set(ablation.comparisons.map(({ metric }) => metric))];

/** Of all runs and tasks of an arm, the share whose number is above a score (Agarwal et al. 2021). */
function profile(names) {
  const scores = Array.from({ length: 101 }, (_, i) => i / 100);
  const byName = names.map((name) => armsOf(name));
  const series = byName[0].map(({ label }, i) => {
    const values = byName.flatMap((arms) => arms.find((arm) => arm.label === label)?.values ?? []);
    return {
      label,
      color: i,
      steps: scores,
      values: scores.map((score) => mean(values.map((value) => Number(value > score)))),
    };
  });
  const hint = 'of all runs and tasks, the share above a score: the curve further up and right is better';
  return chart('performance profile', series, { share: true, x: 'score', hint });
}

/** How the terms grew: the area under the curve, and steps to nine tenths of the first arm's way. */
function learningSection() {
  const { curves, axes } = ablation;
  if (curves.length === 0) return null;
  const rows = curves.map(({ labels, term, area, steps }) =>
    el(
      'tr',
      {},
      el('td', {}, term),
      labels.map((label) => el('td', {}, label)),
      number(short(area)),
      number(steps === null ? 'never, in some run' : String(Math.round(steps))),
    ),
  );
  return section(
    'learning',
    'How terms were learned',
    figureTable(
      'terms by arm',
      ['reward term', ...axes, 'mean over all steps', 'steps to 9/10 of the first arm’s way'],
      rows,
    ),
  );
}

const [WIDTH, LEFT, STEP] = [700, 210, 30];

/** Every run a dot, every arm's mean a bar with the interval of its difference; the A/A arm's range is shaded. */
function seedSection() {
  const metrics = metricNames();
  return section(
    'seeds',
    'Every seed',
    metrics.map((metric) => {
      const arms = armsOf(metric);
      const values = arms.flatMap((arm) => [...arm.values, ...(arm.interval ?? [])]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const room = (high - low || 0.1) * 0.08;
      const x = (value) => LEFT + ((value - low + room) / (high - low + 2 * room)) * (WIDTH - LEFT - 10);
      const height = STEP * arms.length + 34;
      const control = arms.find(({ isControl }) => isControl);
      const marks = arms.flatMap((arm, i) => {
        const y = STEP * i + STEP / 2;
        const shade = arm.isControl ? 'var(--quiet)' : color(i);
        return [
          svg(
            'text',
            { x: LEFT - 10, y: y + 4, 'text-anchor': 'end', style: 'fill: currentColor; font-size: 13px' },
            arm.label,
          ),
          ...(arm.interval === null
            ? []
            : [
                svg(
                  'line',
                  {
                    x1: x(arm.interval[0]),
                    x2: x(arm.interval[1]),
                    y1: y,
                    y2: y,
                    style: `stroke: ${shade}; stroke-width: 3; stroke-opacity: .5`,
                  },
                  svg(
                    'title',
                    {},
                    `95 % interval of the difference, from the first arm's mean: ${short(arm.interval[0])} to ${short(arm.interval[1])}`,
                  ),
                ),
              ]),
          svg('line', {
            x1: x(arm.mean),
            x2: x(arm.mean),
            y1: y - 10,
            y2: y + 10,
            style: `stroke: ${shade}; stroke-width: 3`,
          }),
          ...arm.values.map((value) =>
            svg(
              'circle',
              { cx: x(value), cy: y, r: 4, style: `fill: ${shade}; fill-opacity: .65` },
              svg('title', {}, short(value)),
            ),
          ),
        ];
      });
      const band =
        control === undefined || control.interval === null
          ? []
          : [
              svg(
                'rect',
                {
                  x: x(control.interval[0]),
                  y: 0,
                  width: x(control.interval[1]) - x(control.interval[0]),
                  height: STEP * arms.length,
                  style: 'fill: var(--soft)',
                },
                svg('title', {}, 'what other seeds alone may change'),
              ),
            ];
      const ticks = [low, (low + high) / 2, high].map((value) =>
        svg(
          'text',
          { x: x(value), y: height - 8, 'text-anchor': 'middle', style: 'fill: var(--quiet); font-size: 12px' },
          short(value),
        ),
      );
      const label = `${metric}: ${arms.map((arm) => `${arm.label} ${short(arm.mean)}`).join(', ')}`;
      return el(
        'figure',
        { style: { margin: '0 0 1rem' } },
        el('figcaption', {}, el('b', {}, metric)),
        svg(
          'svg',
          { class: 'dots', viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': label },
          band,
          marks,
          ticks,
        ),
      );
    }),
  );
}

function armsOf(metric) {
  const arms = [...new Set(ablation.runs.map(({ arm }) => arm))].map((label) => {
    const own = ablation.runs.filter(({ arm }) => arm === label);
    const values = own.flatMap(({ evaluation }) => evaluation?.[metric] ?? []);
    return { label, isControl: own[0].control ?? false, values, mean: mean(values) };
  });
  const [first] = arms;
  return arms
    .filter(({ values }) => values.length > 0)
    .map((arm) => {
      const found = ablation.comparisons.find(
        (one) => one.metric === metric && one.labels.join(', ') === arm.label,
      )?.difference;
      return { ...arm, interval: found ? [first.mean + found.low, first.mean + found.high] : null };
    });
}
