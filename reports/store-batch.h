/* SPDX-License-Identifier: Apache-2.0 */
/* store-batch.h - records many short runs at little cost, each of them once.
 *
 * A run's key is what it follows from: scenario (name, hash, what a sweep has set), seed, testbed
 * and the binary. Runs of one key are the same run, and of those the simulator makes, to the bit.
 */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

/* Makes store_record_runs() quicker. After this no run may be deleted through @store but by that.
 */
gboolean store_prepare_for_batches (Store *store, GError **error);

/* Whether there is any run that was recorded by this program's binary. */
gboolean store_has_own_runs (Store *store, gboolean *has_out, GError **error);

/* Sets @id_out to the newest finished run with the key of @run (its head alone counts), 0 when
 * there is none. One that ended in an internal error (exit class 70) does not count. */
gboolean store_find_run (Store *store, const StoreRun *run, gint64 *id_out, GError **error);

/* Commits @runs (of StoreRun *), all of them finished, in one transaction, and sets their ids.
 * Where
 * @once is TRUE, a run whose key is there already, from a process that was quicker, is not recorded
 * but gets the id of that one. Unfinished rows of the same key whose process has ended are deleted.
 * On failure nothing is recorded and all ids are 0. */
gboolean store_record_runs (Store *store, GPtrArray *runs, gboolean once, GError **error);

/* The campaign of that name and plan (a hash of what is to be run), or a new one that @command
 * begins. One that had ended goes on. */
gboolean store_campaign_resume (Store *store, const char *name, const char *plan,
                                const char *command, gint64 *campaign_id_out, GError **error);

G_END_DECLS
