/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - the frames that carry packets over a byte stream (PROTOCOL.md, section 2).
 *
 * Pure code: the encoder writes the 10 bytes that go before a payload, the decoder takes bytes in
 * pieces of any size. A header is checked as soon as it is complete, and memory beyond 64 KiB grows
 * only with the bytes that really came, so that a peer cannot make the receiver allocate what it
 * does not send. */
#pragma once

#include "receive-buffer.h"

G_BEGIN_DECLS

/* Length (u32), sequence number (u16), CRC-32 of the payload (u32), all big-endian. */
#define CAIMAN_FRAME_HEADER_BYTES 10

typedef enum {
  CAIMAN_FRAME_NEED_MORE,       /* all input is used up and the frame is not complete */
  CAIMAN_FRAME_READY,           /* one payload is there */
  CAIMAN_FRAME_TOO_BIG,         /* the three errors are final: the link must be given up */
  CAIMAN_FRAME_OUT_OF_SEQUENCE, /* the header carries another number than the expected one */
  CAIMAN_FRAME_BAD_CHECKSUM,    /* the payload is not what was sent */
} CaimanFrameVerdict;

/* The decoder of one direction of one link. All but the first field are its own business. */
typedef struct {
  guint32 payload_max_bytes; /* may change; what has begun still ends */
  guint16 next_seq;          /* expected in the next header */
  guint8 header[CAIMAN_FRAME_HEADER_BYTES];
  gsize header_bytes; /* of @header that are there */
  guint32 payload_bytes;
  guint32 checksum;
  CaimanReceiveBuffer *buffer;  /* (nullable) where memory for payloads comes from */
  CaimanReceiveBlock *gathered; /* payload that came in pieces (owned, nullable) */
  gsize gathered_bytes;         /* of it that are there */
  gsize gathered_space;         /* bytes allocated */
  GBytes *ready;                /* what the last READY verdict gave out (owned, nullable) */
  CaimanFrameVerdict end;       /* NEED_MORE, or the error that ended the stream */
} CaimanFrameDecoder;

/* A payload, valid until the next call on the decoder or the end of the input, what comes first. */
typedef struct {
  const guint8 *data;
  gsize size;
  GBytes *bytes; /* (borrowed, nullable) exactly these bytes; NULL when they lie in the input */
} CaimanFrame;

/* The CRC-32 of section 2 (ISO-HDLC; "123456789" gives 0xCBF43926). @data may be NULL if @size is
 * 0. */
guint32 caiman_frame_checksum (const guint8 *data, gsize size);

/* Writes the header of frame number @seq with the @size bytes at @payload behind it. @size is at
 * most what the peer's decoder takes (asserted: at most G_MAXUINT32). */
void caiman_frame_encode_header (guint8 header_out[CAIMAN_FRAME_HEADER_BYTES], guint16 seq,
                                 const guint8 *payload, gsize size);

/* Starts at sequence number @first_seq (0 on a fresh link). @payload_max_bytes is usually
 * CAIMAN_FRAME_PAYLOAD_MAX_BYTES. */
void caiman_frame_decoder_init (CaimanFrameDecoder *decoder, guint32 payload_max_bytes,
                                guint16 first_seq);

/* Memory for payloads comes from @buffer, which must outlive @decoder. */
void caiman_frame_decoder_set_buffer (CaimanFrameDecoder *decoder, CaimanReceiveBuffer *buffer);

/* Releases what @decoder holds. */
void caiman_frame_decoder_clear (CaimanFrameDecoder *decoder);

/* Takes bytes from the *@size_inout at *@data_inout up to the end of one frame, and moves both past
 * what it took. READY fills *@frame_out; call again for what is left. After an error every further
 * call returns the same error and takes nothing. */
CaimanFrameVerdict caiman_frame_decoder_feed (CaimanFrameDecoder *decoder,
                                              const guint8 **data_inout, gsize *size_inout,
                                              CaimanFrame *frame_out);

/* Where the next bytes of the payload under way may be written to, so that they need not be copied
 * from elsewhere; NULL and *@size_out = 0 when its header is not there yet. Valid until the next
 * call. All input must have been fed. */
guint8 *caiman_frame_decoder_reserve (CaimanFrameDecoder *decoder, gsize *size_out);

/* @size bytes are there now; to be followed by feed(), with or without further input. */
void caiman_frame_decoder_commit (CaimanFrameDecoder *decoder, gsize size);

/* The @size bytes at the beginning of @block are the next input: takes it, instead of a copy, if
 * they are the beginning of a payload, or all of it. To be followed as commit(). FALSE: the block
 * stays with the caller, feed() the bytes. */
gboolean caiman_frame_decoder_adopt (CaimanFrameDecoder *decoder, CaimanReceiveBlock *block,
                                     gsize size);

/* A static kebab-case name, for messages and tests. */
const char *caiman_frame_verdict_to_string (CaimanFrameVerdict verdict);

G_END_DECLS
