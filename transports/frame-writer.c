/* SPDX-License-Identifier: Apache-2.0 */
/* frame-writer.c - see frame-writer.h. A piece is a few bytes of its own (headers, whole small
 * frames) and what it refers to behind them. */
#include "transports/frame-writer.h"

#include <string.h>

/* Room for several acknowledgements, so that one part of the writev() carries them all. */
#define OWN_BYTES 116u
/* A payload up to this size is copied into the piece. */
#define COPY_MAX_BYTES 64u
#define PIECES_MIN     8u
/* An empty ring that is larger than this is given back. */
#define PIECES_KEPT 256u

struct _CaimanFramePiece {
  GBytes *tail; /* (owned, nullable) goes out behind @own */
  guint32 own_bytes;
  guint8 own[OWN_BYTES];
};

void
caiman_frame_writer_init (CaimanFrameWriter *writer)
{
  memset (writer, 0, sizeof *writer);
}

static inline CaimanFramePiece *
get_piece (const CaimanFrameWriter *writer, guint index)
{
  return &writer->pieces[(writer->first + index) & (writer->n_allocated - 1)];
}

void
caiman_frame_writer_clear (CaimanFrameWriter *writer)
{
  for (guint i = 0; i < writer->n_pieces; i++)
    g_clear_pointer (&get_piece (writer, i)->tail, g_bytes_unref);
  g_free (writer->pieces);
  caiman_frame_writer_init (writer);
}

static void
grow (CaimanFrameWriter *writer)
{
  guint n_allocated = MAX (PIECES_MIN, writer->n_allocated * 2);
  CaimanFramePiece *pieces = g_new (CaimanFramePiece, n_allocated);
  for (guint i = 0; i < writer->n_pieces; i++)
    pieces[i] = *get_piece (writer, i);
  g_free (writer->pieces);
  writer->pieces = pieces;
  writer->n_allocated = n_allocated;
  writer->first = 0;
}

/* A piece with room for @size own bytes, the last one if that will do. */
static CaimanFramePiece *
get_room (CaimanFrameWriter *writer, gsize size)
{
  if (writer->n_pieces > 0) {
    CaimanFramePiece *last = get_piece (writer, writer->n_pieces - 1);
    if (!last->tail && last->own_bytes + size <= OWN_BYTES)
      return last;
  }
  if (writer->n_pieces == writer->n_allocated)
    grow (writer);
  CaimanFramePiece *piece = get_piece (writer, writer->n_pieces++);
  piece->tail = NULL;
  piece->own_bytes = 0;
  return piece;
}

/* @bytes (nullable, transfer full) is what @data lies in. */
static void
push_frame (CaimanFrameWriter *writer, const guint8 *data, gsize size, GBytes *bytes)
{
  gboolean copied = size <= COPY_MAX_BYTES;
  gsize own_bytes = CAIMAN_FRAME_HEADER_BYTES + (copied ? size : 0);
  CaimanFramePiece *piece = get_room (writer, own_bytes);
  guint8 *to = piece->own + piece->own_bytes;
  caiman_frame_encode_header (to, writer->next_seq++, data, size);
  if (copied && size > 0)
    memcpy (to + CAIMAN_FRAME_HEADER_BYTES, data, size);
  piece->own_bytes += (guint32)own_bytes;
  writer->queued_bytes += CAIMAN_FRAME_HEADER_BYTES + size;
  if (!copied)
    piece->tail = bytes;
  else if (bytes)
    g_bytes_unref (bytes);
}

void
caiman_frame_writer_push (CaimanFrameWriter *writer, CaimanPacket *packet)
{
  G_STATIC_ASSERT (CAIMAN_PACKET_INLINE_BYTES <= COPY_MAX_BYTES);
  G_STATIC_ASSERT (CAIMAN_FRAME_HEADER_BYTES + COPY_MAX_BYTES <= OWN_BYTES);
  gsize size;
  const guint8 *data = caiman_packet_get_message (packet, &size);
  push_frame (writer, data, size, g_steal_pointer (&packet->message));
  if (packet->payload) {
    data = g_bytes_get_data (packet->payload, &size);
    push_frame (writer, data, size, g_steal_pointer (&packet->payload));
  }
  caiman_packet_clear (packet);
}

static gsize
get_piece_size (const CaimanFramePiece *piece)
{
  return piece->own_bytes + (piece->tail ? g_bytes_get_size (piece->tail) : 0);
}

guint
caiman_frame_writer_peek (const CaimanFrameWriter *writer, struct iovec *parts_out, guint max,
                          gsize *size_out)
{
  guint n_parts = 0;
  gsize skip_bytes = writer->skip_bytes;
  *size_out = 0;
  for (guint i = 0; i < writer->n_pieces && n_parts + 2 <= max; i++) {
    CaimanFramePiece *piece = get_piece (writer, i);
    gsize size = piece->own_bytes;
    if (skip_bytes < size) {
      parts_out[n_parts++] = (struct iovec) { piece->own + skip_bytes, size - skip_bytes };
      *size_out += size - skip_bytes;
      skip_bytes = 0;
    } else {
      skip_bytes -= size;
    }
    if (!piece->tail)
      continue;
    const guint8 *data = g_bytes_get_data (piece->tail, &size);
    parts_out[n_parts++] = (struct iovec) { (guint8 *)data + skip_bytes, size - skip_bytes };
    *size_out += size - skip_bytes;
    skip_bytes = 0;
  }
  return n_parts;
}

void
caiman_frame_writer_advance (CaimanFrameWriter *writer, gsize size)
{
  g_assert (size <= writer->queued_bytes);
  writer->queued_bytes -= size;
  writer->skip_bytes += size;
  while (writer->n_pieces > 0) {
    CaimanFramePiece *piece = get_piece (writer, 0);
    gsize piece_size = get_piece_size (piece);
    if (writer->skip_bytes < piece_size)
      return;
    writer->skip_bytes -= piece_size;
    g_clear_pointer (&piece->tail, g_bytes_unref);
    writer->first = (writer->first + 1) & (writer->n_allocated - 1);
    writer->n_pieces--;
  }
  if (writer->n_allocated > PIECES_KEPT) {
    g_clear_pointer (&writer->pieces, g_free);
    writer->n_allocated = 0;
    writer->first = 0;
  }
}
