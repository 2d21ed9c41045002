/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-server.c - any bytes, as the script of strangers at a server (hostile-server.h): handshakes,
 * proper, half and wrong, more than there is room for, and what becomes of them. */
#include "tests/security/hostile-server.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  hostile_server_play (data, size);
  return 0;
}
