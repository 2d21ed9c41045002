/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what core/types.h, core/serial.h and core/packet.h compute. */
#include "core/packet.h"
#include "core/serial.h"
#include "core/types.h"

static void
test_muldiv (void)
{
  g_assert_cmpint (caiman_muldiv (7, 3, 2), ==, 10);
  g_assert_cmpint (caiman_muldiv (-7, 3, 2), ==, -10); /* towards zero */
  g_assert_cmpint (caiman_muldiv (G_MAXINT64, G_MAXINT64, G_MAXINT64), ==, G_MAXINT64);
  g_assert_cmpint (caiman_muldiv (G_MAXINT64, 2, 1), ==, G_MAXINT64); /* clamped */
  g_assert_cmpint (caiman_muldiv (G_MININT64, 2, 1), ==, G_MININT64);
}

static void
test_time_add (void)
{
  g_assert_cmpint (caiman_time_add (5, 6), ==, 11);
  g_assert_cmpint (caiman_time_add (CAIMAN_TIME_NEVER, 0), ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (caiman_time_add (0, CAIMAN_TIME_NEVER), ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (caiman_time_add (CAIMAN_TIME_NEVER - 1, 2), ==, CAIMAN_TIME_NEVER);
  g_assert_cmpint (caiman_time_add (CAIMAN_TIME_NEVER - 3, 2), ==, CAIMAN_TIME_NEVER - 1);
}

/* RFC 1982, 3.2, with 32 bits; PROTOCOL.md, 5. */
static void
test_serial (void)
{
  g_assert_cmpint (caiman_serial_diff (7, 5), ==, 2);
  g_assert_cmpint (caiman_serial_diff (5, 7), ==, -2);
  g_assert_cmpint (caiman_serial_diff (1, G_MAXUINT32), ==, 2);
  g_assert_cmpint (caiman_serial_diff (G_MAXUINT32, 1), ==, -2);
  g_assert_true (caiman_serial_before (G_MAXUINT32, 0));
  g_assert_false (caiman_serial_before (0, G_MAXUINT32));
  g_assert_false (caiman_serial_before (3, 3));
}

static void
test_packet (void)
{
  CaimanPacket packet = { .inline_bytes = { 5 }, .inline_len = 1 };
  gsize size;
  g_assert_cmpuint (caiman_packet_get_message (&packet, &size)[0], ==, 5);
  g_assert_cmpuint (size, ==, 1);
  g_assert_cmpuint (caiman_packet_get_size (&packet), ==, 1);
  g_assert_cmpuint (caiman_packet_get_frames (&packet), ==, 1);

  /* An empty payload is a frame, too (PROTOCOL.md, 3). */
  packet.payload = g_bytes_new (NULL, 0);
  g_assert_cmpuint (caiman_packet_get_frames (&packet), ==, 2);
  g_assert_cmpuint (caiman_packet_get_size (&packet), ==, 1);
  caiman_packet_clear (&packet);
  g_assert_null (packet.payload);

  packet.message = g_bytes_new_static ("long message of this link", 25);
  packet.payload = g_bytes_new_static ("payload", 7);
  g_assert_cmpmem (caiman_packet_get_message (&packet, &size), 4, "long", 4);
  g_assert_cmpuint (size, ==, 25);
  g_assert_cmpuint (caiman_packet_get_size (&packet), ==, 32);
  caiman_packet_clear (&packet);
  g_assert_null (packet.message);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/types/muldiv", test_muldiv);
  g_test_add_func ("/core/types/time-add", test_time_add);
  g_test_add_func ("/core/types/serial", test_serial);
  g_test_add_func ("/core/types/packet", test_packet);
  return g_test_run ();
}
