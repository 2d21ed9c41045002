/* SPDX-License-Identifier: Apache-2.0 */
/* validation.c - rows of a validation, to the database and back. */
#include "reports/validation.h"

#include "reports/store-private.h"

#include <math.h>
#include <string.h>

#define WHAT "cannot record a validation"
#define READ "cannot read a validation"

/* The schema's version that brought the table. */
#define VALIDATION_VERSION 5

void
validation_row_free (ValidationRow *row)
{
  if (!row)
    return;
  g_free (row->scenario);
  g_free (row->subject);
  g_free (row->name);
  g_free (row->unit);
  g_free (row);
}

static void
free_row (gpointer row)
{
  validation_row_free (row);
}

GPtrArray *
validation_rows_new (void)
{
  return g_ptr_array_new_with_free_func (free_row);
}

/* --- Figures --- */

/* What is not there comes last. */
static int
compare_values (gconstpointer a, gconstpointer b)
{
  double left = *(const double *)a, right = *(const double *)b;

  if (isnan (left) || isnan (right))
    return (isnan (left) ? 1 : 0) - (isnan (right) ? 1 : 0);
  return left < right ? -1 : left > right;
}

static double
median_of_sorted (const double *values, guint n_values)
{
  return n_values == 0 ? NAN : (values[(n_values - 1) / 2] + values[n_values / 2]) / 2;
}

ValidationSample
validation_make_sample (double *values, guint n_values)
{
  ValidationSample sample = { .n_runs = n_values, .min = NAN, .max = NAN };

  qsort (values, n_values, sizeof *values, compare_values);
  sample.median = median_of_sorted (values, n_values);
  if (n_values > 0)
    sample.min = values[0];
  for (guint i = 0; i < n_values; i++) {
    if (!isnan (values[i]))
      sample.max = values[i];
  }
  return sample;
}

double
validation_row_get_error (const ValidationRow *row)
{
  double error = (row->sim.median - row->lab.median) / row->lab.median;

  return isfinite (error) ? error : NAN;
}

double
validation_get_goodput_median (const GPtrArray *rows)
{
  g_autoptr (GArray) errors = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < rows->len; i++) {
    const ValidationRow *row = g_ptr_array_index (rows, i);
    double error = fabs (validation_row_get_error (row));
    if (!row->has_random_loss && strcmp (row->name, "goodput") == 0 && !isnan (error))
      g_array_append_val (errors, error);
  }
  if (errors->len < VALIDATION_MEDIAN_ROWS_MIN)
    return NAN;
  g_array_sort (errors, compare_values);
  return median_of_sorted ((const double *)(gpointer)errors->data, errors->len);
}

gboolean
validation_held (const GPtrArray *rows)
{
  double median = validation_get_goodput_median (rows);

  for (guint i = 0; i < rows->len; i++) {
    if (!((const ValidationRow *)g_ptr_array_index (rows, i))->held)
      return FALSE;
  }
  return isnan (median) || median <= VALIDATION_GOODPUT_MEDIAN_MAX;
}

/* --- Writing --- */

static gboolean
delete_rows (Store *store, gint64 campaign_id, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt =
      store_prepare (store, "DELETE FROM validation WHERE campaign_id = ?1", WHAT, error);

  if (!stmt)
    return FALSE;
  store_bind (stmt, "l", campaign_id);
  return store_step_done (store, stmt, WHAT, error);
}

static gboolean
insert_rows (Store *store, gint64 campaign_id, const GPtrArray *rows, GError **error)
{
  g_autoptr (sqlite3_stmt) stmt = store_prepare (
      store,
      "INSERT INTO validation (campaign_id, seq, scenario_name, subject_kind, subject, name, unit,"
      " random_loss, n_sim, n_lab, sim, lab, sim_min, sim_max, lab_min, lab_max, tolerance, held)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
      WHAT, error);
  gboolean ok = stmt != NULL;

  for (guint i = 0; ok && i < rows->len; i++) {
    const ValidationRow *row = g_ptr_array_index (rows, i);
    const ValidationSample *sim = &row->sim, *lab = &row->lab;
    store_bind (stmt, "litttttiiidddddddi", campaign_id, (int)i, row->scenario,
                store_subject_to_string (row->subject_kind), row->subject, row->name, row->unit,
                row->has_random_loss ? 1 : 0, (int)sim->n_runs, (int)lab->n_runs, sim->median,
                lab->median, sim->min, sim->max, lab->min, lab->max, row->tolerance,
                row->held ? 1 : 0);
    ok = store_step_done (store, stmt, WHAT, error);
  }
  return ok;
}

gboolean
validation_store (Store *store, gint64 campaign_id, const GPtrArray *rows, GError **error)
{
  store_lock (store);
  gboolean ok = store_begin (store, WHAT, error);
  if (ok) {
    ok = delete_rows (store, campaign_id, error) && insert_rows (store, campaign_id, rows, error);
    ok = store_end (store, ok, WHAT, error);
  }
  store_unlock (store);
  return ok;
}

/* --- Reading --- */

static double
column_double (sqlite3_stmt *stmt, int column)
{
  return sqlite3_column_type (stmt, column) == SQLITE_NULL ? NAN
                                                           : sqlite3_column_double (stmt, column);
}

static char *
column_text (sqlite3_stmt *stmt, int column)
{
  return g_strdup ((const char *)sqlite3_column_text (stmt, column));
}

static StoreSubject
parse_subject (const char *text)
{
  for (StoreSubject kind = STORE_SUBJECT_RUN; kind <= STORE_SUBJECT_LINK; kind++) {
    if (g_strcmp0 (text, store_subject_to_string (kind)) == 0)
      return kind;
  }
  return STORE_SUBJECT_RUN;
}

static ValidationRow *
read_row (sqlite3_stmt *stmt)
{
  ValidationRow *row = g_new0 (ValidationRow, 1);

  row->scenario = column_text (stmt, 0);
  row->subject_kind = parse_subject ((const char *)sqlite3_column_text (stmt, 1));
  row->subject = column_text (stmt, 2);
  row->name = column_text (stmt, 3);
  row->unit = column_text (stmt, 4);
  row->has_random_loss = sqlite3_column_int (stmt, 5) != 0;
  row->sim = (ValidationSample) { (guint)sqlite3_column_int (stmt, 6), column_double (stmt, 8),
                                  column_double (stmt, 10), column_double (stmt, 11) };
  row->lab = (ValidationSample) { (guint)sqlite3_column_int (stmt, 7), column_double (stmt, 9),
                                  column_double (stmt, 12), column_double (stmt, 13) };
  row->tolerance = column_double (stmt, 14);
  row->held = sqlite3_column_int (stmt, 15) != 0;
  return row;
}

GPtrArray *
validation_load (Store *store, gint64 campaign_id, GError **error)
{
  g_autoptr (GPtrArray) rows = validation_rows_new ();

  if (store_get_version (store) < VALIDATION_VERSION)
    return g_steal_pointer (&rows);
  store_lock (store);
  g_autoptr (sqlite3_stmt) stmt = store_prepare (
      store,
      "SELECT scenario_name, subject_kind, subject, name, unit, random_loss, n_sim, n_lab, sim, "
      "lab,"
      " sim_min, sim_max, lab_min, lab_max, tolerance, held FROM validation WHERE campaign_id = ?1"
      " ORDER BY seq",
      READ, error);
  int more = stmt ? 1 : -1;
  if (stmt) {
    store_bind (stmt, "l", campaign_id);
    while ((more = store_step_row (store, stmt, READ, error)) > 0)
      g_ptr_array_add (rows, read_row (stmt));
  }
  store_unlock (store);
  return more == 0 ? g_steal_pointer (&rows) : NULL;
}

gboolean
validation_find (Store *store, const char *name, gint64 *campaign_id_out, GError **error)
{
  *campaign_id_out = 0;
  if (store_get_version (store) < VALIDATION_VERSION)
    return TRUE;
  store_lock (store);
  g_autoptr (sqlite3_stmt) stmt =
      store_prepare (store,
                     "SELECT id FROM campaign WHERE (?1 IS NULL OR name = ?1)"
                     " AND id IN (SELECT campaign_id FROM validation) ORDER BY id DESC LIMIT 1",
                     READ, error);
  int more = -1;
  if (stmt) {
    store_bind (stmt, "t", name);
    more = store_step_row (store, stmt, READ, error);
    if (more == 1)
      *campaign_id_out = sqlite3_column_int64 (stmt, 0);
  }
  store_unlock (store);
  return more >= 0;
}
