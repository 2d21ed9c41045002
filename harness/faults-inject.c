/* SPDX-License-Identifier: Apache-2.0 */
/* faults-inject.c - a peer that breaks the rules (PROTOCOL.md, 2, 3 and 5).
 *
 * What it sends is given to the receiving end of the link as if it had come over the wire: bytes
 * through a frame decoder, messages straight to the link. */
#include "harness/faults-private.h"

#include "core/message.h"
#include "transports/frame.h"

#include <string.h>

/* So far ahead of what is sent that it can never be the next in order. */
#define GAP_SEQS 1000u

#define OVERFLOW_PART_BYTES (1024u * 1024u)

typedef struct {
  Faults *faults;
  ScenarioInject what;
  guint link;
  ScenarioSide receiver;
  guint32 next_seq; /* that the real peer has not used */
} Injection;

/* --- Bytes --- */

static gsize
make_garbage (Faults *faults, guint8 *out)
{
  CaimanPrng prng;

  caiman_prng_init_stream (&prng, faults->run->seed ^ (guint64)testbed_now (faults->run->testbed),
                           "inject");
  for (guint i = 0; i < 64; i++)
    out[i] = (guint8)caiman_prng_next (&prng);
  /* Half of all lengths would only be waited for. */
  out[0] |= 0x80;
  return 64;
}

/* A frame with a Ping in it, with its header spoilt. */
static gsize
make_frame (ScenarioInject what, guint8 *out)
{
  static const guint8 ping = CAIMAN_MESSAGE_PING;

  caiman_frame_encode_header (out, 0, &ping, sizeof ping);
  out[CAIMAN_FRAME_HEADER_BYTES] = ping;
  if (what == SCENARIO_INJECT_OVERSIZED_FRAME)
    out[0] = 0x7f;
  else if (what == SCENARIO_INJECT_BAD_SEQUENCE)
    out[5] ^= 0x01;
  else
    out[CAIMAN_FRAME_HEADER_BYTES - 1] ^= 0x01;
  return CAIMAN_FRAME_HEADER_BYTES + 1;
}

static void
inject_bytes (Injection *injection, CaimanLink *end, gint64 now_ns)
{
  guint8 bytes[64];
  const guint8 *data = bytes;
  gsize size = injection->what == SCENARIO_INJECT_GARBAGE ? make_garbage (injection->faults, bytes)
                                                          : make_frame (injection->what, bytes);
  CaimanFrameDecoder decoder;
  CaimanFrame frame;

  caiman_frame_decoder_init (&decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 0);
  CaimanFrameVerdict verdict = caiman_frame_decoder_feed (&decoder, &data, &size, &frame);
  caiman_frame_decoder_clear (&decoder);
  g_assert (verdict != CAIMAN_FRAME_READY && verdict != CAIMAN_FRAME_NEED_MORE);
  caiman_link_failed (end, CAIMAN_REASON_LINK_FRAME_ERROR, now_ns);
}

/* --- Messages --- */

static void
send_message (CaimanLink *end, const CaimanMessage *message, gsize cut_bytes, gint64 now_ns)
{
  gsize size = caiman_message_get_size (message);
  g_autofree guint8 *bytes = g_malloc (size);

  caiman_message_write (message, bytes);
  caiman_link_received (end, bytes, size - cut_bytes, NULL, now_ns);
}

static void
send_data (CaimanLink *end, guint32 seq, GBytes *payload, gint64 now_ns)
{
  CaimanMessage message = { .type = CAIMAN_MESSAGE_DATA, .seq = seq };
  gsize size;
  const guint8 *data = g_bytes_get_data (payload, &size);

  send_message (end, &message, 0, now_ns);
  caiman_link_received (end, data, size, payload, now_ns);
}

static void
inject_overflow (Injection *injection, CaimanLink *end, gint64 now_ns)
{
  const ScenarioEndpoint *receiver =
      &injection->faults->run->scenario->endpoint[injection->receiver];
  gint64 left = receiver->config.receive_buffer_bytes + 1;
  g_autoptr (GBytes) part = g_bytes_new_take (g_malloc0 (OVERFLOW_PART_BYTES), OVERFLOW_PART_BYTES);
  guint32 seq = injection->next_seq + GAP_SEQS;

  for (; left > 0; left -= OVERFLOW_PART_BYTES)
    send_data (end, seq++, part, now_ns);
}

static void
inject_too_far (Injection *injection, CaimanLink *end, gint64 now_ns)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("far", 3);

  send_data (end, injection->next_seq + CAIMAN_SEQ_WINDOW + GAP_SEQS, payload, now_ns);
}

static void
inject_welcome (CaimanLink *end, gint64 now_ns)
{
  CaimanMessage message = { .type = CAIMAN_MESSAGE_WELCOME, .receive_buffer_bytes = 1 };

  message.server_id.bytes[0] = 1;
  send_message (end, &message, 0, now_ns);
}

static void
inject_message (Injection *injection, CaimanLink *end, gint64 now_ns)
{
  static const guint8 unknown_type = 200;
  CaimanMessage goodbye = { .type = CAIMAN_MESSAGE_GOODBYE };
  CaimanMessage ack = { .type = CAIMAN_MESSAGE_ACK, .seq = injection->next_seq + GAP_SEQS };
  CaimanMessage consumed = { .type = CAIMAN_MESSAGE_CONSUMED,
                             .seq = injection->next_seq,
                             .consumed_bytes = G_MAXUINT32 };

  switch (injection->what) {
  case SCENARIO_INJECT_UNKNOWN_MESSAGE:
    caiman_link_received (end, &unknown_type, sizeof unknown_type, NULL, now_ns);
    break;
  case SCENARIO_INJECT_SHORT_MESSAGE:
    send_message (end, &consumed, 1, now_ns);
    break;
  case SCENARIO_INJECT_WELCOME_ON_ESTABLISHED:
    inject_welcome (end, now_ns);
    break;
  case SCENARIO_INJECT_ACK_UNKNOWN:
    send_message (end, &ack, 0, now_ns);
    break;
  case SCENARIO_INJECT_DUPLICATE_GOODBYE:
    send_message (end, &goodbye, 0, now_ns);
    send_message (end, &goodbye, 0, now_ns);
    break;
  case SCENARIO_INJECT_CONSUMED_TOO_MUCH:
    send_message (end, &consumed, 0, now_ns);
    break;
  case SCENARIO_INJECT_DATA_OVERFLOW:
    inject_overflow (injection, end, now_ns);
    break;
  case SCENARIO_INJECT_SEQUENCE_TOO_FAR:
    inject_too_far (injection, end, now_ns);
    break;
  default:
    g_assert_not_reached ();
  }
}

static void
inject_end (CaimanLink *end, gint64 now_ns, gpointer user_data)
{
  Injection *injection = user_data;

  if (injection->what <= SCENARIO_INJECT_BAD_CHECKSUM)
    inject_bytes (injection, end, now_ns);
  else
    inject_message (injection, end, now_ns);
}

static void
note_payload (CaimanLink *end, gint64 now_ns, gpointer user_data)
{
  *(gboolean *)user_data |= caiman_link_expects_payload (end);
}

/* FALSE: behind the header of a Data, what was injected would be taken for its payload. A peer that
 * breaks the rules could do that, but it is not what the scenario asks for. */
static gboolean
try_to_inject (gpointer user_data)
{
  Injection *injection = user_data;
  gboolean expects_payload = FALSE;
  guint32 last_sent;

  if (injection->faults->run->is_judged)
    return TRUE;
  faults_each_end (injection->faults, injection->receiver, injection->link, note_payload,
                   &expects_payload);
  if (expects_payload)
    return FALSE;
  gboolean any =
      oracle_get_last_sent (injection->faults->run->oracle, !injection->receiver, &last_sent);
  injection->next_seq = any ? last_sent + 1 : 0;
  faults_each_end (injection->faults, injection->receiver, injection->link, inject_end, injection);
  return TRUE;
}

void
faults_inject (Faults *faults, ScenarioInject what, guint link, ScenarioDirections directions)
{
  Testbed *testbed = faults->run->testbed;

  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    if (!(directions & 1u << d))
      continue;
    Injection *injection = g_new0 (Injection, 1);
    g_ptr_array_add (faults->injections, injection);
    *injection =
        (Injection) { .faults = faults,
                      .what = what,
                      .link = link,
                      .receiver = d == SCENARIO_UP ? SCENARIO_SIDE_SERVER : SCENARIO_SIDE_CLIENT };
    if (!try_to_inject (injection) && testbed->klass->after_packets)
      testbed->klass->after_packets (testbed, injection->receiver, link, try_to_inject, injection);
  }
}
