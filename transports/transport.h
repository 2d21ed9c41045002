/* SPDX-License-Identifier: Apache-2.0 */
/* transport.h - the contract between a link and what carries its packets.
 *
 * A CaimanTransport is ONE END of one link: reliable and in order while it lives, dead at any
 * moment. A carrier embeds it as the first member of its own struct and fills in @klass; the user
 * (the pump) fills in @events and @user_data before it returns to the event loop.
 *
 * No call-back is ever made from inside a class function: carriers report from their own event
 * loop, so a user may call any class function, free() included, from any call-back. After free(),
 * abort() or the failed() call-back, no call-back comes any more. */
#pragma once

#include "../core/error.h"
#include "../core/link.h"
#include "../core/packet.h"

G_BEGIN_DECLS

typedef struct _CaimanTransport CaimanTransport;

typedef struct {
  const char *name; /* carrier's name: "pipe", "tcp", "memory" */

  /* Takes the contents of @packet (and leaves it cleared). Never blocks and never refuses; the
   * caller sends only while is_writable() says TRUE, so at most one packet goes over the buffer. */
  void (*send) (CaimanTransport *self, CaimanPacket *packet);

  /* TRUE while the connection is established and the send buffer has room. When it turns from
   * FALSE to TRUE, the writable() call-back tells. */
  gboolean (*is_writable) (CaimanTransport *self);

  /* (optional, may be NULL) Keeps what was accepted and not yet sent below @limit_bytes, where the
   * carrier's own buffer is larger: is_writable() is FALSE from there on. Data that waits inside
   * the carrier cannot go over another link any more (TCP_NOTSENT_LOWAT on a socket). */
  void (*set_send_limit) (CaimanTransport *self, gint64 limit_bytes);

  /* FALSE: stop making packet() call-backs; bytes back up to the sender once the receive buffer
   * is full. Initially TRUE. */
  void (*set_reading) (CaimanTransport *self, gboolean reading);

  /* (optional, may be NULL) A larger packet ends the transport with LINK_FRAME_ERROR as soon as its
   * size is known, so that nobody can have it gathered here. Initially
   * CAIMAN_FRAME_PAYLOAD_MAX_BYTES. */
  void (*set_packet_max) (CaimanTransport *self, gsize max_bytes);

  /* Graceful: what was sent still goes out, then the peer sees the end of the stream (failed()
   * with CAIMAN_REASON_LINK_CLOSED). The caller makes no call but free() after it; free() then
   * lets what was sent drain in the background. */
  void (*close) (CaimanTransport *self);

  /* At once: what was not carried yet is lost; the peer sees CAIMAN_REASON_LINK_RESET. */
  void (*abort) (CaimanTransport *self);

  /* (optional, may be NULL) Fills *@hint_out, -1 where the carrier does not know. */
  void (*get_hint) (CaimanTransport *self, CaimanLinkHint *hint_out);

  /* Frees the end. Without close() before, it is an abort(). */
  void (*free) (CaimanTransport *self);
} CaimanTransportClass;

typedef struct {
  /* The end that connect() made is established (never called on an accepted end). */
  void (*connected) (gpointer user_data);

  /* One packet: @size bytes at @data. @bytes (nullable, borrowed) is a GBytes with exactly these
   * bytes when the carrier has one, so that a payload can be kept without a copy. */
  void (*packet) (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes);

  /* is_writable() has turned TRUE. */
  void (*writable) (gpointer user_data);

  /* The end is dead: it could not connect, was reset, ended, or broke the framing. What was sent
   * may or may not have arrived. The user must still free() it. */
  void (*failed) (gpointer user_data, CaimanReason reason);
} CaimanTransportEvents;

struct _CaimanTransport {
  const CaimanTransportClass *klass;
  const CaimanTransportEvents *events;
  gpointer user_data;
};

G_END_DECLS
