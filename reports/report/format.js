// SPDX-License-Identifier: Apache-2.0
// format.js - numbers as people read them, like the command line prints them: three digits that
// matter and a unit. The exact value goes into the title.

function threeDigits(value) {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

function scaled(value, units) {
  let i = 0;
  if (Math.abs(value) < 1000 && Number.isInteger(value)) return `${value} ${units[0]}`;
  while (Math.abs(value) >= 999.5 && i < units.length - 1) {
    value /= 1000;
    i++;
  }
  return `${threeDigits(value)} ${units[i]}`;
}

function formatTime(ns) {
  if (ns < 120e9) return scaled(ns, ['ns', 'µs', 'ms', 's']);
  const seconds = Math.round(ns / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function formatCount(value) {
  if (!Number.isInteger(value)) return threeDigits(value);
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

function formatValue(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  switch (unit) {
    case 'ns': return formatTime(value);
    case 'bytes': return scaled(value, ['B', 'kB', 'MB', 'GB', 'TB']);
    case 'bit/s': return scaled(value, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']);
    case 'ratio': return `${threeDigits(value * 100)} %`;
    case 'count': case '': return formatCount(value);
    default: return `${formatCount(value)} ${unit}`;
  }
}

// Short, for the ticks of an axis.
function formatTick(value, unit) {
  if (value === 0) return '0';
  const text = unit === 'ratio' ? `${Number((value * 100).toPrecision(6))} %` : formatValue(value, unit);
  return text.replace(/(\.\d*?)0+(?= )/, '$1').replace(/\.(?= )/, '');
}

// "10787197200 ns": what the value is exactly; @rounded to so many digits in the table of all runs.
function exactValue(value, unit, rounded) {
  if (value === null || value === undefined || Number.isNaN(value)) return 'not defined in this run';
  return `${value} ${unit === 'ratio' ? '(1 = 100 %)' : unit}${rounded ? ` (to ${rounded} digits)` : ''}`;
}

function valueCell(value, unit, rounded) {
  return el('td', { class: 'number', title: exactValue(value, unit, rounded) }, formatValue(value, unit));
}

function seconds(ms) {
  return `${threeDigits(ms / 1000)} s`;
}

function formatDate(unixSeconds) {
  return new Date(unixSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
