/* SPDX-License-Identifier: Apache-2.0 */
/* variant.h - what a sweep has set, as a run records it: "link lte.delay=20ms
 * client.policy=adaptive".
 *
 * A key is GROUP.KEY, where the group may be two words (link lte). A value goes up to the next key,
 * so it may hold spaces. What has no key is no variant of a sweep (a live connection's label). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *key;        /* (owned) "link lte.delay" */
  char *value;      /* (owned) "20ms" */
  double number;    /* in @unit; NAN: the value is a word, a category */
  const char *unit; /* static: "ns", "bytes", "bit/s", "ratio", "count", or "" for a category */
} VariantPart;

/* @variant is nullable. Returns: (transfer full): a GArray of VariantPart, empty where there is
 * nothing. */
GArray *variant_parse (const char *variant);

/* "20ms", "1.5MiB", "10mbit", "5%", "7" to a number in a unit of above, as scenario files have
 * them. FALSE: it is something else; nothing is set. */
gboolean variant_parse_number (const char *text, double *number_out, const char **unit_out);

G_END_DECLS
