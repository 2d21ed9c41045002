/* SPDX-License-Identifier: Apache-2.0 */
/* report-select.h - which runs get a page of their own in a report of bounded size.
 *
 * Failing runs come first. Behind them, of each scenario and policy, the run in the middle and the
 * worst one, by the first metric of a flow that has a better direction and differs between them. */
#pragma once

#include "reports/report-model.h"

G_BEGIN_DECLS

/* Indexes of the model (guint), without doubles: *@n_failed_out failing runs, then the
 * representative ones. Returns: (transfer full). */
GArray *report_select (const ReportModel *model, guint *n_failed_out);

G_END_DECLS
