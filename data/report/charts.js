// Curves, by uPlot.

const charts = [];
const CHART_HEIGHT = 170;

/**
 * A figure with a curve for each series: `{ label, steps, values, color, dash, points }`.
 */
function chart(title, series, { hint = '', share = false, smooth = true, x = 'step' } = {}) {
  const shown = series.filter(({ values }) => values.some((value) => value !== null));
  if (shown.length === 0) return null;
  const place = el('div', { role: 'img', ariaLabel: `${title}: ${shown.map(summary).join('; ')}` });
  const caption = el('figcaption', {}, title, hint === '' ? null : el('small', { className: 'quiet' }, hint));
  const figure = el('figure', {}, caption, place);
  charts.push({ place, title, series: smooth ? withSmoothed(shown) : shown, share, x, plot: null });
  return figure;
}

function summary({ label, values }) {
  const known = values.filter((value) => value !== null);
  return `${label} from ${short(known[0])} to ${short(known.at(-1))}`;
}

/** All series over all steps that one of them has. */
function aligned(series) {
  const steps = [...new Set(series.flatMap((one) => one.steps))].sort((a, b) => a - b);
  const values = series.map((one) => {
    const byStep = new Map(one.steps.map((step, i) => [step, one.values[i]]));
    return steps.map((step) => byStep.get(step) ?? (byStep.has(step) ? null : undefined));
  });
  return [steps, ...values];
}

function draw(entry) {
  const { place, series, share, x } = entry;
  const width = place.clientWidth;
  if (width === 0) return;
  entry.plot?.destroy();
  const ink = getComputedStyle(document.body).color;
  const faint = `color-mix(in srgb, ${ink} 18%, transparent)`;
  const axis = { stroke: ink, grid: { stroke: faint, width: 1 }, ticks: { stroke: faint }, font: '11px system-ui' };
  entry.plot = new uPlot(
    {
      width,
      height: CHART_HEIGHT,
      cursor: { sync: { key: x }, y: false },
      scales: { x: { time: false }, y: { range: share ? [0, 1] : rangeOf } },
      axes: [axis, { ...axis, size: 52, values: (_, ticks) => ticks.map(short) }],
      legend: { show: true, live: true },
      series: [
        { label: x },
        ...series.map((one, i) => ({
          label: one.label,
          stroke: canvasColor(one.color ?? i),
          width: one.dash ? 1 : 1.6,
          alpha: one.faint ? 0.35 : 1,
          dash: one.dash,
          points: { show: one.points ?? false, size: 6 },
          spanGaps: true,
          value: (_, value) => short(value),
        })),
      ],
    },
    aligned(series),
    place,
  );
  const { plot } = entry;
  // Where nobody points, the legend says how it stands.
  const rest = () => plot.setLegend({ idx: plot.data[0].length - 1 }, false);
  requestAnimationFrame(rest);
  plot.over.addEventListener('mouseleave', () => requestAnimationFrame(rest));
}

/** A curve that does not move lies in the middle, not on a scale of hundreds. */
function rangeOf(_, low, high) {
  if (low === null || high === null) return [0, 1];
  if (low === 0 && high === 0) return [0, 1];
  const room = high === low ? Math.abs(high) * 0.1 : (high - low) * 0.06;
  return [low - room, high + room];
}

/** A lone curve that goes up and down has its smoothed one over it. */
function withSmoothed(series) {
  const [one] = series;
  if (series.length !== 1 || one.dash !== undefined || one.points || one.values.length < 40) return series;
  let last = null;
  const smoothed = one.values.map((value) => {
    if (value !== null) last = last === null ? value : 0.9 * last + 0.1 * value;
    return last;
  });
  return [
    { ...one, label: `${one.label}, each`, faint: true },
    { ...one, label: 'smoothed', values: smoothed },
  ];
}

const drawAll = () => charts.forEach(draw);
