/* SPDX-License-Identifier: Apache-2.0 */
/* hostile.c - see hostile.h. */
#include "tests/core/hostile.h"

#include "core/connection-private.h"
#include "tests/core/duo-private.h"

#include <string.h>

#define N_LINKS 3

/* Wake-ups in any WAKE_UPS_PERIOD_NS of virtual time, and of those at one instant. */
#define WAKE_UPS_PERIOD_NS   S (10)
#define WAKE_UPS_MAX         400
#define WAKE_UPS_AT_ONCE_MAX 10

/* By then an endpoint that hears nothing any more has given up. */
#define END_MAX_NS S (3000)

#define RECEIVE_BUFFER_BYTES 16384
#define SEND_BUFFER_BYTES    16384
#define PAYLOAD_MAX_BYTES    (RECEIVE_BUFFER_BYTES + 1)

static const CaimanId server_id = { { 7 } };
static const CaimanId connection_id = { { 1, 2, 3 } };

typedef struct {
  const guint8 *at;
  gsize left;
  Duo *duo;
  DuoSide side; /* the endpoint that is attacked */
  guint links[N_LINKS];
} Play;

/* --- The script --- */

static guint
take (Play *play)
{
  if (play->left == 0)
    return 0;
  play->left--;
  return *play->at++;
}

static CaimanConnection *
get_victim (Play *play)
{
  return play->side == DUO_CLIENT ? play->duo->client : play->duo->accepted;
}

/* The end of one of the links, NULL when it was closed. */
static CaimanLink *
take_end (Play *play, guint *number_out)
{
  guint index = take (play) % N_LINKS;
  *number_out = play->links[index];
  return duo_get_duo_link (play->duo, play->links[index])->ends[play->side].link;
}

/* Mostly the one that is expected next or a few ahead; now and then at the edges of the window. */
static guint32
take_seq (Play *play)
{
  guint32 next_seq = caiman_reorder_get_next_seq (get_victim (play)->reorder);
  guint what = take (play);
  if (what < 180)
    return next_seq;
  if (what < 220)
    return next_seq + what % 8;
  if (what < 240)
    return next_seq - 1 - what % 4;
  if (what < 252)
    return next_seq + (what % 8 << 8);
  return what == 252 ? next_seq + CAIMAN_SEQ_WINDOW + 1 : next_seq + CAIMAN_SEQ_WINDOW - what % 4;
}

/* --- What arrives --- */

/* A transport feeds nothing while the link does not want it (link.h). */
static void
feed (Play *play, guint number, const guint8 *bytes, gsize size)
{
  CaimanLink *end = duo_get_duo_link (play->duo, number)->ends[play->side].link;
  if (end && caiman_link_wants_packets (end))
    duo_inject (play->duo, play->side, number, bytes, size);
}

static void
feed_message (Play *play, guint number, const CaimanMessage *message, gsize cut_bytes)
{
  gsize size = caiman_message_get_size (message);
  g_autofree guint8 *bytes = g_malloc (size);
  caiman_message_write (message, bytes);
  feed (play, number, bytes, size - MIN (size, cut_bytes));
}

static void
feed_data (Play *play, guint number)
{
  static const guint sizes[] = { 0, 1, 100, 500, 1000, 1400, 1400, 2000 };
  static const guint8 zeros[PAYLOAD_MAX_BYTES];
  CaimanMessage message = { .type = CAIMAN_MESSAGE_DATA, .seq = take_seq (play) };
  guint what = take (play);
  gsize size = what == 255 ? PAYLOAD_MAX_BYTES : sizes[what % G_N_ELEMENTS (sizes)];
  feed_message (play, number, &message, 0);
  feed (play, number, zeros, size);
}

static void
feed_many_data (Play *play, guint number)
{
  static const guint8 zeros[2];
  guint n = take (play);
  gsize size = take (play) % 3;
  guint32 seq = caiman_reorder_get_next_seq (get_victim (play)->reorder) + take (play) % 2;
  for (guint i = 0; i < n; i++) {
    CaimanMessage message = { .type = CAIMAN_MESSAGE_DATA, .seq = seq + i };
    feed_message (play, number, &message, 0);
    feed (play, number, zeros, size);
  }
}

static void
feed_reliable (Play *play, guint number)
{
  static const CaimanMessageType types[] = {
    CAIMAN_MESSAGE_CONSUMED,    CAIMAN_MESSAGE_CONSUMED,      CAIMAN_MESSAGE_CONSUMED,
    CAIMAN_MESSAGE_SEND_FINISH, CAIMAN_MESSAGE_RECEIVE_CLOSE, CAIMAN_MESSAGE_RECEIVE_FINISH
  };
  CaimanMessage message = { .type = types[take (play) % G_N_ELEMENTS (types)],
                            .seq = take_seq (play) };
  guint claim = take (play);
  guint64 unconsumed_bytes = get_victim (play)->unconsumed_bytes;
  message.consumed_bytes =
      claim == 255 ? (guint32)unconsumed_bytes + 1 : (guint32)(unconsumed_bytes * claim / 254);
  feed_message (play, number, &message, 0);
}

/* Acknowledges the I-th of what is out on this link, all of it, or anything. */
static void
feed_acks (Play *play, guint number, CaimanLink *end)
{
  CaimanMessage ack = { .type = CAIMAN_MESSAGE_ACK };
  guint what = take (play);
  if (what >= 250) {
    ack.seq = what << 24 | take (play) << 8 | take (play);
    feed_message (play, number, &ack, 0);
    return;
  }
  if (what >= 100) {
    while (end->state != CAIMAN_LINK_CLOSED && end->flight.n > 0) {
      ack.seq = caiman_flight_get (&end->flight, 0)->seq;
      guint32 n_before = end->flight.n;
      feed_message (play, number, &ack, 0);
      if (end->flight.n >= n_before)
        return;
    }
    return;
  }
  if (end->flight.n == 0)
    return;
  ack.seq = caiman_flight_get (&end->flight, what % end->flight.n)->seq;
  feed_message (play, number, &ack, 0);
}

static void
feed_other (Play *play, guint number)
{
  guint what = take (play);
  CaimanMessage message = { .type = (CaimanMessageType)(CAIMAN_MESSAGE_WELCOME +
                                                        what % CAIMAN_MESSAGE_TERMINATE),
                            .seq = take_seq (play),
                            .test_data_bytes = what,
                            .blocked = what / 128 == 1,
                            .refused_code = (CaimanRefusedCode)(1 + what % 4),
                            .receive_buffer_bytes = 1,
                            .server_id = server_id };
  feed_message (play, number, &message, what >= 200 ? what - 199 : 0);
}

/* The same over and over: filler, blocks, pings, acknowledgements of what was never sent,
 * duplicates and numbers used up for nothing, farewells. */
static void
feed_storm (Play *play, guint number)
{
  static const CaimanMessageType types[] = { CAIMAN_MESSAGE_TEST_DATA, CAIMAN_MESSAGE_SET_BLOCK,
                                             CAIMAN_MESSAGE_PING,      CAIMAN_MESSAGE_ACK,
                                             CAIMAN_MESSAGE_CONSUMED,  CAIMAN_MESSAGE_CONSUMED,
                                             CAIMAN_MESSAGE_PONG,      CAIMAN_MESSAGE_GOODBYE };
  guint what = take (play), n = 2 + take (play);
  guint32 seq = caiman_reorder_get_next_seq (get_victim (play)->reorder) - (what / 8 % 2);
  for (guint i = 0; i < n; i++) {
    CaimanMessage message = { .type = types[what % 8],
                              .seq = seq + (what % 8 == 5 ? i : 0),
                              .test_data_bytes = what * 50,
                              .blocked = i % 2 == 0 };
    feed_message (play, number, &message, 0);
  }
}

static void
feed_noise (Play *play, guint number)
{
  guint8 bytes[32];
  gsize size = take (play) % (sizeof bytes + 1);
  for (gsize i = 0; i < size; i++)
    bytes[i] = (guint8)take (play);
  feed (play, number, bytes, size);
}

/* --- What the local side does --- */

static void
use_application (Play *play)
{
  static const guint8 text[5000];
  CaimanConnection *connection = get_victim (play);
  Duo *d = play->duo;
  guint what = take (play);
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, (what * 53u) % sizeof text);
  guint8 buffer[700];
  switch (what % 16) {
  case 0:
  case 1:
    while (caiman_connection_read (connection, buffer, sizeof buffer, d->now_ns, NULL) > 0)
      ;
    break;
  case 2:
    g_bytes_unref (caiman_connection_receive (connection, d->now_ns, NULL) ?: g_bytes_ref (bytes));
    break;
  case 3:
  case 4:
  case 5:
    caiman_connection_write (connection, bytes, 0, d->now_ns, NULL);
    break;
  case 6:
  case 7:
    caiman_connection_send (connection, bytes, d->now_ns, NULL);
    break;
  case 8:
    caiman_connection_flush (connection, d->now_ns);
    break;
  case 9:
    if (what > 200)
      caiman_connection_finish (connection, d->now_ns);
    break;
  case 10:
    if (what > 200)
      caiman_connection_drop_receiver (connection, d->now_ns);
    break;
  case 11:
    caiman_connection_close_receiver (connection, d->now_ns);
    break;
  case 12:
    if (what > 240)
      caiman_connection_terminate (connection, d->now_ns);
    break;
  default:
    break;
  }
  duo_settle (d);
}

static void
use_link (Play *play, guint number, CaimanLink *end)
{
  Duo *d = play->duo;
  guint what = take (play);
  switch (what % 8) {
  case 0:
  case 1:
    caiman_link_set_writable (end, FALSE, d->now_ns);
    break;
  case 2:
  case 3:
  case 4:
    caiman_link_set_writable (end, TRUE, d->now_ns);
    break;
  case 5:
    caiman_link_set_blocked (end, what > 128, d->now_ns);
    break;
  case 6:
    if (what > 200)
      caiman_link_disconnect (end, d->now_ns);
    break;
  default:
    if (what > 230)
      duo_drop_link (d, number);
    break;
  }
  duo_settle (d);
}

static void
add_link (Play *play, guint index)
{
  Duo *d = play->duo;
  CaimanConnection *connection = get_victim (play);
  if (connection && caiman_connection_get_state (connection) > CAIMAN_CONNECTION_OPEN)
    return;
  d->keep_log = TRUE;
  guint number = duo_add_raw_link (d, play->side, "hostile");
  play->links[index] = number;
  if (play->side == DUO_CLIENT) {
    CaimanMessage accepted = { .type = CAIMAN_MESSAGE_ACCEPTED };
    duo_raw_welcome (d, number, &server_id);
    feed_message (play, number, &accepted, 0);
  } else {
    duo_raw_connect (d, number, &connection_id, d->accepted != NULL);
  }
  duo_forget (d);
  d->keep_log = FALSE;
}

/* --- Time, and what must hold --- */

static void
check_victim (Play *play)
{
  CaimanConnection *connection = get_victim (play);
  CaimanConnectionStats stats;
  caiman_connection_get_stats (connection, &stats);
  g_assert_cmpuint (stats.reorder_bytes + stats.readable_bytes, <=, RECEIVE_BUFFER_BYTES);
  g_assert_cmpuint (stats.unsent_bytes + stats.unacked_bytes, <=, 2 * SEND_BUFFER_BYTES);
  /* The first few, then two for each message that is not small, or packs (readable.c); the message
   * that is read in part, and the pack that is open. */
  g_assert_cmpuint (caiman_readable_get_n_pieces (connection->readable), <=,
                    64 + 2 * (RECEIVE_BUFFER_BYTES / 512) + 4 * RECEIVE_BUFFER_BYTES / 16384 + 3);
  g_assert_cmpuint (caiman_reorder_get_n_waiting (connection->reorder), <=, CAIMAN_SEQ_WINDOW + 1);
  g_assert_cmpuint (connection->events.length, ==, 0);
  for (guint i = 0; i < connection->links->len; i++) {
    const CaimanLink *link = g_ptr_array_index (connection->links, i);
    g_assert_cmpuint (caiman_link_get_n_acks (link), <=, CAIMAN_SEQ_WINDOW + 1);
    g_assert_cmpuint (link->flight.n, <=, CAIMAN_SEQ_WINDOW + 1);
    g_assert_cmpint (link->flight.bytes, >=, 0);
  }
}

static gint64
get_deadline (Play *play)
{
  return MIN (caiman_connection_get_deadline (get_victim (play)),
              caiman_server_get_deadline (play->duo->server));
}

static void
pass_time (Play *play, gint64 delta_ns)
{
  g_assert_cmpint (delta_ns, <=, WAKE_UPS_PERIOD_NS);
  Duo *d = play->duo;
  gint64 until_ns = d->now_ns + delta_ns;
  for (guint n = 0; d->now_ns < until_ns; n++) {
    g_assert_cmpuint (n, <, WAKE_UPS_MAX);
    for (guint turn = 0; get_deadline (play) <= d->now_ns; turn++) {
      g_assert_cmpuint (turn, <, WAKE_UPS_AT_ONCE_MAX);
      duo_settle (d);
    }
    duo_advance (d, MIN (get_deadline (play), until_ns) - d->now_ns);
  }
}

static void
take_time (Play *play)
{
  guint what = take (play);
  pass_time (play, (gint64)(what % 16 + 1) * (US (10) << (what / 16)));
}

static void
do_step (Play *play)
{
  guint what = take (play), number;
  CaimanLink *end = take_end (play, &number);
  if (what % 32 >= 26 && what % 32 <= 27) {
    use_application (play);
    return;
  }
  if (what % 32 >= 28 && what % 32 <= 30) {
    take_time (play);
    return;
  }
  if (!end) {
    if (what >= 128)
      add_link (play, what % N_LINKS);
    return;
  }
  g_autoptr (CaimanLink) keep = caiman_link_ref (end);
  if (what % 32 < 7)
    feed_data (play, number);
  else if (what % 32 < 8)
    feed_many_data (play, number);
  else if (what % 32 < 14)
    feed_reliable (play, number);
  else if (what % 32 < 21)
    feed_acks (play, number, keep);
  else if (what % 32 < 23)
    feed_other (play, number);
  else if (what % 32 < 24)
    feed_noise (play, number);
  else if (what % 32 == 31)
    feed_storm (play, number);
  else
    use_link (play, number, keep);
}

static Duo *
set_up (guint what)
{
  CaimanConfig config;
  caiman_config_init (&config, (CaimanPreset)(what % CAIMAN_N_PRESETS));
  if (what % CAIMAN_N_PRESETS == CAIMAN_PRESET_ADAPTIVE)
    config.policy = what / CAIMAN_N_PRESETS % CAIMAN_N_POLICIES;
  config.send_buffer_bytes = SEND_BUFFER_BYTES;
  config.receive_buffer_bytes = RECEIVE_BUFFER_BYTES;
  config.test_data_bytes = MIN (config.test_data_bytes, 40000);
  config.stream_chunk_bytes = MIN (config.stream_chunk_bytes, RECEIVE_BUFFER_BYTES / 4);
  Duo *d = duo_new (&config, &config);
  d->keep_log = FALSE;
  return d;
}

static const CaimanReason proper_reasons[] = {
  CAIMAN_REASON_FINISHED,
  CAIMAN_REASON_TERMINATED,
  CAIMAN_REASON_ALL_LINKS_FAILED,
  CAIMAN_REASON_SERVER_ID_MISMATCH,
  CAIMAN_REASON_CLOSED,
  CAIMAN_REASON_NOT_LISTENING,
  CAIMAN_REASON_REFUSED,
  CAIMAN_REASON_PROTOCOL_ERROR,
  CAIMAN_REASON_TERMINATION_TIMEOUT,
};

/* With nobody there any more it must end by itself. */
static CaimanReason
check_end (Play *play)
{
  gint64 end_ns = play->duo->now_ns + END_MAX_NS;
  CaimanConnection *connection = get_victim (play);
  while (!caiman_connection_is_finished (connection)) {
    g_assert_cmpint (play->duo->now_ns, <, end_ns);
    pass_time (play, WAKE_UPS_PERIOD_NS);
    duo_forget (play->duo);
  }
  g_assert_cmpint (caiman_connection_get_state (connection), ==, CAIMAN_CONNECTION_ENDED);
  g_assert_cmpint (get_deadline (play), ==, CAIMAN_TIME_NEVER);
  CaimanReason reason = caiman_connection_get_end_reason (connection);
  gboolean proper = FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (proper_reasons); i++)
    proper |= reason == proper_reasons[i];
  g_assert_true (proper);
  /* A graceful end loses nothing that the peer wanted. */
  if (reason == CAIMAN_REASON_FINISHED && !connection->peer_dropped_receiver)
    g_assert_cmpuint (connection->unsent_bytes + connection->unacked_bytes, ==, 0);
  return reason;
}

CaimanReason
hostile_play (const guint8 *script, gsize size)
{
  Play play = { .at = script, .left = size };
  guint what = take (&play);
  play.side = what % 2 ? DUO_SERVER : DUO_CLIENT;
  g_autoptr (Duo) d = play.duo = set_up (what / 2);
  for (guint i = 0; i < N_LINKS; i++)
    add_link (&play, i);
  while (play.left > 0) {
    do_step (&play);
    duo_forget (d);
    check_victim (&play);
  }
  return check_end (&play);
}
