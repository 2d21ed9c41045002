// SPDX-License-Identifier: Apache-2.0
// validation.js - the simulator against the lab, metric by metric, as caiman validate has recorded it.

const VALIDATION_ROWS = 100;
const validationRows = summary.validation.map(([scenario, metric, unit, sim, lab, labMin, labMax, nSim, nLab, error, tolerance, held]) => ({
  scenario, metric, unit, sim, lab, labMin, labMax, nSim, nLab, error, tolerance, held,
}));

function validationPage(page) {
  add(page, el('h1', null, 'Simulator against lab'));
  if (!validationRows.length) {
    add(page, note('No run of this report was compared by caiman validate.'));
    return;
  }
  const n = validationRows.filter((row) => row.held).length;
  const outside = validationRows.length - n;
  add(page, note(`Medians of runs in the simulator and over real kernel TCP: ${n} of ${plural(validationRows.length, 'metric')} within tolerance. The error is that of the simulator.`));
  const table = dataTable('validation-table', validationColumns(), validationRows, VALIDATION_ROWS);
  if (outside) {
    const box = el('input', { type: 'checkbox', id: 'validation-outside', change: () => table.filter((row) => !box.checked || !row.held) });
    add(page, el('div', { class: 'controls' }, el('label', { class: 'choice' }, box, el('span', null, `only the ${plural(outside, 'one')} outside`))));
  }
  add(page, table.element);
}

function validationColumns() {
  const number = (text) => el('td', { class: 'number' }, text);
  const value = (row, one) => (one === null ? '–' : formatValue(one, row.unit));
  const percent = (row) => (row.error === null ? '–' : `${row.error > 0 ? '+' : ''}${(100 * row.error).toFixed(1)} %`);
  return [
    { title: 'verdict', value: (row) => (row.held ? 1 : 0), cell: (row) => el('td', null, el('span', { class: `badge ${row.held ? 'good' : 'bad'}` }, row.held ? '✓ within' : '✗ outside')) },
    { title: 'scenario', value: (row) => row.scenario, cell: (row) => el('td', null, row.scenario) },
    { title: 'metric', value: (row) => row.metric, cell: (row) => el('td', null, row.metric) },
    { title: 'simulator', hint: 'Median', value: (row) => row.sim, number: true, cell: (row) => number(value(row, row.sim)) },
    { title: 'lab', hint: 'Median', value: (row) => row.lab, number: true, cell: (row) => number(value(row, row.lab)) },
    { title: 'lab\'s runs', hint: 'From the least to the greatest', cell: (row) => number(row.labMin === null ? '–' : `${value(row, row.labMin)} to ${value(row, row.labMax)} (${row.nLab})`) },
    { title: 'error', hint: 'Of the simulator, relative to the lab', value: (row) => (row.error === null ? null : Math.abs(row.error)), number: true, cell: (row) => number(percent(row)) },
    { title: 'tolerance', hint: 'How far the simulator may be away', value: (row) => row.tolerance, number: true, cell: (row) => number(row.tolerance === null ? '–' : `± ${value(row, row.tolerance)}`) },
  ];
}
