/* SPDX-License-Identifier: Apache-2.0 */
/* junit.h - a campaign as JUnit XML, which CI systems show: a suite per campaign, a case per run.
 *
 * Exit class 0 is a pass, 77 skipped; 1, 3 and 4 are failures (an expectation, safety, liveness did
 * not hold); everything else, an unfinished run included, is an error. The text of either lists
 * what did not hold and gives the command that runs it again. The elements are those of
 * tests/reports/junit.xsd. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

typedef struct _JunitReport JunitReport;

/* @db_path (nullable): the database for the replay command; without one there is no command.
 * Returns: (transfer full). */
JunitReport *junit_report_new (const char *campaign, const char *db_path);

/* Accepts NULL. */
void junit_report_free (JunitReport *report);

/* Adds a case; nothing of @run is kept. @problems (nullable, NULL-terminated): what is to be said
 * of it beside its expectations. */
void junit_report_add (JunitReport *report, const StoreRun *run, const char *const *problems);

/* Returns: (transfer full): the whole document, UTF-8. */
char *junit_report_format (const JunitReport *report);

/* Writes it to @path, whole or not at all; FALSE with a G_FILE_ERROR. */
gboolean junit_report_save (const JunitReport *report, const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (JunitReport, junit_report_free)

G_END_DECLS
