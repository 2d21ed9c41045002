/* SPDX-License-Identifier: Apache-2.0 */
/* validation.h - the simulator held against the lab: a row per metric, in the database and as text.
 *
 * What is compared and how much it may differ is decided by harness/validate.h. */
#pragma once

#include "reports/json-text.h"
#include "reports/store.h"

G_BEGIN_DECLS

/* What the runs of one testbed gave for a metric. */
typedef struct {
  guint n_runs;
  double median;   /* NAN: most of the runs do not have it, or there are none */
  double min, max; /* of those that have it; NAN: none has */
} ValidationSample;

typedef struct {
  char *scenario; /* (owned) its name */
  StoreSubject subject_kind;
  char *subject; /* (owned) */
  char *name;    /* (owned) of the metric */
  char *unit;    /* (owned) as stored with it */
  gboolean has_random_loss;
  ValidationSample sim, lab;
  double tolerance; /* in @unit; NAN where the lab's median is */
  gboolean held;
} ValidationRow;

void validation_row_free (ValidationRow *row);

/* An array for rows that frees them. (transfer full) (element-type ValidationRow) */
GPtrArray *validation_rows_new (void);

/* The sample that @values (sorted in place; NAN: a run that does not have it) are. A run that does
 * not have a time counts as one that has a very long one. */
ValidationSample validation_make_sample (double *values, guint n_values);

/* How far the simulator is from the lab, relative to that; NAN where it is not known, or nothing
 * can be relative to it. */
double validation_row_get_error (const ValidationRow *row);

/* The relative errors of goodput without random loss: the median of their sizes. NAN where there
 * are fewer than VALIDATION_MEDIAN_ROWS_MIN. */
double validation_get_goodput_median (const GPtrArray *rows);

#define VALIDATION_MEDIAN_ROWS_MIN    5
#define VALIDATION_GOODPUT_MEDIAN_MAX 0.05

/* Whether all rows hold, and that median. */
gboolean validation_held (const GPtrArray *rows);

/* --- The database --- */

/* Commits @rows in the place of those that the campaign had. */
gboolean validation_store (Store *store, gint64 campaign_id, const GPtrArray *rows, GError **error);

/* Those of a campaign. None in a database of an earlier version. (transfer full), or NULL with
 * @error. */
GPtrArray *validation_load (Store *store, gint64 campaign_id, GError **error);

/* The newest campaign with rows of the name @name (NULL: of any); 0: none. */
gboolean validation_find (Store *store, const char *name, gint64 *campaign_id_out, GError **error);

/* --- Text --- */

/* All (transfer full). The table for a terminal; one in Markdown; an object of JSON. */
char *validation_format_text (const GPtrArray *rows, gboolean colour);
char *validation_format_markdown (const GPtrArray *rows);
char *validation_format_json (const GPtrArray *rows);

/* For the HTML report: an array of rows, each an array; report/validation.js knows its order. */
void validation_append_columns (JsonText *json, const GPtrArray *rows);

G_END_DECLS
