/* SPDX-License-Identifier: Apache-2.0 */
/* monitor-terminal.h - whether the terminal can show a monitor. Apart from monitor.c, because the
 * header that tells what a terminal can do defines names such as "lines". */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* FALSE with CAIMAN_REASON_IO_ERROR when the terminal (standard output) is not known, or cannot
 * place its cursor. */
gboolean monitor_check_terminal (GError **error);

G_END_DECLS
