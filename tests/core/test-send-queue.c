/* SPDX-License-Identifier: Apache-2.0 */
/* test-send-queue.c - messages until acknowledged, and what is in flight per link. */
#include "core/prng.h"
#include "core/send-queue.h"
#include "core/serial.h"

static CaimanOutMessage *
append_data (CaimanSendQueue *queue, gsize size)
{
  CaimanOutMessage *message = caiman_send_queue_append (queue, CAIMAN_MESSAGE_DATA);
  message->payload = g_bytes_new_take (g_malloc0 (size), size);
  message->size_bytes = (guint32)size;
  return message;
}

/* PROTOCOL.md, 5: numbers go up by one and wrap; acknowledged ones leave from the base on. */
static void
test_wrap (void)
{
  CaimanSendQueue queue;
  caiman_send_queue_init (&queue, G_MAXUINT32 - 2);
  for (guint i = 0; i < 200; i++)
    g_assert_cmpuint (append_data (&queue, 10)->seq, ==, G_MAXUINT32 - 2 + i);
  g_assert_cmpuint (caiman_send_queue_get_used (&queue), ==, 200);
  g_assert_null (caiman_send_queue_find (&queue, G_MAXUINT32 - 3));
  g_assert_null (caiman_send_queue_find (&queue, 197));
  g_assert_cmpuint (caiman_send_queue_find (&queue, 196)->seq, ==, 196);

  /* Behind a gap: the base stays. */
  caiman_send_queue_ack (&queue, caiman_send_queue_find (&queue, G_MAXUINT32));
  g_assert_cmpuint (caiman_send_queue_get_used (&queue), ==, 200);
  caiman_send_queue_ack (&queue, caiman_send_queue_find (&queue, G_MAXUINT32 - 2));
  g_assert_cmpuint (queue.base_seq, ==, G_MAXUINT32 - 1);
  caiman_send_queue_ack (&queue, caiman_send_queue_find (&queue, G_MAXUINT32 - 1));
  g_assert_cmpuint (queue.base_seq, ==, 0);
  caiman_send_queue_clear (&queue);
}

/* What must be sent again comes in sequence order, whatever the order of marking. */
static void
test_resend_order (void)
{
  CaimanSendQueue queue;
  caiman_send_queue_init (&queue, 0);
  for (guint i = 0; i < 100; i++)
    append_data (&queue, 1);
  g_assert_null (caiman_send_queue_next_resend (&queue));
  const guint32 lost[] = { 70, 3, 99, 40 };
  for (gsize i = 0; i < G_N_ELEMENTS (lost); i++)
    caiman_send_queue_mark (&queue, caiman_send_queue_find (&queue, lost[i]), CAIMAN_OUT_LOST);
  caiman_send_queue_mark (&queue, caiman_send_queue_find (&queue, 3), CAIMAN_OUT_REINJECT);

  CaimanOutMessage *message = caiman_send_queue_next_resend (&queue);
  g_assert_cmpuint (message->seq, ==, 3);
  g_assert_cmpuint (caiman_send_queue_after_resend (&queue, message)->seq, ==, 40);
  caiman_send_queue_unmark (&queue, message);
  g_assert_cmpuint (caiman_send_queue_next_resend (&queue)->seq, ==, 40);
  caiman_send_queue_ack (&queue, caiman_send_queue_find (&queue, 40));
  message = caiman_send_queue_next_resend (&queue);
  g_assert_cmpuint (message->seq, ==, 70);
  caiman_send_queue_mark (&queue, caiman_send_queue_find (&queue, 5), CAIMAN_OUT_REINJECT);
  g_assert_cmpuint (caiman_send_queue_next_resend (&queue)->seq, ==, 5);
  g_assert_cmpuint (queue.n_resend, ==, 3);

  /* Acknowledged messages cannot be lost any more. */
  caiman_send_queue_ack (&queue, caiman_send_queue_find (&queue, 6));
  caiman_send_queue_mark (&queue, caiman_send_queue_find (&queue, 6), CAIMAN_OUT_LOST);
  g_assert_cmpuint (queue.n_resend, ==, 3);
  g_assert_null (caiman_send_queue_after_resend (&queue, caiman_send_queue_find (&queue, 99)));
  caiman_send_queue_clear (&queue);
}

/* Acks out of order leave holes that are skipped; the bytes are those not acknowledged. */
static void
test_flight (void)
{
  CaimanFlight flight = { 0 };
  CaimanTransmission out = { 0 };
  g_assert_null (caiman_flight_get_head (&flight));
  for (guint32 seq = 0; seq < 50; seq++)
    caiman_flight_append (&flight, seq, 100);
  caiman_flight_append (&flight, 7, 100); /* sent again on the same link */
  g_assert_cmpint (flight.bytes, ==, 5100);
  g_assert_false (caiman_flight_ack (&flight, 50, &out));
  g_assert_true (caiman_flight_ack (&flight, 1, &out));
  g_assert_cmpuint (out.seq, ==, 1);
  g_assert_cmpuint (flight.n, ==, 51);
  g_assert_true (caiman_flight_ack (&flight, 0, &out));
  g_assert_cmpuint (flight.n, ==, 49);
  g_assert_cmpuint (caiman_flight_get_head (&flight)->seq, ==, 2);
  g_assert_true (caiman_flight_ack (&flight, 7, &out));
  g_assert_true (caiman_flight_ack (&flight, 7, &out));
  g_assert_false (caiman_flight_ack (&flight, 7, &out));
  g_assert_cmpint (flight.bytes, ==, 4700);
  caiman_flight_clear (&flight);
}

/* Against a plain model: random appends, marks and acks. */
static void
test_random (void)
{
  CaimanPrng prng;
  caiman_prng_init (&prng, 7);
  CaimanSendQueue queue;
  caiman_send_queue_init (&queue, 0xfffffff0u);
  g_autoptr (GArray) marked = g_array_new (FALSE, TRUE, sizeof (gboolean));
  guint32 first = 0xfffffff0u, n = 0;
  for (guint step = 0; step < 200000; step++) {
    guint64 dice = caiman_prng_below (&prng, 10);
    guint32 used = caiman_send_queue_get_used (&queue);
    if (dice < 4 && used < CAIMAN_SEQ_WINDOW) {
      append_data (&queue, 1);
      g_array_set_size (marked, ++n);
      continue;
    }
    if (used == 0)
      continue;
    guint32 seq = queue.base_seq + (guint32)caiman_prng_below (&prng, MIN (used, 40));
    CaimanOutMessage *message = caiman_send_queue_find (&queue, seq);
    gboolean *mark = &g_array_index (marked, gboolean, seq - first);
    if (message->flags & CAIMAN_OUT_ACKED)
      continue;
    if (dice < 7) {
      caiman_send_queue_mark (&queue, message, CAIMAN_OUT_LOST);
      *mark = TRUE;
    } else {
      *mark = FALSE;
      caiman_send_queue_ack (&queue, message);
    }
    if (step % 100 != 0)
      continue;
    guint32 expected = queue.base_seq;
    while (expected != queue.next_seq && !g_array_index (marked, gboolean, expected - first))
      expected++;
    const CaimanOutMessage *next = caiman_send_queue_next_resend (&queue);
    if (expected == queue.next_seq)
      g_assert_null (next);
    else
      g_assert_cmpuint (next->seq, ==, expected);
  }
  caiman_send_queue_clear (&queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/send-queue/wrap", test_wrap);
  g_test_add_func ("/core/send-queue/resend-order", test_resend_order);
  g_test_add_func ("/core/send-queue/flight", test_flight);
  g_test_add_func ("/core/send-queue/random", test_random);
  return g_test_run ();
}
