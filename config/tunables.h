/* SPDX-License-Identifier: Apache-2.0 */
/* tunables.h - the tunables of core/config.h as text, in files and on command lines.
 *
 * Each parser returns NULL, or a message (transfer full) and changes nothing. */
#pragma once

#include "core/config.h"

G_BEGIN_DECLS

/* Durations and sizes with units, booleans "yes" and "no", enumerations by name. */
char *tunable_parse (const CaimanTunable *tunable, const char *text, gint64 *value_out);

/* (transfer full) text that parses to @value. */
char *tunable_format (const CaimanTunable *tunable, gint64 value);

/* Sets one value by name; unknown names are told with the nearest known one. */
char *tunable_set (CaimanConfig *config, const char *name, const char *text);

/* The same for "NAME=VALUE". */
char *tunable_set_assignment (CaimanConfig *config, const char *assignment);

G_END_DECLS
