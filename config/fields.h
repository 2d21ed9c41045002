/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h - typed access to the keys of one group; what is wrong is noted, and reading goes on. */
#pragma once

#include "config/scan.h"

G_BEGIN_DECLS

typedef struct {
  ScanErrors *errors;
  const ScanGroup *group;
} Fields;

/* "KEY: message", at the entry's line. @problem (transfer full) may be NULL: then nothing. */
void fields_take_problem (const Fields *fields, const ScanEntry *entry, char *problem);
void fields_error (const Fields *fields, const ScanEntry *entry, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* At the group's header. */
void fields_group_error (const Fields *fields, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* (nullable) the entry. */
const ScanEntry *fields_find (const Fields *fields, const char *key);
/* The same; notes an error when it is not there. */
const ScanEntry *fields_require (const Fields *fields, const char *key);

/* The value, or @fallback when the key is not there or wrong (noted then). */
gint64 fields_time (const Fields *fields, const char *key, gint64 fallback, gint64 min, gint64 max);
gint64 fields_time_or_never (const Fields *fields, const char *key, gint64 fallback, gint64 min,
                             gint64 max);
gint64 fields_bytes (const Fields *fields, const char *key, gint64 fallback, gint64 min,
                     gint64 max);
gint64 fields_count (const Fields *fields, const char *key, gint64 fallback, gint64 min,
                     gint64 max);
int fields_choice (const Fields *fields, const char *key, int fallback, const char *const *names);

/* Notes each key that is not in the NULL-terminated list @known. */
void fields_check_known (const Fields *fields, const char *const *known);

G_END_DECLS
