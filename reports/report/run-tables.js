// SPDX-License-Identifier: Apache-2.0
// run-tables.js - the tables of a run's page: expectations, metrics, links, parameters, events.

function expectationTable(detail) {
  if (!detail.expectations.length) return note('The scenario expects nothing in particular.');
  return plainTable(['', 'expectation', 'bound', 'actual', 'line'], detail.expectations.map(([name, bound, actual, held, line]) => [
    el('td', null, verdictBadge(held ? 'ok' : 'not held')), name, el('td', { class: 'number' }, bound),
    el('td', { class: 'number' }, actual === null ? 'not defined' : actual),
    el('td', { class: 'number', title: line ? 'in the scenario file' : 'every run has it' }, line ? String(line) : '–')]));
}

// A row per metric, a column per subject.
function metricTable(detail, kind) {
  const some = detail.metrics.filter((metric) => metric[0] === kind && metric[3] !== null);
  if (!some.length) return null;
  const subjects = distinct(some.map((metric) => metric[1])), names = distinct(some.map((metric) => metric[2]));
  const rows = names.map((name) => [el('td', { title: explain(kind, name) }, name), ...subjects.map((subject) => {
    const metric = some.find((other) => other[1] === subject && other[2] === name);
    return metric ? valueCell(metric[3], metric[4]) : el('td', { class: 'number' }, '–');
  }), el('td', { class: 'dim' }, explain(kind, name) || '')]);
  return plainTable(['metric', ...subjects.map((subject) => subject || 'value'), ''], rows);
}

function metricTables(detail) {
  return [['flow', 'Flows'], ['connection', 'Connection'], ['run', 'Run'], ['link', 'Links']].map(([kind, title]) => {
    const table = metricTable(detail, kind);
    return table ? el('details', { open: kind === 'flow' }, el('summary', null, title), table) : null;
  });
}

function linkTable(detail, isLive) {
  const rows = [];
  for (const link of detail.links) {
    for (const [name, way] of [['up', link.up], ['down', link.down]]) {
      rows.push([link.name, name, link.carrier,
        way.rate === undefined ? el('td', { class: 'number' }, isLive ? 'not known' : 'unlimited') : valueCell(way.rate, 'bit/s'),
        isLive ? el('td', { class: 'number' }, 'not known') : valueCell(way.delay, 'ns'), way.jitter, way.loss, way.queue]);
    }
  }
  return plainTable(['link', 'direction', 'carrier', 'rate', 'delay', 'jitter', 'loss', 'queue'], rows);
}

function parameterTable(detail) {
  const names = distinct(detail.parameters.map((p) => p[1]));
  const sides = distinct(detail.parameters.map((p) => p[0]));
  const cellOf = (side, name) => {
    const found = detail.parameters.find((p) => p[0] === side && p[1] === name);
    if (!found) return el('td', { class: 'number' }, '–');
    const [, , value, unit] = found, number = Number(value);
    return ['ns', 'bytes', 'bit/s'].includes(unit) && Number.isFinite(number)
      ? el('td', { class: 'number', title: `${value} ${unit}` }, formatValue(number, unit)) : el('td', { class: 'number' }, `${value} ${unit}`.trim());
  };
  return plainTable(['parameter', ...sides.map((side) => side || 'both')], names.map((name) => [name, ...sides.map((side) => cellOf(side, name))]));
}

function eventTable(detail) {
  const rows = detail.events.map(([ms, side, link, kind, reason, text]) => [
    el('td', { class: 'number', title: `${ms} ms` }, (ms / 1000).toFixed(6)), side, link >= 0 && detail.links[link] ? detail.links[link].name : '', kind,
    reason === 'none' ? '' : reason, text]);
  return [plainTable(['t/s', 'side', 'link', 'event', 'reason', 'text'], rows),
    detail.eventsLeftOut ? note(`${plural(detail.eventsLeftOut, 'later event')} of the two sides left out here; the plots above know them, and caiman show --all prints them.`) : null];
}
