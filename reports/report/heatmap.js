// SPDX-License-Identifier: Apache-2.0
// heatmap.js - one number for each pair of two parameters, as a table with coloured cells: it can be
// read with a screen reader, copied and printed.

// From light to dark, in one hue: order is seen without telling colours apart.
const HEAT = [[247, 251, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]];

function heatColour(part) {
  const at = Math.min(Math.max(part, 0), 1) * (HEAT.length - 1), i = Math.min(Math.floor(at), HEAT.length - 2);
  const mixed = HEAT[i].map((value, channel) => Math.round(value + (HEAT[i + 1][channel] - value) * (at - i)));
  return { background: `rgb(${mixed.join(',')})`, text: part > 0.55 ? '#fff' : '#111' };
}

// @rows, @columns: texts; @valueAt (row, column) gives { value, n } or null; the last
// are the smallest and the largest value of the scale.
function heatTable(rowTitle, columnTitle, rows, columns, valueAt, unit, [low, high]) {
  const cells = rows.map((row) => columns.map((column) => valueAt(row, column)));
  const cellOf = (cell) => {
    if (!cell) return el('td', { class: 'heat missing', title: 'no run' }, '');
    const td = el('td', { class: 'heat', title: `${exactValue(cell.value, unit)}, median of ${plural(cell.n, 'run')}` }, formatValue(cell.value, unit));
    const { background, text } = heatColour(high > low ? (cell.value - low) / (high - low) : 0.3);
    td.style.background = background;
    td.style.color = text;
    return td;
  };
  return el('div', { class: 'scroll' }, el('table', { class: 'heat' },
    el('thead', null,
      el('tr', null, el('td'), el('th', { colspan: columns.length, scope: 'colgroup' }, columnTitle)),
      el('tr', null, el('th', { scope: 'col' }, rowTitle), columns.map((column) => el('th', { scope: 'col' }, column)))),
    el('tbody', null, rows.map((row, i) => el('tr', null, el('th', { scope: 'row' }, row), cells[i].map(cellOf))))));
}
