// SPDX-License-Identifier: Apache-2.0
// start.js - making elements. Text only ever becomes a text node, so no name in a database can
// become markup. All these files are one function's body: what one declares, the later ones use.

const byId = (id) => document.getElementById(id);

// el('td', { class: 'number', title: '…' }, 'text', otherElement): attributes that are null are left
// out, functions are listeners.
function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

// Appends children like el() does: nothing stands for what is not there.
function add(parent, ...children) {
  return fill(parent, null, children);
}

// A labelled <select> of [value, label] pairs.
function choice(label, id, options, value, changed) {
  const select = el('select', { id, change: () => changed(select.value) },
    options.map(([key, text]) => el('option', { value: key }, text)));
  select.value = value;
  return el('label', { class: 'choice' }, el('span', null, label), select);
}

function section(id, title, ...children) {
  return el('section', { id, 'aria-label': title }, el('h2', null, title), children);
}

// What a plot or table does not show, in words.
function note(text) {
  return el('p', { class: 'note' }, text);
}

function plural(n, one, many) {
  return `${n === 0 ? 'no' : formatCount(n)} ${n === 1 ? one : many || one + 's'}`;
}

// A command to copy: a click selects it, the button copies it where the browser lets it.
function command(text) {
  const code = el('code', { class: 'command', title: 'Click to select', click: () => selectText(code) }, text);
  const button = el('button', {
    type: 'button', class: 'copy', title: 'Copy the command',
    click: () => {
      selectText(code);
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => { button.textContent = 'copied'; }, () => {});
    },
  }, 'copy');
  return el('span', { class: 'command-box' }, code, button);
}

function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}
