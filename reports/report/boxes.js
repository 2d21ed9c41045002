// SPDX-License-Identifier: Apache-2.0
// boxes.js - how a metric is spread over the seeds: cumulative distributions or boxes, a colour per
// policy or variant.

// @series: [{ label, values sorted }]
function boxOf(sorted) {
  const box = { min: sorted[0], max: sorted[sorted.length - 1] };
  for (const p of [10, 25, 50, 75, 90]) box[`p${p}`] = percentile(sorted, p);
  return box;
}

const CDF_POINTS = 400;

// The points of a cumulative distribution; of very many, some at equal distances in rank.
function cdfPoints(sorted) {
  const n = Math.min(sorted.length, CDF_POINTS), last = sorted.length - 1;
  return Array.from({ length: n }, (unused, i) => (n > 1 ? Math.round((i * last) / (n - 1)) : 0))
    .map((at) => ({ x: sorted[at], y: (at + 1) / sorted.length }));
}

function cdfChart(series, unit) {
  const sets = series.map(({ label, values }, i) => lineSet(label, cdfPoints(values), i,
    { stepped: 'before', pointRadius: values.length < 4 ? 3 : 0, borderWidth: 2 }));
  sets.forEach((set) => set.data.unshift({ x: set.data[0].x, y: 0 }));
  return {
    type: 'line',
    data: { datasets: sets },
    options: {
      parsing: false, normalized: true,
      interaction: { mode: 'nearest', axis: 'y', intersect: false },
      scales: {
        x: unitAxis(unit, { type: 'linear', beginAtZero: false, ticks: { callback: (value) => formatTick(value, unit), maxTicksLimit: 5 } }),
        y: unitAxis('ratio', { min: 0, max: 1, ticks: { callback: (value) => formatTick(value, 'ratio'), maxTicksLimit: 5 } }),
      },
      plugins: {
        legend: legend(series.length > 1),
        tooltip: {
          ...tooltip(unit, (items) => (items.length ? `${threeDigits(items[0].parsed.y * 100)} % of the runs` : '')),
          callbacks: {
            title: (items) => (items.length ? `${threeDigits(items[0].parsed.y * 100)} % of the runs` : ''),
            label: (item) => ` ${item.dataset.label}: at most ${formatValue(item.parsed.x, unit)}`,
          },
        },
      },
    },
  };
}

function boxChart(series, unit) {
  const boxes = series.map(({ values }) => boxOf(values));
  const colours = series.map((one, i) => colourOf(i));
  return {
    type: 'bar',
    data: {
      labels: series.map(({ label }) => label),
      datasets: [{
        label: '', data: boxes.map((box) => [box.p25, box.p75]), boxes, borderColor: cssColour('text'),
        backgroundColor: colours.map((colour) => translucent(colour, 0.45)), borderWidth: 1, borderSkipped: false, maxBarThickness: 22, minBarLength: 2,
      }],
    },
    options: {
      indexAxis: 'y',
      scales: {
        x: unitAxis(unit, {
          beginAtZero: false, suggestedMin: Math.min(...boxes.map((box) => box.min)), suggestedMax: Math.max(...boxes.map((box) => box.max)),
          ticks: { callback: (value) => formatTick(value, unit), maxTicksLimit: 5 },
        }),
        y: axis(null, { grid: { display: false }, ticks: { autoSkip: false } }),
      },
      plugins: {
        legend: legend(false),
        tooltip: {
          ...tooltip(unit),
          callbacks: {
            title: (items) => items[0].label,
            label: ({ dataIndex: i }) => ['min', 'p10', 'p25', 'p50', 'p75', 'p90', 'max'].map((key) => ` ${key}: ${formatValue(boxes[i][key], unit)}`),
          },
        },
      },
    },
  };
}

function distributionFigure(metric, series, form) {
  const text = explain(metric.kind, metric.name) || metric.name;
  const n = series.reduce((sum, { values }) => sum + values.length, 0);
  const height = form === 'box' ? Math.max(110, 46 + 34 * series.length) : 190;
  const medians = series.map(({ label, values }) => `${label ? `${label}: ` : ''}median ${formatValue(percentile(values, 50), metric.unit)}`).join(', ');
  return figure(metricLabel(metric), `${text}. ${plural(n, 'run')}; ${medians}`, height,
    () => (form === 'box' ? boxChart(series, metric.unit) : cdfChart(series, metric.unit)));
}
