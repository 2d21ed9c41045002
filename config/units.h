/* SPDX-License-Identifier: Apache-2.0 */
/* units.h - numbers with units as scenario files write them, to integers and back.
 *
 * Decimal fractions are exact ("12.5mbit", "0.5%"): what is not a whole number of the base unit
 * (ns, bit/s, bytes, ppb) is an error, not rounded, and no floating point is involved. Each parser
 * returns NULL and sets *@value_out, or returns a message (transfer full) that quotes the text and
 * leaves *@value_out alone. Each formatter gives a short text that parses to the same value.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* ns, us, ms, s, min, h. */
char *units_parse_time (const char *text, gint64 *ns_out);
/* B, kB, MB, GB (powers of ten), KiB, MiB, GiB (of two). */
char *units_parse_bytes (const char *text, gint64 *bytes_out);
/* bit, kbit, mbit, gbit per second (powers of ten), or any unit of bytes followed by "/s". */
char *units_parse_rate (const char *text, gint64 *bps_out);
/* "0.5%" to parts per billion; a sign is allowed ("-20%"). */
char *units_parse_percent (const char *text, gint64 *ppb_out);
/* A whole number without unit. */
char *units_parse_count (const char *text, gint64 *count_out);

/* (transfer full) for non-negative values; units_format_percent() takes any. */
char *units_format_time (gint64 ns);
char *units_format_bytes (gint64 bytes);
char *units_format_rate (gint64 bps);
char *units_format_percent (gint64 ppb);

G_END_DECLS
