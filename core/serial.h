/* SPDX-License-Identifier: Apache-2.0 */
/* serial.h - sequence numbers that wrap at 2^32, compared as serial numbers (RFC 1982). */
#pragma once

#include "types.h"

G_BEGIN_DECLS

/* How far @a lies ahead of @b, from -2^31 to 2^31 - 1. */
static inline gint32
caiman_serial_diff (guint32 a, guint32 b)
{
  return (gint32)(a - b);
}

/* TRUE when @a comes before @b. */
static inline gboolean
caiman_serial_before (guint32 a, guint32 b)
{
  return caiman_serial_diff (a, b) < 0;
}

G_END_DECLS
