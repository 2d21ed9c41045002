/* SPDX-License-Identifier: Apache-2.0 */
/* tls-transport.c - a TLS connection as a transport: as tcp.c, with GIO's pollable streams in place
 * of the socket.
 *
 * GIO's sources only note what is ready and add a task; the work, and with it every call-back, is
 * done by the task, from the loop. GIO makes handshakes, and ends streams, in threads of its own:
 * while one of them is at work (@n_async) nothing is closed under its feet. */
#include "transports/stream-input.h"
#include "transports/stream-output.h"
#include "transports/tcp-socket.h"
#include "transports/tls-private.h"
#include "transports/tls-stream.h"
#include "transports/tls-turns.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes that one transport may receive per turn. */
#define READ_SHARE_BYTES (256u * 1024u)
#define HANDSHAKE_NS     (10 * CAIMAN_NS_PER_S)
/* Of an accepted connection while others wait for its turn, and how often that is looked at. */
#define CROWDED_HANDSHAKE_NS (CAIMAN_NS_PER_S * 3 / 2)
#define LOOK_NS              (CAIMAN_NS_PER_S / 4)
/* Of a TLS record: its type, the header in front of it, and the most that is behind that. */
#define RECORD_TYPE_HANDSHAKE 22
#define RECORD_HEADER_BYTES   5
#define RECORD_BYTES          (16 * 1024)
#define DRAIN_NS              (10 * CAIMAN_NS_PER_S)

typedef enum {
  TLS_CONNECTING, /* @tcp is */
  TLS_AWAITED,    /* the client has not said anything yet, or it is not its turn (tls-turns.h): no
                     thread for those who never say anything, few for those who say no more */
  TLS_HANDSHAKE,
  TLS_OPEN,
  TLS_CLOSING, /* close() was called: sends what it has and ends the stream */
  TLS_DEAD,    /* failed or aborted: no call-back any more */
} TlsState;

typedef struct {
  CaimanTransport base;
  gint n_refs;
  CaimanLoop *loop;
  CaimanTls *tls;
  CaimanTransport *tcp; /* (owned) while it connects */
  CaimanTcpPacer pacer;
  int fd; /* of @stream's socket; -1: none (any more) */
  CaimanTlsStream stream;
  GCancellable *cancellable;
  CaimanTlsTurn turn;       /* server: for the handshake */
  guint n_async;            /* operations of GIO under way; each holds a reference */
  GError *handshake_error;  /* (owned, nullable) */
  gboolean handshake_ended; /* and @handshake_error says how */

  CaimanLoopWatch watch; /* of @fd: the client's first bytes; later, its end by error */
  CaimanLoopTask task;
  CaimanLoopDrain drain;
  CaimanTimer timer;  /* handshake; later, time to drain */
  gint64 deadline_ns; /* server: of the handshake */
  TlsState state;
  gboolean freed;

  gboolean cannot_start; /* there is no TLS to be had here */
  gboolean broken;       /* the socket is; reading on would tell how */
  gboolean shut;         /* the end of the stream is being sent */

  CaimanStreamInput input;
  CaimanStreamOutput output;
} Tls;

/* --- Life --- */

static void
tls_unref (Tls *self)
{
  if (--self->n_refs > 0)
    return;
  caiman_tls_stream_clear (&self->stream);
  g_clear_error (&self->handshake_error);
  g_clear_object (&self->cancellable);
  caiman_tls_unref (self->tls);
  g_free (self);
}

/* Takes it out of the loops. @graceful: the kernel still sends what it has. */
static void
stop (Tls *self, gboolean graceful)
{
  if (self->tcp)
    self->tcp->klass->free (g_steal_pointer (&self->tcp));
  if (self->watch.loop)
    caiman_loop_remove_watch (&self->watch);
  if (caiman_tls_turn_is_waiting (&self->turn))
    caiman_tls_turn_end (&self->turn);
  caiman_loop_remove_task (self->loop, &self->task);
  caiman_loop_arm_timer (self->loop, &self->timer, CAIMAN_TIME_NEVER);
  caiman_tls_stream_stop (&self->stream);
  g_cancellable_cancel (self->cancellable);
  if (self->fd >= 0 && !graceful)
    caiman_tcp_socket_set_reset (self->fd);
  self->fd = -1;
  if (self->n_async == 0)
    caiman_tls_stream_drop (&self->stream);
  caiman_stream_input_clear (&self->input);
  caiman_stream_output_clear (&self->output);
}

/* The last call-back of all. */
static void
fail (Tls *self, CaimanReason reason)
{
  self->state = TLS_DEAD;
  stop (self, TRUE);
  self->base.events->failed (self->base.user_data, reason);
}

static gboolean
is_open (const Tls *self)
{
  return !self->freed && self->state == TLS_OPEN;
}

/* Who does not read would not find out. */
static void
fail_broken (Tls *self)
{
  int error_number = caiman_tcp_socket_take_error (self->fd);
  fail (self, caiman_tcp_socket_reason (error_number ? error_number : ECONNRESET, TRUE));
}

static void
on_stream_ready (CaimanTlsStream *stream, GIOCondition condition)
{
  Tls *self = (Tls *)((char *)stream - G_STRUCT_OFFSET (Tls, stream));
  if (condition & G_IO_IN)
    self->input.can_read = TRUE;
  caiman_loop_add_task (self->loop, &self->task);
}

/* --- Sending --- */

static gboolean
tls_is_writable (CaimanTransport *transport)
{
  Tls *self = (Tls *)transport;
  return caiman_stream_output_has_room (&self->output, self->state == TLS_OPEN,
                                        caiman_tls_stream_get_unsent_bytes (&self->stream));
}

static void
flush (Tls *self)
{
  g_autoptr (GError) error = NULL;
  if (!caiman_tls_stream_write (&self->stream, &self->output.writer, &error))
    fail (self, caiman_tls_stream_get_reason (error));
  else
    caiman_stream_output_tell_room (&self->output, &self->base,
                                    caiman_tls_stream_get_unsent_bytes (&self->stream));
}

static void
tls_send (CaimanTransport *transport, CaimanPacket *packet)
{
  Tls *self = (Tls *)transport;
  if (self->state != TLS_OPEN) {
    caiman_packet_clear (packet);
    return;
  }
  caiman_frame_writer_push (&self->output.writer, packet);
  if (self->stream.can_write)
    caiman_loop_add_task (self->loop, &self->task);
}

static void
tls_set_send_limit (CaimanTransport *transport, gint64 limit_bytes)
{
  Tls *self = (Tls *)transport;
  if (caiman_stream_output_set_limit (&self->output, limit_bytes, self->fd) &&
      self->state == TLS_OPEN)
    caiman_loop_add_task (self->loop, &self->task);
}

/* --- Receiving --- */

static gboolean
input_is_open (CaimanTransport *transport)
{
  return is_open ((Tls *)transport);
}

/* As caiman_tls_stream_read(). */
static gssize
read_some (Tls *self, guint8 *data_out, gsize space, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gssize size = caiman_tls_stream_read (&self->stream, data_out, space, &cause);
  if (size < 0 && !cause)
    self->input.can_read = FALSE;
  if (cause)
    g_propagate_error (error, g_steal_pointer (&cause));
  return size;
}

static gsize
input_read (CaimanTransport *transport, const struct iovec *parts, guint n_parts)
{
  Tls *self = (Tls *)transport;
  g_autoptr (GError) error = NULL;
  gssize size = read_some (self, parts[0].iov_base, parts[0].iov_len, &error);
  if (error)
    fail (self, caiman_tls_stream_get_reason (error));
  else if (size == 0)
    fail (self, CAIMAN_REASON_LINK_CLOSED);
  return size > 0 ? (gsize)size : 0;
}

static void
input_broken (CaimanTransport *transport)
{
  fail ((Tls *)transport, CAIMAN_REASON_LINK_FRAME_ERROR);
}

static const CaimanStreamInputClass input_class = {
  .is_open = input_is_open,
  .read = input_read,
  .broken = input_broken,
  .share_bytes = READ_SHARE_BYTES,
  .first_only = TRUE,
};

static void
tls_set_packet_max (CaimanTransport *transport, gsize max_bytes)
{
  ((Tls *)transport)->input.decoder.payload_max_bytes = (guint32)max_bytes;
}

static void
tls_set_reading (CaimanTransport *transport, gboolean reading)
{
  Tls *self = (Tls *)transport;
  gboolean has_work = caiman_stream_input_set_reading (&self->input, reading);
  if ((has_work || (self->broken && !reading)) && self->state == TLS_OPEN)
    caiman_loop_add_task (self->loop, &self->task);
}

/* --- Draining in the background --- */

static void
leave_drains (Tls *self)
{
  caiman_loop_remove_drain (self->loop, &self->drain);
  tls_unref (self);
}

/* The peer has ended too, or it takes too long. The socket lives on while GIO's thread is at it. */
static void
end_drain (Tls *self)
{
  self->state = TLS_DEAD;
  stop (self, TRUE);
  if (self->freed && self->n_async == 0)
    leave_drains (self);
}

/* The loop ends. */
static void
cut_drain (gpointer user_data)
{
  Tls *self = user_data;
  gboolean waits = self->n_async > 0;
  end_drain (self);
  if (waits)
    leave_drains (self);
}

static void
on_stream_ended (GObject *stream, GAsyncResult *result, gpointer user_data)
{
  Tls *self = user_data;
  g_output_stream_close_finish (G_OUTPUT_STREAM (stream), result, NULL);
  self->n_async--;
  if (self->fd >= 0)
    shutdown (self->fd, SHUT_WR);
  if (self->state == TLS_DEAD) {
    caiman_tls_stream_drop (&self->stream);
    if (self->drain.node.data)
      leave_drains (self);
  }
  tls_unref (self);
}

/* Says that nothing more comes, which may take a while. */
static void
end_stream (Tls *self)
{
  self->shut = TRUE;
  self->n_async++;
  self->n_refs++;
  g_main_context_push_thread_default (self->stream.context);
  g_output_stream_close_async (G_OUTPUT_STREAM (self->stream.out), G_PRIORITY_DEFAULT,
                               self->cancellable, on_stream_ended, self);
  g_main_context_pop_thread_default (self->stream.context);
}

/* What the peer still sends is thrown away: unread data would make the kernel reset the connection
 * and so destroy what is on its way to the peer. */
static void
drain_input (Tls *self)
{
  g_autoptr (GError) error = NULL;
  gsize space;
  guint8 *scratch =
      caiman_receive_buffer_get_scratch (caiman_loop_get_receive_buffer (self->loop), &space);
  gssize size = self->input.can_read ? read_some (self, scratch, space, &error) : -1;
  if (size == 0 || error)
    end_drain (self);
  else if (size > 0)
    caiman_loop_add_task (self->loop, &self->task);
}

static void
drain (Tls *self)
{
  if (!caiman_tls_stream_write (&self->stream, &self->output.writer, NULL)) {
    end_drain (self);
    return;
  }
  if (self->output.writer.queued_bytes == 0 && !self->shut &&
      caiman_tls_stream_get_unsent_bytes (&self->stream) == 0)
    end_stream (self);
  drain_input (self);
}

/* --- The handshake --- */

static void
on_handshake_done (GObject *connection, GAsyncResult *result, gpointer user_data)
{
  Tls *self = user_data;
  g_tls_connection_handshake_finish (G_TLS_CONNECTION (connection), result, &self->handshake_error);
  self->n_async--;
  caiman_tls_turn_end (&self->turn); /* not before the thread is free */
  self->handshake_ended = TRUE;
  if (self->state == TLS_HANDSHAKE)
    caiman_loop_add_task (self->loop, &self->task);
  else
    caiman_tls_stream_drop (&self->stream);
  tls_unref (self);
}

static void
start_handshake (Tls *self)
{
  self->state = TLS_HANDSHAKE;
  self->n_async++;
  self->n_refs++;
  g_main_context_push_thread_default (self->stream.context);
  g_tls_connection_handshake_async (self->stream.connection, G_PRIORITY_DEFAULT, self->cancellable,
                                    on_handshake_done, self);
  g_main_context_pop_thread_default (self->stream.context);
}

static void
look_again (Tls *self, gint64 after_ns)
{
  gint64 next_ns = caiman_loop_now (self->loop) + after_ns;
  caiman_loop_arm_timer (self->loop, &self->timer, MIN (next_ns, self->deadline_ns));
}

static void
on_turn (CaimanTlsTurn *turn)
{
  Tls *self = (Tls *)((char *)turn - G_STRUCT_OFFSET (Tls, turn));
  look_again (self, CROWDED_HANDSHAKE_NS);
  start_handshake (self);
}

/* Whether the client's first record has come, so that no thread has to wait for the rest of it. If
 * not, the kernel tells when it has. */
static gboolean
has_first_record (Tls *self)
{
  guint8 header[RECORD_HEADER_BYTES];
  int wanted = RECORD_HEADER_BYTES, available = 0;
  ssize_t n = recv (self->fd, header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0 || (n > 0 && header[0] != RECORD_TYPE_HANDSHAKE))
    return TRUE; /* and the handshake fails at once */
  if (n == RECORD_HEADER_BYTES)
    wanted += MIN (header[3] << 8 | header[4], (int)RECORD_BYTES);
  if (ioctl (self->fd, FIONREAD, &available) < 0 || available >= wanted)
    wanted = 1;
  gboolean can_wait = setsockopt (self->fd, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted) == 0;
  return wanted == 1 || !can_wait;
}

static void
finish_handshake (Tls *self)
{
  if (self->handshake_error) {
    caiman_tls_note_failure (self->tls, self->stream.connection, self->handshake_error);
    fail (self, CAIMAN_REASON_LINK_TLS_ERROR);
    return;
  }
  caiman_loop_arm_timer (self->loop, &self->timer, CAIMAN_TIME_NEVER);
  self->state = TLS_OPEN;
  self->input.can_read = self->stream.can_write = TRUE;
  if (!caiman_tls_is_server (self->tls)) {
    self->output.told_full = FALSE;
    self->base.events->connected (self->base.user_data);
  }
}

/* The peer of an accepted connection has begun to talk, or the socket is broken. */
static void
on_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  Tls *self = (Tls *)((char *)watch - G_STRUCT_OFFSET (Tls, watch));
  if (self->state == TLS_AWAITED) {
    if (!(epoll_events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) && !has_first_record (self))
      return;
    caiman_loop_set_watch_events (watch, EPOLLET);
    if (!caiman_tls_turn_is_waiting (&self->turn))
      caiman_tls_turn_await (&self->turn, self->fd);
  } else if (epoll_events & (EPOLLERR | EPOLLHUP)) {
    self->broken = TRUE;
    caiman_loop_add_task (self->loop, &self->task);
  }
}

/* Takes @fd, over which TLS is to be spoken. FALSE with an error when there is no way. */
static gboolean
take_socket (Tls *self, int fd, guint32 epoll_events, GError **error)
{
  if (!caiman_tls_stream_open (&self->stream, self->tls, fd, error))
    return FALSE;
  self->fd = fd;
  return caiman_loop_add_watch (self->loop, &self->watch, fd, epoll_events, error);
}

static void
on_tcp_connected (gpointer user_data)
{
  Tls *self = user_data;
  g_autoptr (GError) error = NULL;
  caiman_loop_arm_timer (self->loop, &self->timer, caiman_loop_now (self->loop) + HANDSHAKE_NS);
  if (take_socket (self, caiman_tcp_steal_fd (g_steal_pointer (&self->tcp), &self->pacer), EPOLLET,
                   &error)) {
    start_handshake (self);
    return;
  }
  caiman_tls_note_failure (self->tls, NULL, error);
  fail (self, CAIMAN_REASON_LINK_TLS_ERROR);
}

static void
on_tcp_failed (gpointer user_data, CaimanReason reason)
{
  fail (user_data, reason);
}

static const CaimanTransportEvents tcp_events = {
  .connected = on_tcp_connected,
  .failed = on_tcp_failed,
};

/* --- From the loop --- */

static void
on_task (CaimanLoopTask *task)
{
  Tls *self = (Tls *)((char *)task - G_STRUCT_OFFSET (Tls, task));
  self->n_refs++;
  if (self->state == TLS_CLOSING) {
    drain (self);
  } else {
    if (self->state == TLS_HANDSHAKE && self->handshake_ended)
      finish_handshake (self);
    if (is_open (self) && !caiman_stream_input_run (&self->input))
      caiman_loop_add_task (self->loop, &self->task);
    if (is_open (self) && self->broken && !self->input.reading)
      fail_broken (self);
    if (is_open (self))
      flush (self);
  }
  tls_unref (self);
}

static void
on_timer (gpointer user_data)
{
  Tls *self = user_data;
  gboolean is_early = self->state == TLS_HANDSHAKE && caiman_tls_is_server (self->tls) &&
                      caiman_loop_now (self->loop) < self->deadline_ns;
  if (self->state == TLS_CLOSING)
    end_drain (self);
  else if (is_early && !caiman_tls_turns_are_crowded ())
    look_again (self, LOOK_NS);
  else
    fail (self,
          self->cannot_start ? CAIMAN_REASON_LINK_TLS_ERROR : CAIMAN_REASON_HANDSHAKE_TIMEOUT);
}

/* --- The rest of the contract --- */

static void
tls_get_hint (CaimanTransport *transport, CaimanLinkHint *hint_out)
{
  Tls *self = (Tls *)transport;
  if (self->fd < 0)
    return;
  caiman_tcp_socket_get_hint (self->fd, hint_out);
  caiman_tcp_socket_pace (self->fd, &self->pacer, hint_out);
}

static void
tls_abort (CaimanTransport *transport)
{
  Tls *self = (Tls *)transport;
  self->state = TLS_DEAD;
  stop (self, FALSE);
}

static void
tls_close (CaimanTransport *transport)
{
  Tls *self = (Tls *)transport;
  if (self->state != TLS_OPEN) {
    tls_abort (transport);
    return;
  }
  self->state = TLS_CLOSING;
  self->input.can_read = TRUE;
  caiman_loop_add_task (self->loop, &self->task);
}

static void
tls_free (CaimanTransport *transport)
{
  Tls *self = (Tls *)transport;
  self->freed = TRUE;
  if (self->state == TLS_CLOSING) {
    caiman_loop_add_drain (self->loop, &self->drain);
    caiman_loop_arm_timer (self->loop, &self->timer, caiman_loop_now (self->loop) + DRAIN_NS);
    return;
  }
  if (self->state != TLS_DEAD)
    tls_abort (transport);
  tls_unref (self);
}

static const CaimanTransportClass tls_class = {
  .name = "tls",
  .send = tls_send,
  .is_writable = tls_is_writable,
  .set_send_limit = tls_set_send_limit,
  .set_reading = tls_set_reading,
  .set_packet_max = tls_set_packet_max,
  .close = tls_close,
  .abort = tls_abort,
  .get_hint = tls_get_hint,
  .free = tls_free,
};

static Tls *
tls_new (CaimanLoop *loop, CaimanTls *tls)
{
  Tls *self = g_new0 (Tls, 1);
  self->base.klass = &tls_class;
  self->n_refs = 1;
  self->loop = loop;
  self->tls = caiman_tls_ref (tls);
  self->fd = -1;
  self->cancellable = g_cancellable_new ();
  self->watch.ready = on_ready;
  self->turn.begin = on_turn;
  self->task.run = on_task;
  self->drain.end = cut_drain;
  self->drain.user_data = self;
  caiman_timer_init (&self->timer, on_timer, self);
  caiman_tls_stream_init (&self->stream, on_stream_ready);
  caiman_stream_output_init (&self->output);
  caiman_stream_input_init (&self->input, &self->base, &input_class, loop);
  return self;
}

CaimanTransport *
caiman_tls_wrap (CaimanLoop *loop, CaimanTransport *tcp, gpointer tls)
{
  Tls *self = tls_new (loop, tls);
  if (!caiman_tls_is_server (self->tls)) {
    self->state = TLS_CONNECTING;
    self->tcp = tcp;
    tcp->events = &tcp_events;
    tcp->user_data = self;
    return &self->base;
  }
  self->state = TLS_AWAITED;
  self->deadline_ns = caiman_loop_now (loop) + HANDSHAKE_NS;
  caiman_loop_arm_timer (loop, &self->timer, self->deadline_ns);
  g_autoptr (GError) error = NULL;
  if (!take_socket (self, caiman_tcp_steal_fd (tcp, &self->pacer), EPOLLIN | EPOLLRDHUP, &error)) {
    /* Reported from the loop, as if the time for the handshake were over. */
    self->cannot_start = TRUE;
    caiman_tls_note_failure (self->tls, NULL, error);
    caiman_loop_arm_timer (loop, &self->timer, caiman_loop_now (loop));
  }
  return &self->base;
}
