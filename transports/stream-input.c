/* SPDX-License-Identifier: Apache-2.0 */
/* stream-input.c - see stream-input.h. Nothing of what a call reads stays in the shared scratch
 * area when run() returns: what is not wanted yet is copied to memory of the transport's own. */
#include "transports/stream-input.h"

#include <string.h>

/* A payload from this size on is large: it is read into its place, and handed over as bytes. */
#define LARGE_BYTES 4096u
/* While one is under way, this much is read beyond it: what is between two, and not much to copy.
 */
#define BEYOND_BYTES 4096u
/* Payloads that are read ahead: their number, their bytes, and most bytes between them. */
#define AHEAD_MAX       4u
#define AHEAD_MAX_BYTES (256u * 1024u)
#define GAP_MAX_BYTES   64u
#define PARTS_MAX       (2u + 2u * AHEAD_MAX)

/* One call's places, in the order of the stream. */
typedef struct {
  struct iovec parts[PARTS_MAX];
  CaimanReceiveBlock *blocks[PARTS_MAX]; /* (owned, nullable) which a part is the beginning of */
  guint n_parts;
  gboolean continues; /* the first is of the payload under way */
  guint8 gaps[AHEAD_MAX][GAP_MAX_BYTES];
} Places;

void
caiman_stream_input_init (CaimanStreamInput *input, CaimanTransport *transport,
                          const CaimanStreamInputClass *klass, CaimanLoop *loop)
{
  *input = (CaimanStreamInput) { .transport = transport, .klass = klass, .reading = TRUE };
  input->buffer = caiman_loop_get_receive_buffer (loop);
  caiman_frame_decoder_init (&input->decoder, CAIMAN_FRAME_PAYLOAD_MAX_BYTES, 0);
  caiman_frame_decoder_set_buffer (&input->decoder, input->buffer);
}

void
caiman_stream_input_clear (CaimanStreamInput *input)
{
  caiman_frame_decoder_clear (&input->decoder);
  g_clear_pointer (&input->held, g_byte_array_unref);
}

gboolean
caiman_stream_input_set_reading (CaimanStreamInput *input, gboolean reading)
{
  input->reading = reading;
  return reading && (input->can_read || input->stopped);
}

static gboolean
is_wanted (const CaimanStreamInput *input)
{
  return input->reading && input->klass->is_open (input->transport);
}

/* --- Places to read into --- */

static void
add_part (Places *places, guint8 *data, gsize size, CaimanReceiveBlock *block)
{
  places->blocks[places->n_parts] = block;
  places->parts[places->n_parts++] = (struct iovec) { data, size };
}

/* Bytes to come before the next large payload, as the rhythm has it. FALSE: it has been lost. */
static gboolean
guess_gap (const CaimanStreamInput *input, gboolean large_under_way, gsize *gap_out)
{
  guint64 since_bytes = input->position_bytes - input->large_end_bytes;
  *gap_out = input->gap_bytes;
  if (!input->steady)
    return FALSE;
  if (large_under_way)
    return input->decoder.payload_bytes == input->large_bytes;
  if (since_bytes >= input->gap_bytes)
    return FALSE;
  *gap_out -= (gsize)since_bytes;
  return TRUE;
}

static void
add_ahead (CaimanStreamInput *input, Places *places, gsize gap_bytes)
{
  gsize size = input->large_bytes;
  guint n = (guint)MIN (AHEAD_MAX, MAX (AHEAD_MAX_BYTES / size, 1));
  for (guint i = 0; i < n; i++) {
    CaimanReceiveBlock *block = caiman_receive_block_new (input->buffer, size);
    add_part (places, places->gaps[i], i == 0 ? gap_bytes : input->gap_bytes, NULL);
    add_part (places, caiman_receive_block_get_data (block), size, block);
  }
}

/* Where the next bytes go: into the payload under way, then into those to come, if they can be
 * guessed, or else into the scratch area. */
static void
find_places (CaimanStreamInput *input, Places *places)
{
  gsize size, space, gap_bytes;
  guint8 *data = caiman_frame_decoder_reserve (&input->decoder, &size);
  places->n_parts = 0;
  places->continues = size > 0;
  if (size > 0)
    add_part (places, data, size, NULL);
  if (size > 0 && input->klass->first_only)
    return;
  if (!input->klass->first_only && guess_gap (input, size > 0, &gap_bytes)) {
    add_ahead (input, places, gap_bytes);
    return;
  }
  data = caiman_receive_buffer_get_scratch (input->buffer, &space);
  add_part (places, data, size >= LARGE_BYTES ? BEYOND_BYTES : space, NULL);
}

/* --- Handing over --- */

/* Has the next large payload to be guessed in another way? */
static void
learn_rhythm (CaimanStreamInput *input, gsize size)
{
  guint64 gap_bytes = input->position_bytes - size - input->large_end_bytes;
  input->steady = gap_bytes == input->gap_bytes && size == input->large_bytes && gap_bytes > 0;
  input->gap_bytes = gap_bytes <= GAP_MAX_BYTES ? (gsize)gap_bytes : 0;
  input->large_bytes = size;
  input->large_end_bytes = input->position_bytes;
}

static void
hand_over (CaimanStreamInput *input, const CaimanFrame *frame)
{
  CaimanTransport *transport = input->transport;
  const guint8 *data = frame->data;
  /* References of our own, as the user may free the transport while it looks at the frame. */
  g_autoptr (GBytes) bytes = frame->bytes ? g_bytes_ref (frame->bytes) : NULL;
  if (frame->size >= LARGE_BYTES)
    learn_rhythm (input, frame->size);
  if (!bytes && frame->size >= LARGE_BYTES) {
    CaimanReceiveBlock *block = caiman_receive_block_new (input->buffer, frame->size);
    memcpy (caiman_receive_block_get_data (block), data, frame->size);
    bytes = caiman_receive_block_to_bytes (block, frame->size);
    data = g_bytes_get_data (bytes, NULL);
  }
  transport->events->packet (transport->user_data, data, frame->size, bytes);
}

/* Hands over what is complete, of the payload under way and then of the *@size_inout bytes at
 * *@data_inout, while it is wanted. */
static void
decode (CaimanStreamInput *input, const guint8 **data_inout, gsize *size_inout)
{
  while (is_wanted (input)) {
    CaimanFrame frame;
    gsize before = *size_inout;
    CaimanFrameVerdict verdict =
        caiman_frame_decoder_feed (&input->decoder, data_inout, size_inout, &frame);
    input->position_bytes += before - *size_inout;
    if (verdict == CAIMAN_FRAME_NEED_MORE)
      return;
    if (verdict != CAIMAN_FRAME_READY) {
      input->klass->broken (input->transport);
      return;
    }
    hand_over (input, &frame);
  }
  input->stopped = TRUE;
}

static void
hold (CaimanStreamInput *input, const guint8 *data, gsize size)
{
  if (!input->held) {
    input->held = g_byte_array_sized_new ((guint)size);
    input->held_offset = 0;
  }
  g_byte_array_append (input->held, data, (guint)size);
}

static void
decode_held (CaimanStreamInput *input)
{
  GByteArray *held = g_steal_pointer (&input->held);
  gsize size = held ? held->len - input->held_offset : 0;
  const guint8 *data = held ? held->data + input->held_offset : NULL;
  input->stopped = FALSE;
  decode (input, &data, &size);
  if (size > 0 && input->klass->is_open (input->transport)) {
    input->held_offset = held->len - size;
    input->held = g_steal_pointer (&held);
  }
  if (held)
    g_byte_array_unref (held);
}

/* The @size bytes of part @i, in their place. */
static void
take_part (CaimanStreamInput *input, Places *places, guint i, gsize size)
{
  const guint8 *data = places->parts[i].iov_base;
  gboolean in_place = i == 0 && places->continues;
  if (in_place) {
    caiman_frame_decoder_commit (&input->decoder, size);
  } else if (places->blocks[i] && is_wanted (input) &&
             caiman_frame_decoder_adopt (&input->decoder, places->blocks[i], size)) {
    places->blocks[i] = NULL;
    in_place = TRUE;
  }
  if (in_place) {
    input->position_bytes += size;
    size = 0;
  }
  decode (input, &data, &size);
  if (size > 0 && input->klass->is_open (input->transport))
    hold (input, data, size);
}

static gsize
read_once (CaimanStreamInput *input)
{
  Places places;
  find_places (input, &places);
  gsize size = input->klass->read (input->transport, places.parts, places.n_parts), left = size;
  for (guint i = 0; i < places.n_parts && left > 0 && input->klass->is_open (input->transport);
       i++) {
    gsize n = MIN (left, places.parts[i].iov_len);
    take_part (input, &places, i, n);
    left -= n;
  }
  /* The last taken is the first to be used again. */
  for (guint i = places.n_parts; i > 0; i--)
    caiman_receive_block_free (places.blocks[i - 1]);
  return size;
}

gboolean
caiman_stream_input_run (CaimanStreamInput *input)
{
  if (input->stopped)
    decode_held (input);
  for (gsize total = 0; is_wanted (input) && input->can_read;) {
    if (total >= input->klass->share_bytes)
      return FALSE;
    total += read_once (input);
  }
  return TRUE;
}
