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

static void
drop_gathered (CaimanFrameDecoder *decoder)
{
  g_clear_pointer (&decoder->gathered, g_free);
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

/* Makes room for @needed bytes of the payload under way. */
static void
grow_gathered (CaimanFrameDecoder *decoder, gsize needed)
{
  gsize space = MAX (decoder->gathered_space * 2, GATHER_START_BYTES);

  if (needed <= decoder->gathered_space)
    return;
  space = MIN (MAX (space, needed), decoder->payload_bytes);
  if (decoder->payload_bytes <= MAX (GATHER_WHOLE_BYTES, needed * 4))
    space = decoder->payload_bytes;
  decoder->gathered = g_realloc (decoder->gathered, space);
  decoder->gathered_space = space;
}

static void
gather (CaimanFrameDecoder *decoder, const guint8 **data_inout, gsize *size_inout)
{
  gsize size = MIN (decoder->payload_bytes - decoder->gathered_bytes, *size_inout);

  if (size == 0)
    return;
  grow_gathered (decoder, decoder->gathered_bytes + size);
  memcpy (decoder->gathered + decoder->gathered_bytes, *data_inout, size);
  decoder->gathered_bytes += size;
  take (data_inout, size_inout, size);
}

gsize
caiman_frame_decoder_get_missing (const CaimanFrameDecoder *decoder, const guint8 *data, gsize size)
{
  guint32 payload_bytes = decoder->payload_bytes;
  gsize header_bytes = 0;

  if (decoder->end != CAIMAN_FRAME_NEED_MORE || decoder->gathered || size == 0)
    return 0;
  if (decoder->header_bytes < CAIMAN_FRAME_HEADER_BYTES) {
    header_bytes = CAIMAN_FRAME_HEADER_BYTES;
    if (decoder->header_bytes > 0 || size < header_bytes)
      return 0;
    if (get_be16 (data + 4) != decoder->next_seq)
      return 0; /* feed() will tell */
    payload_bytes = get_be32 (data);
  }
  if (payload_bytes > decoder->payload_max_bytes || size >= header_bytes + payload_bytes)
    return 0;
  return header_bytes + payload_bytes - size;
}

guint8 *
caiman_frame_decoder_reserve (CaimanFrameDecoder *decoder, gsize *size_out)
{
  *size_out = 0;
  if (!decoder->gathered)
    return NULL;
  grow_gathered (decoder, decoder->gathered_bytes + 1);
  *size_out = decoder->gathered_space - decoder->gathered_bytes;
  return decoder->gathered + decoder->gathered_bytes;
}

void
caiman_frame_decoder_commit (CaimanFrameDecoder *decoder, gsize size)
{
  g_assert (size <= decoder->gathered_space - decoder->gathered_bytes);
  decoder->gathered_bytes += size;
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
    decoder->ready = g_bytes_new_take (g_steal_pointer (&decoder->gathered), size);
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
    payload = decoder->gathered;
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
