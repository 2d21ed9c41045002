/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - see fields.h. */
#include "config/fields.h"

#include "config/suggest.h"
#include "config/values.h"

#include <string.h>

void
fields_take_problem (const Fields *fields, const ScanEntry *entry, char *problem)
{
  if (problem)
    scan_errors_add (fields->errors, entry->place, "%s: %s", entry->key, problem);
  g_free (problem);
}

void
fields_error (const Fields *fields, const ScanEntry *entry, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  fields_take_problem (fields, entry, g_strdup_vprintf (format, args));
  va_end (args);
}

void
fields_group_error (const Fields *fields, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  scan_errors_add (fields->errors, fields->group->place, "[%s] %s", fields->group->name, message);
}

const ScanEntry *
fields_find (const Fields *fields, const char *key)
{
  return scan_group_find (fields->group, key);
}

const ScanEntry *
fields_require (const Fields *fields, const char *key)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (!entry)
    fields_group_error (fields, "lacks the key '%s'", key);
  return entry;
}

gint64
fields_time (const Fields *fields, const char *key, gint64 fallback, gint64 min, gint64 max)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (entry)
    fields_take_problem (fields, entry, value_parse_time (entry->value, min, max, &fallback));
  return fallback;
}

gint64
fields_time_or_never (const Fields *fields, const char *key, gint64 fallback, gint64 min,
                      gint64 max)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (entry)
    fields_take_problem (fields, entry,
                         value_parse_time_or_never (entry->value, min, max, &fallback));
  return fallback;
}

gint64
fields_bytes (const Fields *fields, const char *key, gint64 fallback, gint64 min, gint64 max)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (entry)
    fields_take_problem (fields, entry, value_parse_bytes (entry->value, min, max, &fallback));
  return fallback;
}

gint64
fields_count (const Fields *fields, const char *key, gint64 fallback, gint64 min, gint64 max)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (entry)
    fields_take_problem (fields, entry, value_parse_count (entry->value, min, max, &fallback));
  return fallback;
}

int
fields_choice (const Fields *fields, const char *key, int fallback, const char *const *names)
{
  const ScanEntry *entry = fields_find (fields, key);
  int choice = entry ? value_find_name (names, entry->value) : fallback;

  if (choice >= 0)
    return choice;
  fields_take_problem (fields, entry, value_unknown ("value", entry->value, names));
  return fallback;
}

void
fields_check_known (const Fields *fields, const char *const *known)
{
  for (guint i = 0; i < fields->group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (fields->group->entries, i);
    if (value_find_name (known, entry->key) >= 0)
      continue;
    const char *nearest = suggest_nearest_strv (entry->key, known);
    scan_errors_add (fields->errors, entry->place, "unknown key '%s' in [%s]%s%s%s", entry->key,
                     fields->group->name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                     nearest ? "'?" : "");
  }
}
