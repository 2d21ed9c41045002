/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-connection.c - any bytes, as the script of a hostile peer of a live connection (hostile.h):
 * which side and policy it attacks, then what arrives on which link, and when. */
#include "tests/core/hostile.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  hostile_play (data, size);
  return 0;
}
