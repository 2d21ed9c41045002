/* SPDX-License-Identifier: Apache-2.0 */
/* capture-private.h - what the two halves of a capture share.
 *
 *   capture.c           the file, conversations, and segments made up around what a pipe carries
 *   capture-segments.c  the segments of simulated TCP, as they are */
#pragma once

#include "harness/capture.h"
#include "harness/pcapng-writer.h"
#include "harness/tcp-packet.h"

G_BEGIN_DECLS

/* One connection over a link; direction indexes are those of SimDirection. */
typedef struct {
  guint link, number;
  guint16 frames[SIM_N_DIRECTIONS]; /* number of the next frame at the watched point */
  guint16 ip_id[SIM_N_DIRECTIONS];
  /* Of a pipe. */
  guint32 left[SIM_N_DIRECTIONS];     /* next sequence number to leave */
  guint32 arrived[SIM_N_DIRECTIONS];  /* and to arrive */
  GQueue acks[SIM_N_DIRECTIONS];      /* of guint32: of frames on their way to the watched side */
  guint32 last_ack[SIM_N_DIRECTIONS]; /* of what left last */
  /* Of TCP: the stream's bytes, as far as they may be sent again. */
  GByteArray *stream[SIM_N_DIRECTIONS];  /* (nullable) */
  gint64 stream_start[SIM_N_DIRECTIONS]; /* of its first byte that is kept */
} Conversation;

struct _Capture {
  const Scenario *scenario;
  ScenarioSide side;
  PcapngWriter *writer;
  GPtrArray *conversations; /* of GPtrArray of Conversation, by link and number - 1 */
  GByteArray *frame;        /* scratch */
  /* Frames of a pipe that pass now. */
  GByteArray *pending;
  Conversation *pending_of; /* NULL: none */
  SimDirection pending_direction;
  gint64 pending_ns;
  guint32 pending_seq, pending_ack;
  gboolean pending_is_corrupt;
};

/* The sequence number of a SYN: different in each connection, and the same in each capture of a
 * run. */
guint32 capture_make_first_seq (const Conversation *conversation, SimDirection direction);

/* Writes @packet, of which ends and numbers of IP are filled in. @comment is nullable. */
void capture_write (Capture *capture, Conversation *conversation, SimDirection direction,
                    gint64 time_ns, TcpPacket *packet, const char *comment);

/* Whether the watched side is the one where @event happens. */
gboolean capture_sees (const Capture *capture, const SimTapEvent *event);

/* Appends a frame with header and number to @bytes. */
void capture_append_frame (Conversation *conversation, const SimTapEvent *event, GByteArray *bytes);

/* capture-segments.c: events of TCP. */
void capture_tap_stream (Conversation *conversation, const SimTapEvent *event);
void capture_tap_segment (Capture *capture, Conversation *conversation, const SimTapEvent *event);

G_END_DECLS
