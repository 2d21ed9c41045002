/* SPDX-License-Identifier: Apache-2.0 */
/* scan-errors.c - the list of errors of a file and of those it extends. */
#include "config/scan.h"

typedef struct {
  ScanPlace place;
  guint number; /* order of discovery */
  char *text;
} ScanError;

struct _ScanErrors {
  GPtrArray *files; /* char * */
  GPtrArray *items; /* ScanError * */
  guint n_omitted;  /* beyond SCAN_ERRORS_MAX */
};

static void
error_free (gpointer data)
{
  ScanError *error = data;
  g_free (error->text);
  g_free (error);
}

ScanErrors *
scan_errors_new (void)
{
  ScanErrors *errors = g_new0 (ScanErrors, 1);
  errors->files = g_ptr_array_new_with_free_func (g_free);
  errors->items = g_ptr_array_new_with_free_func (error_free);
  return errors;
}

ScanErrors *
scan_errors_new_like (const ScanErrors *other)
{
  ScanErrors *errors = scan_errors_new ();
  for (guint i = 0; i < other->files->len; i++)
    g_ptr_array_add (errors->files, g_strdup (g_ptr_array_index (other->files, i)));
  return errors;
}

void
scan_errors_free (ScanErrors *errors)
{
  if (!errors)
    return;
  g_ptr_array_unref (errors->files);
  g_ptr_array_unref (errors->items);
  g_free (errors);
}

guint
scan_errors_add_file (ScanErrors *errors, const char *name)
{
  g_ptr_array_add (errors->files, g_strdup (name));
  return errors->files->len - 1;
}

const char *
scan_errors_get_file (const ScanErrors *errors, guint file)
{
  g_assert (file < errors->files->len);
  return g_ptr_array_index (errors->files, file);
}

/* The same text at the same place says nothing new: a key of [config] is read once per side. */
static gboolean
has_error (const ScanErrors *errors, const ScanError *error)
{
  for (guint i = 0; i < errors->items->len; i++) {
    const ScanError *other = g_ptr_array_index (errors->items, i);
    if (other->place.file == error->place.file && other->place.line == error->place.line &&
        g_str_equal (other->text, error->text))
      return TRUE;
  }
  return FALSE;
}

void
scan_errors_add (ScanErrors *errors, ScanPlace place, const char *format, ...)
{
  va_list args;
  ScanError *error = g_new0 (ScanError, 1);

  g_assert (place.file < errors->files->len);
  error->place = place;
  error->number = errors->items->len;
  va_start (args, format);
  error->text = g_strdup_vprintf (format, args);
  va_end (args);
  gboolean is_new = !has_error (errors, error);
  if (is_new && errors->items->len < SCAN_ERRORS_MAX) {
    g_ptr_array_add (errors->items, error);
    return;
  }
  error_free (error);
  if (is_new)
    errors->n_omitted++;
}

guint
scan_errors_count (const ScanErrors *errors)
{
  return errors->items->len;
}

const char *
scan_errors_get (const ScanErrors *errors, guint index, ScanPlace *place_out)
{
  g_assert (index < errors->items->len);
  const ScanError *error = g_ptr_array_index (errors->items, index);
  *place_out = error->place;
  return error->text;
}

static int
compare_errors (gconstpointer a, gconstpointer b)
{
  const ScanError *x = *(ScanError *const *)a, *y = *(ScanError *const *)b;

  if (x->place.file != y->place.file)
    return x->place.file < y->place.file ? -1 : 1;
  if (x->place.line != y->place.line)
    return x->place.line < y->place.line ? -1 : 1;
  return x->number < y->number ? -1 : 1;
}

void
scan_errors_flush (ScanErrors *errors, GPtrArray *messages)
{
  g_ptr_array_sort (errors->items, compare_errors);
  guint n_told = MIN (errors->items->len, SCAN_ERRORS_TOLD);
  guint n_more = errors->items->len - n_told + errors->n_omitted;
  for (guint i = 0; i < n_told; i++) {
    const ScanError *error = g_ptr_array_index (errors->items, i);
    const char *file = scan_errors_get_file (errors, error->place.file);
    if (error->place.line > 0)
      g_ptr_array_add (messages,
                       g_strdup_printf ("%s:%u: %s", file, error->place.line, error->text));
    else
      g_ptr_array_add (messages, g_strdup_printf ("%s: %s", file, error->text));
  }
  if (n_more > 0)
    g_ptr_array_add (messages, g_strdup_printf ("%s: and %u more errors",
                                                scan_errors_get_file (errors, 0), n_more));
}
