/* SPDX-License-Identifier: Apache-2.0 */
/* live-text.h - a snapshot as tables, for people who ask once. */
#pragma once

#include "apps/live-snapshot.h"

G_BEGIN_DECLS

/* (transfer full) */
char *live_text_format (const LiveSnapshot *snapshot, gboolean colour);

G_END_DECLS
