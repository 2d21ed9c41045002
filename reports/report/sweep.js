// SPDX-License-Identifier: Apache-2.0
// sweep.js - a metric against what a sweep has changed: a line for one parameter, a heat map for two.

const partsOfVariant = (i) => summary.variants[textOf('variant', i)] || [];
const isSwept = (group) => group.runs.some((i) => partsOfVariant(i).length > 0);
const sweptGroups = () => summary.groups.filter(isSwept);

// The parameters of a group's runs: { key, label, valueOf (i): text, numberOf (i), unit, values (texts in order) }.
function parametersOf(group) {
  const keys = distinct(group.runs.flatMap((i) => partsOfVariant(i).map((part) => part[0])));
  const list = keys.map((key) => {
    const find = (i) => partsOfVariant(i).find((part) => part[0] === key);
    const units = distinct(group.runs.map((i) => (find(i) ? find(i)[3] : '')));
    const isNumber = units.length === 1 && units[0] !== '';
    return parameter(group, key, (i) => (find(i) ? find(i)[1] : '(not set)'), isNumber ? (i) => find(i)[2] : null, isNumber ? units[0] : '');
  });
  for (const name of ['policy', 'testbed', 'git']) {
    const isSwept = keys.some((key) => key === name || key.endsWith(`.${name}`));
    if (!isSwept && distinct(group.runs.map((i) => textOf(name, i))).length > 1) list.push(parameter(group, name, (i) => textOf(name, i), null, ''));
  }
  return list.filter((one) => one.values.length > 1);
}

function parameter(group, key, valueOf, numberOf, unit) {
  const numbers = new Map(group.runs.map((i) => [valueOf(i), numberOf ? numberOf(i) : null]));
  const values = [...numbers.keys()].sort((a, b) => compareValues(numberOf ? numbers.get(a) : a, numberOf ? numbers.get(b) : b));
  return { key, valueOf, numberOf: numberOf ? (text) => numbers.get(text) : null, unit, values };
}

function sweepPage(page) {
  const groups = sweptGroups();
  add(page, el('h1', null, 'Sweep'));
  if (!groups.length) {
    add(page, note('No run of this report was part of a sweep.'));
    return;
  }
  const state = { scenario: groups[0].scenario };
  const body = el('div');
  const show = () => {
    clearCharts(body);
    body.replaceChildren(...sweepBody(groups.find((group) => group.scenario === state.scenario), state, show));
  };
  add(page, el('div', { class: 'controls' }, choice('scenario', 'sweep-scenario', groups.map((group) => [group.scenario, group.scenario]), state.scenario, (value) => {
    state.scenario = value;
    show();
  })), body);
  show();
}

function sweepBody(group, state, show) {
  const parameters = parametersOf(group);
  const metrics = group.metrics.filter((metric) => Array.isArray(metric.v));
  if (!parameters.length || !metrics.length) return [note('All runs of this scenario have the same values, or the same results.')];
  const named = (key, list, fallback) => list.find((one) => one.key === key) || fallback;
  const metric = metrics.find((one) => metricLabel(one) === state.metric) || metrics.find((one) => one.name === 'efficiency') || metrics[0];
  const x = named(state.x, parameters, parameters[0]);
  const others = parameters.filter((one) => one !== x);
  const by = state.by === '-' ? null : named(state.by, others, others.find((one) => one.key === 'policy' || one.key.endsWith('.policy')) || others[0] || null);
  const down = named(state.down, others, others[0]);
  const set = (key) => (value) => { state[key] = value; show(); };
  const options = (list) => list.map((one) => [one.key, one.key]);
  // A parameter that neither plot spreads out can be held at one value.
  const held = parameters.filter((one) => one !== x);
  state.only = state.only || {};
  const only = held.filter((one) => one.values.includes(state.only[one.key])).map((one) => [one, state.only[one.key]]);
  const controls = el('div', { class: 'controls' },
    choice('metric', 'sweep-metric', metrics.map((one) => [metricLabel(one), metricLabel(one)]), metricLabel(metric), set('metric')),
    choice('against', 'sweep-x', options(parameters), x.key, set('x')),
    others.length ? choice('a line for each', 'sweep-by', [...options(others), ['-', '(all together)']], by ? by.key : '-', set('by')) : null,
    others.length ? choice('heat map with', 'sweep-down', options(others), down.key, set('down')) : null,
    held.map((one) => choice(`only ${one.key}`, `only-${one.key}`, [['', 'all'], ...one.values.map((text) => [text, text])], only.some(([other]) => other === one) ? state.only[one.key] : '',
      (value) => { state.only[one.key] = value; show(); })));
  const out = [controls, section('sweep-lines', `${metricLabel(metric)} against ${x.key}`, lineFigure(group, metric, x, by, only),
    note(restNote(parameters, [x, by], only, explain(metric.kind, metric.name))))];
  if (others.length) out.push(heatSection(group, metric, { x, down, by: by === down ? others.find((one) => one !== down) : by, only, parameters }));
  return out;
}

// A map for each value of what has a line each, side by side, with one scale of colours.
function heatSection(group, metric, { x, down, by, only, parameters }) {
  const held = by ? only.find(([one]) => one === by) : null;
  const values = by ? (held ? [held[1]] : by.values) : [''];
  const maps = values.map((text) => [text, (row, column) => cellOf(group, metric, [...only, [down, row], [x, column], ...(by ? [[by, text]] : [])])]);
  const all = maps.flatMap(([, valueAt]) => down.values.flatMap((row) => x.values.map((column) => valueAt(row, column)))).filter(Boolean).map((cell) => cell.value);
  const range = [Math.min(...all), Math.max(...all)];
  return section('sweep-heat', `${metricLabel(metric)} by ${down.key} and ${x.key}`, el('div', { class: 'heat-maps' }, maps.map(([text, valueAt]) => el('figure', null,
    by ? el('figcaption', null, `${by.key} ${text}`) : null, heatTable(down.key, x.key, down.values, x.values, valueAt, metric.unit, range)))),
  note(restNote(parameters, [x, down, by], only, null)));
}

function restNote(parameters, used, only, meaning) {
  const rest = parameters.filter((one) => !used.includes(one) && !only.some(([other]) => other === one)).map((one) => one.key);
  return `${meaning ? `${meaning}. ` : ''}Median over the seeds${rest.length ? ` and over ${rest.join(', ')}` : ''}.`;
}

// The values of @metric in the runs that have @where: [[parameter, text], …]; sorted.
function valuesWhere(group, metric, where) {
  const values = [];
  group.runs.forEach((i, at) => {
    const value = metricValue(metric, at);
    if (value !== null && where.every(([one, text]) => one.valueOf(i) === text)) values.push(value);
  });
  return values.sort(ascending);
}

function cellOf(group, metric, where) {
  const values = valuesWhere(group, metric, where);
  return values.length ? { value: percentile(values, 50), n: values.length } : null;
}

// Medians as lines, from the 10th to the 90th percentile as bands.
function lineFigure(group, metric, x, by, only) {
  const series = (by ? by.values : ['']).map((text) => ({
    label: by ? `${by.key} ${text}` : 'median',
    at: x.values.map((value) => valuesWhere(group, metric, [...only, [x, value], ...(by ? [[by, text]] : [])])),
  }));
  const xs = x.values.map((value, i) => (x.numberOf ? x.numberOf(value) : i));
  const isLog = x.numberOf && xs[0] > 0 && xs[xs.length - 1] / xs[0] >= 10 && xs.length > 2;
  const at = (values, percent) => xs.map((value, i) => ({ x: value, y: values[i].length ? percentile(values[i], percent) : NaN }));
  const make = () => {
    const sets = [];
    series.forEach(({ label, at: values }, i) => {
      const band = { borderWidth: 0, pointRadius: 0, pointHitRadius: 0, backgroundColor: translucent(colourOf(i), 0.18), isBand: true };
      sets.push(lineSet(label, at(values, 50), i, { borderWidth: 2, pointRadius: 3.5, pointStyle: ['circle', 'rect', 'triangle', 'rectRot', 'star', 'cross'][i % 6] }),
        lineSet('p10', at(values, 10), i, band), lineSet('p90', at(values, 90), i, { ...band, fill: '-1' }));
    });
    const tickText = (value) => (x.numberOf ? formatTick(value, x.unit) : x.values[value] || '');
    return {
      type: 'line', data: { datasets: sets },
      options: {
        parsing: false, interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: {
          x: axis(x.key, {
            type: isLog ? 'logarithmic' : 'linear', offset: !x.numberOf, ...(x.numberOf ? null : { min: -0.3, max: xs.length - 0.7 }),
            afterBuildTicks: (scale) => { if (xs.length <= 12) scale.ticks = xs.map((value) => ({ value })); }, ticks: { callback: tickText, autoSkip: xs.length > 12 },
          }),
          y: unitAxis(metric.unit, { beginAtZero: false }),
        },
        plugins: {
          legend: { ...legend(Boolean(by)), labels: { ...legend(true).labels, filter: (item) => !sets[item.datasetIndex].isBand } },
          tooltip: {
            ...tooltip(metric.unit), filter: (item) => !item.dataset.isBand,
            callbacks: { title: (items) => (items.length ? `${x.key} ${tickText(items[0].parsed.x)}` : ''), label: (item) => ` ${item.dataset.label}: ${formatValue(item.parsed.y, metric.unit)}` },
          },
        },
      },
    };
  };
  return figure(null, `Median of ${metricLabel(metric)} against ${x.key}${by ? `, a line for each ${by.key}` : ''}; bands from the 10th to the 90th percentile`, 330, make);
}
