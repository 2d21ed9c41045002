/* SPDX-License-Identifier: Apache-2.0 */
/* store-sets.c - what many runs have in common and is kept once for all of them: their tunables,
 * and the names of what was measured.
 *
 * A set is found by the hash of its texts. In a transaction the last one of each kind is
 * remembered: the runs of a campaign mostly share it. */
#include "reports/store-private.h"

#include <sodium.h>

/* Texts behind each other, each with its NUL: no text holds one. */
static void
add_texts (GString *all, const char *const *texts, gsize n)
{
  for (gsize i = 0; i < n; i++)
    g_string_append_len (all, texts[i], (gssize)strlen (texts[i]) + 1);
}

/* --- Tunables ------------------------------------------------------------------------------- */

static void
join_parameters (const StoreRun *run, GString *all)
{
  for (guint i = 0; i < run->parameters->len; i++) {
    const StoreParameter *p = &g_array_index (run->parameters, StoreParameter, i);
    const char *const texts[] = { p->side, p->name, p->value, p->unit };
    add_texts (all, texts, G_N_ELEMENTS (texts));
  }
}

static void
bind_parameter (sqlite3_stmt *stmt, const StoreRun *run, guint index)
{
  const StoreParameter *p = &g_array_index (run->parameters, StoreParameter, index);
  store_bind_from (stmt, 2, "tttt", p->side, p->name, p->value, p->unit);
}

static guint
count_parameters (const StoreRun *run)
{
  return run->parameters->len;
}

/* --- Names of metrics ----------------------------------------------------------------------- */

static void
join_metrics (const StoreRun *run, GString *all)
{
  for (guint i = 0; i < run->metrics->len; i++) {
    const StoreMetric *m = &g_array_index (run->metrics, StoreMetric, i);
    const char *const texts[] = { store_subject_to_string (m->subject_kind), m->subject, m->name,
                                  m->unit };
    add_texts (all, texts, G_N_ELEMENTS (texts));
  }
}

static void
bind_metric (sqlite3_stmt *stmt, const StoreRun *run, guint index)
{
  const StoreMetric *m = &g_array_index (run->metrics, StoreMetric, index);
  store_bind_from (stmt, 2, "itttt", (int)index, store_subject_to_string (m->subject_kind),
                   m->subject, m->name, m->unit);
}

static guint
count_metrics (const StoreRun *run)
{
  return run->metrics->len;
}

/* --- Both ----------------------------------------------------------------------------------- */

static const StoreSetSql sqls[STORE_N_SETS] = {
  [STORE_SET_PARAMETERS] = {
    .find = "SELECT id FROM parameter_set WHERE hash = ?1",
    .get_hash = "SELECT hash FROM parameter_set WHERE id = ?1",
    .insert = "INSERT INTO parameter_set (hash) VALUES (?1)",
    .select_rows = "SELECT set_id, side, name, value, unit FROM parameter_value WHERE set_id = ?1",
    .insert_row = "INSERT INTO parameter_value (set_id, side, name, value, unit)"
                  " VALUES (?1, ?2, ?3, ?4, ?5)",
  },
  [STORE_SET_METRICS] = {
    .find = "SELECT id FROM metric_set WHERE hash = ?1",
    .get_hash = "SELECT hash FROM metric_set WHERE id = ?1",
    .insert = "INSERT INTO metric_set (hash) VALUES (?1)",
    .select_rows = "SELECT set_id, seq, subject_kind, subject, name, unit FROM metric_name"
                   " WHERE set_id = ?1",
    .insert_row = "INSERT INTO metric_name (set_id, seq, subject_kind, subject, name, unit)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
  },
};

static const struct {
  guint (*count) (const StoreRun *run);
  void (*join) (const StoreRun *run, GString *all);
  void (*bind) (sqlite3_stmt *stmt, const StoreRun *run, guint index); /* from ?2 on */
} kinds[STORE_N_SETS] = {
  [STORE_SET_PARAMETERS] = { count_parameters, join_parameters, bind_parameter },
  [STORE_SET_METRICS] = { count_metrics, join_metrics, bind_metric },
};

const StoreSetSql *
store_set_get_sql (StoreSet kind)
{
  return &sqls[kind];
}

/* The set with @hash, if it is there already; -1 with @error, 0 without a set. */
static gint64
find_set (Store *store, StoreSet kind, const char *hash, const char *what, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (store, sqls[kind].find, what, error);
  if (!stmt)
    return -1;
  store_bind (stmt, "t", hash);
  int more = store_step_row (store, stmt, what, error);
  gint64 id = more == 1 ? sqlite3_column_int64 (stmt, 0) : more;
  sqlite3_reset (stmt);
  return id;
}

static gint64
insert_set (Store *store, StoreSet kind, const char *hash, const char *what, GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (store, sqls[kind].insert, what, error);
  if (!stmt)
    return -1;
  store_bind (stmt, "t", hash);
  if (!store_step_done (store, stmt, what, error))
    return -1;
  return sqlite3_last_insert_rowid (store_get_db (store));
}

static gboolean
insert_rows (Store *store, StoreSet kind, const StoreRun *run, gint64 set_id, const char *what,
             GError **error)
{
  sqlite3_stmt *stmt = store_prepare_once (store, sqls[kind].insert_row, what, error);
  for (guint i = 0; stmt && i < kinds[kind].count (run); i++) {
    store_bind (stmt, "l", set_id);
    kinds[kind].bind (stmt, run, i);
    if (!store_step_done (store, stmt, what, error))
      return FALSE;
  }
  return stmt != NULL;
}

/* The number of the set of @run's texts, which are @joined; made when it is new. -1: @error. */
static gint64
get_set (Store *store, StoreSet kind, const StoreRun *run, const GString *joined, const char *what,
         GError **error)
{
  char hash[STORE_HASH_HEX_SIZE];
  store_hash (joined->str, joined->len, hash);
  gint64 set_id = find_set (store, kind, hash, what, error);
  if (set_id != 0)
    return set_id;
  set_id = insert_set (store, kind, hash, what, error);
  if (set_id > 0 && !insert_rows (store, kind, run, set_id, what, error))
    return -1;
  return set_id;
}

gint64
store_set_write (Store *store, StoreSet kind, const StoreRun *run, const char *what, GError **error)
{
  StoreWrittenSet *last = &store_get_written (store)->sets[kind];
  if (kinds[kind].count (run) == 0)
    return 0;
  g_autoptr (GString) joined = g_string_sized_new (last->joined ? last->joined->len + 1 : 4096);
  kinds[kind].join (run, joined);
  if (last->joined && g_string_equal (last->joined, joined))
    return last->id;
  gint64 set_id = get_set (store, kind, run, joined, what, error);
  if (set_id < 0) {
    store_forget (store);
    return -1;
  }
  if (last->joined)
    g_string_free (last->joined, TRUE);
  last->joined = g_steal_pointer (&joined);
  last->id = set_id;
  return set_id;
}
