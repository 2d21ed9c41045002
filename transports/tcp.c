/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c - a TCP connection as a transport. The socket is watched once, edge-triggered: what is
 * known of its readiness is kept here, so that reading or not costs no system call.
 *
 * Sending only queues; a task writes what has gathered, many frames per call. Receiving stops after
 * a share per dispatch and goes on in a task. Both call user code, which may free the transport, so
 * a reference is held meanwhile. */
#include "transports/tcp.h"

#include "transports/stream-input.h"
#include "transports/stream-output.h"
#include "transports/tcp-socket.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

/* Bytes that one transport may receive per turn. */
#define READ_SHARE_BYTES (512u * 1024u)
/* Parts of one writev(). */
#define PARTS_MAX 64u
/* How long a closed end may take to send what it has, and for the peer to close. */
#define DRAIN_NS (10 * CAIMAN_NS_PER_S)

typedef enum {
  TCP_CONNECTING,
  TCP_OPEN,
  TCP_CLOSING, /* close() was called: sends what it has and ends the stream */
  TCP_DEAD,    /* failed or aborted: no call-back any more */
} TcpState;

typedef struct {
  CaimanTransport base;
  gint n_refs;
  CaimanLoop *loop;
  CaimanLoopWatch watch;
  CaimanLoopTask task;
  CaimanLoopDrain drain;
  CaimanTimer timer; /* connect time-out; later, time to drain */
  TcpState state;
  gboolean freed;
  int fd;
  CaimanTcpPacer pacer;

  gboolean can_write;  /* the socket was ready and has not had enough since */
  gboolean peer_ended; /* reading on will tell how */
  gboolean broken;     /* the same, and nothing can be sent any more */
  gboolean shut;       /* shutdown() was called */

  CaimanStreamInput input;
  CaimanStreamOutput output;
} Tcp;

static void
tcp_unref (Tcp *self)
{
  if (--self->n_refs > 0)
    return;
  g_assert (self->fd < 0);
  g_free (self);
}

/* Takes it out of the loop; the socket is the caller's. */
static int
release_socket (Tcp *self)
{
  caiman_loop_remove_watch (&self->watch);
  caiman_loop_remove_task (self->loop, &self->task);
  caiman_loop_arm_timer (self->loop, &self->timer, CAIMAN_TIME_NEVER);
  caiman_stream_output_clear (&self->output);
  caiman_stream_input_clear (&self->input);
  int fd = self->fd;
  self->fd = -1;
  return fd;
}

/* @graceful: the kernel still sends what it has. */
static void
close_socket (Tcp *self, gboolean graceful)
{
  if (self->fd < 0)
    return;
  if (!graceful)
    caiman_tcp_socket_set_reset (self->fd);
  close (release_socket (self));
}

/* The last call-back of all. */
static void
fail (Tcp *self, CaimanReason reason)
{
  self->state = TCP_DEAD;
  close_socket (self, TRUE);
  self->base.events->failed (self->base.user_data, reason);
}

static gboolean
is_open (const Tcp *self)
{
  return !self->freed && self->state == TCP_OPEN;
}

/* --- Draining in the background --- */

/* The peer has ended too, or it takes too long, or the loop ends. */
static void
end_drain (Tcp *self)
{
  self->state = TCP_DEAD;
  close_socket (self, TRUE);
  if (!self->freed)
    return;
  caiman_loop_remove_drain (self->loop, &self->drain);
  tcp_unref (self);
}

static void
drain_ended (gpointer user_data)
{
  end_drain (user_data);
}

/* What the peer still sends is thrown away: unread data would make the kernel reset the connection
 * and so destroy what is on its way to the peer. */
static void
drain_input (Tcp *self)
{
  gsize space;
  guint8 *scratch =
      caiman_receive_buffer_get_scratch (caiman_loop_get_receive_buffer (self->loop), &space);
  gssize size = recv (self->fd, scratch, space, MSG_DONTWAIT);
  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
    end_drain (self);
  else if (size > 0)
    caiman_loop_add_task (self->loop, &self->task);
}

/* --- Sending --- */

/* Writes what is queued until the kernel has enough. FALSE, errno set, when the connection is
 * broken. Makes no call-back. */
static gboolean
write_queue (Tcp *self)
{
  while (self->can_write && self->output.writer.queued_bytes > 0) {
    if (!caiman_tcp_socket_takes_more (self->fd)) {
      self->can_write = FALSE;
      break;
    }
    struct iovec parts[PARTS_MAX];
    struct msghdr message = { .msg_iov = parts };
    gsize size;
    message.msg_iovlen = caiman_frame_writer_peek (&self->output.writer, parts, PARTS_MAX, &size);
    gssize written = sendmsg (self->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno != EAGAIN)
      return FALSE;
    if (written > 0)
      caiman_frame_writer_advance (&self->output.writer, (gsize)written);
    if (written < (gssize)size)
      self->can_write = FALSE;
  }
  return TRUE;
}

static gboolean
tcp_is_writable (CaimanTransport *transport)
{
  Tcp *self = (Tcp *)transport;
  return caiman_stream_output_has_room (&self->output, self->state == TCP_OPEN, 0);
}

/* The stream ends when all has been sent. */
static void
drain (Tcp *self)
{
  if (!write_queue (self)) {
    end_drain (self);
    return;
  }
  if (self->output.writer.queued_bytes == 0 && !self->shut) {
    self->shut = TRUE;
    shutdown (self->fd, SHUT_WR);
  }
  drain_input (self);
}

/* Writes, and tells about room and failure. */
static void
flush (Tcp *self)
{
  if (!write_queue (self))
    fail (self, caiman_tcp_socket_reason (errno, TRUE));
  else
    caiman_stream_output_tell_room (&self->output, &self->base, 0);
}

static void
tcp_send (CaimanTransport *transport, CaimanPacket *packet)
{
  Tcp *self = (Tcp *)transport;
  if (self->state != TCP_OPEN) {
    caiman_packet_clear (packet);
    return;
  }
  caiman_frame_writer_push (&self->output.writer, packet);
  if (self->can_write)
    caiman_loop_add_task (self->loop, &self->task);
}

static void
tcp_set_send_limit (CaimanTransport *transport, gint64 limit_bytes)
{
  Tcp *self = (Tcp *)transport;
  if (caiman_stream_output_set_limit (&self->output, limit_bytes, self->fd) &&
      self->state == TCP_OPEN)
    caiman_loop_add_task (self->loop, &self->task);
}

/* --- Receiving --- */

static gboolean
input_is_open (CaimanTransport *transport)
{
  return is_open ((Tcp *)transport);
}

static gsize
input_read (CaimanTransport *transport, const struct iovec *parts, guint n_parts)
{
  Tcp *self = (Tcp *)transport;
  gsize space = 0;
  gssize size = readv (self->fd, parts, (int)n_parts);
  if (size <= 0) {
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
      self->input.can_read = errno == EINTR;
    else
      fail (self, size == 0 ? CAIMAN_REASON_LINK_CLOSED : caiman_tcp_socket_reason (errno, TRUE));
    return 0;
  }
  for (guint i = 0; i < n_parts; i++)
    space += parts[i].iov_len;
  /* Less than there was room for: the socket is empty, and new data makes it ready anew. */
  if ((gsize)size < space && !self->peer_ended)
    self->input.can_read = FALSE;
  return (gsize)size;
}

static void
input_broken (CaimanTransport *transport)
{
  fail ((Tcp *)transport, CAIMAN_REASON_LINK_FRAME_ERROR);
}

static const CaimanStreamInputClass input_class = {
  .is_open = input_is_open,
  .read = input_read,
  .broken = input_broken,
  .share_bytes = READ_SHARE_BYTES,
};

static void
tcp_set_packet_max (CaimanTransport *transport, gsize max_bytes)
{
  ((Tcp *)transport)->input.decoder.payload_max_bytes = (guint32)max_bytes;
}

static void
tcp_set_reading (CaimanTransport *transport, gboolean reading)
{
  Tcp *self = (Tcp *)transport;
  gboolean has_work = caiman_stream_input_set_reading (&self->input, reading);
  if ((has_work || (self->broken && !reading)) && self->state == TCP_OPEN)
    caiman_loop_add_task (self->loop, &self->task);
}

/* --- From the loop --- */

static void
pace (Tcp *self)
{
  CaimanLinkHint hint = { 0 };
  caiman_tcp_socket_get_hint (self->fd, &hint);
  caiman_tcp_socket_pace (self->fd, &self->pacer, &hint);
}

static void
finish_connecting (Tcp *self, guint32 epoll_events)
{
  if (!(epoll_events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
    return;
  int error_number = caiman_tcp_socket_take_error (self->fd);
  if (error_number != 0) {
    fail (self, caiman_tcp_socket_reason (error_number, FALSE));
    return;
  }
  caiman_loop_arm_timer (self->loop, &self->timer, CAIMAN_TIME_NEVER);
  self->state = TCP_OPEN;
  self->output.told_full = FALSE;
  pace (self);
  self->base.events->connected (self->base.user_data);
}

/* Who does not read would not find out. */
static void
fail_if_broken (Tcp *self)
{
  if (!self->broken || self->input.reading)
    return;
  int error_number = caiman_tcp_socket_take_error (self->fd);
  fail (self, caiman_tcp_socket_reason (error_number ? error_number : ECONNRESET, TRUE));
}

static void
work (Tcp *self)
{
  if (is_open (self))
    fail_if_broken (self);
  if (is_open (self) && !caiman_stream_input_run (&self->input))
    caiman_loop_add_task (self->loop, &self->task);
  if (is_open (self))
    flush (self);
}

static void
on_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  Tcp *self = (Tcp *)((char *)watch - G_STRUCT_OFFSET (Tcp, watch));
  gboolean broken = (epoll_events & (EPOLLERR | EPOLLHUP)) != 0;
  self->n_refs++;
  if (epoll_events & EPOLLOUT)
    self->can_write = TRUE;
  if (broken || (epoll_events & (EPOLLIN | EPOLLRDHUP)))
    self->input.can_read = TRUE;
  if (broken || (epoll_events & EPOLLRDHUP))
    self->peer_ended = TRUE;
  self->broken |= broken;

  if (self->state == TCP_CLOSING) {
    drain (self);
  } else {
    if (self->state == TCP_CONNECTING)
      finish_connecting (self, epoll_events);
    /* As a task, so that a pump gets its turn between two transports. */
    if (is_open (self))
      caiman_loop_add_task (self->loop, &self->task);
  }
  tcp_unref (self);
}

static void
on_task (CaimanLoopTask *task)
{
  Tcp *self = (Tcp *)((char *)task - G_STRUCT_OFFSET (Tcp, task));
  self->n_refs++;
  if (self->state == TCP_CLOSING)
    drain (self);
  else
    work (self);
  tcp_unref (self);
}

static void
on_timer (gpointer user_data)
{
  Tcp *self = user_data;
  if (self->state == TCP_CLOSING)
    end_drain (self);
  else
    fail (self, CAIMAN_REASON_CONNECT_TIMEOUT);
}

/* --- The rest of the contract --- */

static void
tcp_get_hint (CaimanTransport *transport, CaimanLinkHint *hint_out)
{
  Tcp *self = (Tcp *)transport;
  if (self->fd < 0)
    return;
  caiman_tcp_socket_get_hint (self->fd, hint_out);
  caiman_tcp_socket_pace (self->fd, &self->pacer, hint_out);
}

static void
tcp_abort (CaimanTransport *transport)
{
  Tcp *self = (Tcp *)transport;
  self->state = TCP_DEAD;
  close_socket (self, FALSE);
}

static void
tcp_close (CaimanTransport *transport)
{
  Tcp *self = (Tcp *)transport;
  if (self->state == TCP_CONNECTING)
    tcp_abort (transport);
  if (self->state != TCP_OPEN)
    return;
  self->state = TCP_CLOSING;
  caiman_loop_add_task (self->loop, &self->task);
}

static void
tcp_free (CaimanTransport *transport)
{
  Tcp *self = (Tcp *)transport;
  self->freed = TRUE;
  if (self->state == TCP_CLOSING) {
    caiman_loop_add_drain (self->loop, &self->drain);
    caiman_loop_arm_timer (self->loop, &self->timer, caiman_loop_now (self->loop) + DRAIN_NS);
    return;
  }
  tcp_abort (transport);
  tcp_unref (self);
}

static const CaimanTransportClass tcp_class = {
  .name = "tcp",
  .send = tcp_send,
  .is_writable = tcp_is_writable,
  .set_send_limit = tcp_set_send_limit,
  .set_reading = tcp_set_reading,
  .set_packet_max = tcp_set_packet_max,
  .close = tcp_close,
  .abort = tcp_abort,
  .get_hint = tcp_get_hint,
  .free = tcp_free,
};

/* --- Making one --- */

/* Takes @fd; NULL when it cannot be watched. */
static Tcp *
tcp_new (CaimanLoop *loop, int fd, TcpState state)
{
  Tcp *self = g_new0 (Tcp, 1);
  self->base.klass = &tcp_class;
  self->n_refs = 1;
  self->loop = loop;
  self->watch.ready = on_ready;
  self->task.run = on_task;
  self->drain.end = drain_ended;
  self->drain.user_data = self;
  self->state = state;
  self->fd = fd;
  caiman_timer_init (&self->timer, on_timer, self);
  caiman_stream_output_init (&self->output);
  caiman_stream_input_init (&self->input, &self->base, &input_class, loop);
  if (!caiman_loop_add_watch (loop, &self->watch, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                              NULL)) {
    close (fd);
    g_free (self);
    return NULL;
  }
  return self;
}

CaimanTransport *
caiman_tcp_connect (CaimanLoop *loop, const struct sockaddr *remote, socklen_t remote_len,
                    const CaimanTcpSource *source, const CaimanTcpOptions *options,
                    CaimanReason *reason_out)
{
  int fd = caiman_tcp_socket_connect (remote, remote_len, source, options, reason_out);
  if (fd < 0)
    return NULL;
  Tcp *self = tcp_new (loop, fd, TCP_CONNECTING);
  if (!self) {
    *reason_out = CAIMAN_REASON_LINK_IO_ERROR;
    return NULL;
  }
  self->pacer.rtt_ns = options ? options->pacing_rtt_ns : 0;
  if (options && options->connect_timeout_ns > 0)
    caiman_loop_arm_timer (loop, &self->timer,
                           caiman_time_add (caiman_loop_now (loop), options->connect_timeout_ns));
  return &self->base;
}

CaimanTransport *
caiman_tcp_new (CaimanLoop *loop, int fd, const CaimanTcpOptions *options, CaimanReason *reason_out)
{
  if (!caiman_tcp_socket_prepare (fd, options)) {
    *reason_out = CAIMAN_REASON_LINK_IO_ERROR;
    close (fd);
    return NULL;
  }
  Tcp *self = tcp_new (loop, fd, TCP_OPEN);
  if (!self) {
    *reason_out = CAIMAN_REASON_LINK_IO_ERROR;
    return NULL;
  }
  self->pacer.rtt_ns = options ? options->pacing_rtt_ns : 0;
  pace (self);
  self->can_write = TRUE;
  return &self->base;
}

int
caiman_tcp_get_fd (const CaimanTransport *transport)
{
  return transport->klass == &tcp_class ? ((const Tcp *)transport)->fd : -1;
}

int
caiman_tcp_steal_fd (CaimanTransport *transport, CaimanTcpPacer *pacer_out)
{
  Tcp *self = (Tcp *)transport;
  g_assert (transport->klass == &tcp_class && self->state == TCP_OPEN && !self->input.held);
  int fd = release_socket (self);
  *pacer_out = self->pacer;
  self->state = TCP_DEAD;
  self->freed = TRUE;
  tcp_unref (self);
  return fd;
}
