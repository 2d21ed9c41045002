/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - see frame.h. */
#include "transports/frame.h"

#include <isa-l.h>
#include <string.h>

/* A payload that comes in pieces gets all its memory at once up to the first size, or once a
 * quarter of it is there; a larger one starts with the second size, and doubles. */
#define GATHER_WHOLE_BYTES (64u * 1024u)
#define GATHER_START_BYTES (16u * 1024u)

guint32
caiman_frame_checksum (const guint8 *data, gsize size)
{
  return size > 0 ? crc32_gzip_refl (0, data, size) : 0;
}

static void
put_be16 (guint8 *to, guint16 value)
{
  value = GUINT16_TO_BE (value);
  memcpy (to, &value, sizeof value);
}

static void
put_be32 (guint8 *to, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (to, &value, sizeof value);
}

static guint16
get_be16 (const guint8 *from)
{
  guint16 value;
  memcpy (&value, from, sizeof value);
  return GUINT16_FROM_BE (value);
}

static guint32
get_be32 (const guint8 *from)
{
  guint32 value;
  memcpy (&value, from, sizeof value);
  return GUINT32_FROM_BE (value);
}

void
caiman_frame_encode_header (guint8 header_out[CAIMAN_FRAME_HEADER_BYTES], guint16 seq,
                            const guint8 *payload, gsize size)
{
  g_assert (size <= G_MAXUINT32);
  put_be32 (header_out, (guint32)size);
  put_be16 (header_out + 4, seq);
  put_be32 (header_out + 6, caiman_frame_checksum (payload, size));
}

void
caiman_frame_decoder_init (CaimanFrameDecoder *decoder, guint32 payload_max_bytes,
                           guint16 first_seq)
{
  memset (decoder, 0, sizeof *decoder);
  decoder->payload_max_bytes = payload_max_bytes;
  decoder->next_seq = first_seq;
  decoder->end = CAIMAN_FRAME_NEED_MORE;
}

void
caiman_frame_decoder_set_buffer (CaimanFrameDecoder *decoder, CaimanReceiveBuffer *buffer)
{
  decoder->buffer = buffer;
}

static void
drop_gathered (CaimanFrameDecoder *decoder)
{
  g_clear_pointer (&decoder->gathered, caiman_receive_block_free);
  decoder->gathered_bytes = 0;
  decoder->gathered_space = 0;
}

void
caiman_frame_decoder_clear (CaimanFrameDecoder *decoder)
{
  drop_gathered (decoder);
  g_clear_pointer (&decoder->ready, g_bytes_unref);
}

static void
take (const guint8 **data_inout, gsize *size_inout, gsize size)
{
  *data_inout += size;
  *size_inout -= size;
}

/* FALSE while the header is incomplete or when it is wrong, which is then in decoder->end. */
static gboolean
read_header (CaimanFrameDecoder *decoder, const guint8 **data_inout, gsize *size_inout)
{
  gsize size = MIN (CAIMAN_FRAME_HEADER_BYTES - decoder->header_bytes, *size_inout);

  if (size > 0) {
    memcpy (decoder->header + decoder->header_bytes, *data_inout, size);
    decoder->header_bytes += size;
    take (data_inout, size_inout, size);
  }
  if (decoder->header_bytes < CAIMAN_FRAME_HEADER_BYTES)
    return FALSE;

  decoder->payload_bytes = get_be32 (decoder->header);
  decoder->checksum = get_be32 (decoder->header + 6);
  if (decoder->payload_bytes > decoder->payload_max_bytes)
    decoder->end = CAIMAN_FRAME_TOO_BIG;
  else if (get_be16 (decoder->header + 4) != decoder->next_seq)
    decoder->end = CAIMAN_FRAME_OUT_OF_SEQUENCE;
  return decoder->end == CAIMAN_FRAME_NEED_MORE;
}

/* Is memory for the whole payload under way fine when @size bytes of it are there? */
static gboolean
may_hold_whole (const CaimanFrameDecoder *decoder, gsize size)
{
  gsize whole = decoder->payload_bytes;
  return whole <= MAX (GATHER_WHOLE_BYTES, size * 4) ||
         (decoder->buffer && caiman_receive_buffer_may_promise (decoder->buffer, whole));
}

/* Makes room for @needed bytes of the payload under way. */
static void
grow_gathered (CaimanFrameDecoder *decoder, gsize needed)
{
  gsize space = MAX (decoder->gathered_space * 2, GATHER_START_BYTES);

  if (needed <= decoder->gathered_space)
    return;
  space = MIN (MAX (space, needed), decoder->payload_bytes);
  if (may_hold_whole (decoder, needed))
    space = decoder->payload_bytes;
  CaimanReceiveBlock *block = caiman_receive_block_new (decoder->buffer, space);
  if (decoder->gathered_bytes > 0)
    memcpy (caiman_receive_block_get_data (block),
            caiman_receive_block_get_data (decoder->gathered), decoder->gathered_bytes);
  caiman_receive_block_free (decoder->gathered);
  decoder->gathered = block;
  decoder->gathered_space = caiman_receive_block_get_space (block);
}

static void
gather (CaimanFrameDecoder *decoder, const guint8 **data_inout, gsize *size_inout)
{
  gsize size = MIN (decoder->payload_bytes - decoder->gathered_bytes, *size_inout);

  if (size == 0)
    return;
  grow_gathered (decoder, decoder->gathered_bytes + size);
  memcpy (caiman_receive_block_get_data (decoder->gathered) + decoder->gathered_bytes, *data_inout,
          size);
  decoder->gathered_bytes += size;
  take (data_inout, size_inout, size);
}

static gboolean
has_header (const CaimanFrameDecoder *decoder)
{
  return decoder->header_bytes == CAIMAN_FRAME_HEADER_BYTES &&
         decoder->end == CAIMAN_FRAME_NEED_MORE;
}

guint8 *
caiman_frame_decoder_reserve (CaimanFrameDecoder *decoder, gsize *size_out)
{
  *size_out = 0;
  if (!has_header (decoder))
    return NULL;
  if (decoder->gathered_bytes < decoder->payload_bytes)
    grow_gathered (decoder, decoder->gathered_bytes + 1);
  *size_out = MIN (decoder->gathered_space, decoder->payload_bytes) - decoder->gathered_bytes;
  return caiman_receive_block_get_data (decoder->gathered) + decoder->gathered_bytes;
}

void
caiman_frame_decoder_commit (CaimanFrameDecoder *decoder, gsize size)
{
  g_assert (size <= decoder->gathered_space - decoder->gathered_bytes);
  decoder->gathered_bytes += size;
}

gboolean
caiman_frame_decoder_adopt (CaimanFrameDecoder *decoder, CaimanReceiveBlock *block, gsize size)
{
  if (!has_header (decoder) || decoder->gathered || size > decoder->payload_bytes ||
      decoder->payload_bytes > caiman_receive_block_get_space (block) ||
      (size < decoder->payload_bytes && !may_hold_whole (decoder, size)))
    return FALSE;
  decoder->gathered = block;
  decoder->gathered_bytes = size;
  decoder->gathered_space = caiman_receive_block_get_space (block);
  return TRUE;
}

/* The frame's payload is complete at @data. */
static CaimanFrameVerdict
finish_frame (CaimanFrameDecoder *decoder, const guint8 *data, CaimanFrame *frame_out)
{
  gsize size = decoder->payload_bytes;

  if (caiman_frame_checksum (data, size) != decoder->checksum) {
    drop_gathered (decoder);
    decoder->end = CAIMAN_FRAME_BAD_CHECKSUM;
    return decoder->end;
  }
  if (decoder->gathered) {
    decoder->ready = caiman_receive_block_to_bytes (g_steal_pointer (&decoder->gathered), size);
    data = g_bytes_get_data (decoder->ready, NULL);
    drop_gathered (decoder);
  }
  decoder->next_seq++;
  decoder->header_bytes = 0;
  frame_out->data = data;
  frame_out->size = size;
  frame_out->bytes = decoder->ready;
  return CAIMAN_FRAME_READY;
}

CaimanFrameVerdict
caiman_frame_decoder_feed (CaimanFrameDecoder *decoder, const guint8 **data_inout,
                           gsize *size_inout, CaimanFrame *frame_out)
{
  const guint8 *payload = NULL;

  g_clear_pointer (&decoder->ready, g_bytes_unref);
  if (decoder->end != CAIMAN_FRAME_NEED_MORE)
    return decoder->end;
  if (!decoder->gathered && !read_header (decoder, data_inout, size_inout))
    return decoder->end;

  if (!decoder->gathered && *size_inout >= decoder->payload_bytes) {
    payload = *data_inout;
    take (data_inout, size_inout, decoder->payload_bytes);
  } else {
    gather (decoder, data_inout, size_inout);
    if (decoder->gathered_bytes < decoder->payload_bytes)
      return CAIMAN_FRAME_NEED_MORE;
    payload = caiman_receive_block_get_data (decoder->gathered);
  }
  return finish_frame (decoder, payload, frame_out);
}

const char *
caiman_frame_verdict_to_string (CaimanFrameVerdict verdict)
{
  switch (verdict) {
  case CAIMAN_FRAME_NEED_MORE:
    return "need-more";
  case CAIMAN_FRAME_READY:
    return "ready";
  case CAIMAN_FRAME_TOO_BIG:
    return "too-big";
  case CAIMAN_FRAME_OUT_OF_SEQUENCE:
    return "out-of-sequence";
  case CAIMAN_FRAME_BAD_CHECKSUM:
    return "bad-checksum";
  }
  return "unknown";
}
