// SPDX-License-Identifier: Apache-2.0
// table.js - a table that sorts by any column and shows a page of rows at a time, so that ten
// thousand of them do not make the browser wait.

// @columns: [{ title, hint, value (row) to sort by, cell (row) an element <td>, number: whether
// larger values come first at the first click }].
function dataTable(id, columns, rows, pageRows) {
  const state = { rows, shown: rows, sort: -1, down: false, page: 0 };
  const body = el('tbody');
  const status = el('span', { class: 'status', role: 'status' });
  const pages = el('div', { class: 'pager' });
  const heads = columns.map((column, i) => el('th', { scope: 'col', title: column.hint, 'aria-sort': 'none' },
    column.value ? el('button', { type: 'button', click: () => sortBy(i) }, column.title) : column.title));

  function sortBy(i) {
    state.down = state.sort === i ? !state.down : Boolean(columns[i].number);
    state.sort = i;
    state.page = 0;
    heads.forEach((head, at) => head.setAttribute('aria-sort', at !== i ? 'none' : state.down ? 'descending' : 'ascending'));
    arrange();
  }

  function arrange() {
    const column = columns[state.sort];
    if (column) {
      const keyed = state.shown.map((row) => [column.value(row), row]);
      // What is missing stays last, whichever way the rest is turned.
      const missing = ([key]) => key === null || key === undefined;
      keyed.sort((a, b) => (missing(a) || missing(b) || !state.down ? compareValues(a[0], b[0]) : compareValues(b[0], a[0])));
      state.shown = keyed.map((pair) => pair[1]);
    }
    show();
  }

  function show() {
    const n = state.shown.length, last = Math.max(0, Math.ceil(n / pageRows) - 1);
    state.page = Math.min(state.page, last);
    const from = state.page * pageRows, part = state.shown.slice(from, from + pageRows);
    body.replaceChildren(...part.map((row) => el('tr', null, columns.map((column) => {
      const cell = column.cell(row);
      cell.dataset.title = column.title; // a narrow screen shows it beside the value
      return cell;
    }))));
    const all = n === state.rows.length ? '' : ` (of ${formatCount(state.rows.length)})`;
    status.textContent = n === 0 ? `no run${all}` : `${formatCount(from + 1)} to ${formatCount(from + part.length)} of ${formatCount(n)}${all}`;
    const step = (text, page, hint) => el('button', {
      type: 'button', disabled: page < 0 || page > last || page === state.page, title: hint,
      click: () => { state.page = page; show(); },
    }, text);
    pages.replaceChildren(status, ...(last > 0 ? [
      step('first', 0, 'First page'), step('back', state.page - 1, 'Page before'),
      step('next', state.page + 1, 'Next page'), step('last', last, 'Last page')] : []));
  }

  const element = el('div', { id, class: 'data-table' }, pages,
    el('div', { class: 'scroll' }, el('table', null, el('thead', null, el('tr', null, heads)), body)));
  show();
  return {
    element,
    filter(keep) {
      state.shown = state.rows.filter(keep);
      state.page = 0;
      arrange();
    },
  };
}

// A small table with nothing to sort: @rows of arrays of texts or elements <td>.
function plainTable(titles, rows) {
  return el('div', { class: 'scroll' }, el('table', null,
    el('thead', null, el('tr', null, titles.map((title) => el('th', { scope: 'col' }, title)))),
    el('tbody', null, rows.map((row) => el('tr', null,
      row.map((cell) => (cell instanceof Element && cell.tagName === 'TD' ? cell : el('td', null, cell))))))));
}

function verdictBadge(verdict) {
  const mark = { ok: '✓', skipped: '–', unfinished: '…' }[verdict] || '✗';
  const kind = { ok: 'good', skipped: 'dim', unfinished: 'dim' }[verdict] || 'bad';
  return el('span', { class: `badge ${kind}` }, `${mark} ${verdict}`);
}

function runLink(i) {
  const has = detailIds.has(String(runs.id[i]));
  return el('a', {
    href: `#/run/${runs.id[i]}`, class: has ? 'run' : 'run bare',
    title: has ? 'Plots and tables of this run' : 'This report has only the metrics of this run',
  }, `run ${runs.id[i]}`);
}
