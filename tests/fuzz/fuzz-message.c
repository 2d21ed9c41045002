/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target of core/message: whatever parses can be written again, in no more bytes than came in,
 * and means the same then (PROTOCOL.md, 3). */
#include "core/message.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  CaimanMessage message, again;
  if (!caiman_message_parse (data, size, &message))
    return 0;

  gsize written_size = caiman_message_get_size (&message);
  g_assert (written_size >= 1 && written_size <= size);
  g_autofree guint8 *written = g_malloc (written_size);
  g_assert (caiman_message_write (&message, written) == written_size);

  g_assert (caiman_message_parse (written, written_size, &again));
  g_assert (caiman_message_get_size (&again) == written_size);
  g_autofree guint8 *rewritten = g_malloc (written_size);
  g_assert (caiman_message_write (&again, rewritten) == written_size);
  g_assert (memcmp (rewritten, written, written_size) == 0);

  /* Only flags other than 0 and 1 and the filler of TestData are not kept byte by byte. */
  if (message.type != CAIMAN_MESSAGE_SET_BLOCK && message.type != CAIMAN_MESSAGE_CONNECT &&
      message.type != CAIMAN_MESSAGE_TEST_DATA)
    g_assert (memcmp (written, data, written_size) == 0);
  return 0;
}
