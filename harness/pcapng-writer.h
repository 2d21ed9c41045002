/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng-writer.h - writes captures that Wireshark and tcpdump read
 * (draft-ietf-opsawg-pcapng: one section, several interfaces, times in ns).
 *
 * It knows nothing of what is captured: any source of Ethernet frames may feed it. What it is given
 * is written at once, in the file's own buffer; an error is kept and told by finish(). */
#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

typedef struct _PcapngWriter PcapngWriter;

/* Begins the section on @file (borrowed, open for writing; it need not be seekable). @application:
 * what wrote it; @comment: what it shows. */
PcapngWriter *pcapng_writer_new (FILE *file, const char *application, const char *comment);
void pcapng_writer_free (PcapngWriter *writer); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PcapngWriter, pcapng_writer_free)

/* A further interface, of Ethernet; returns its number, from 0. @speed_bps: 0 where it is not
 * known. All must be there before the first packet of each. */
guint pcapng_writer_add_interface (PcapngWriter *writer, const char *name, const char *description,
                                   gint64 speed_bps);

/* A whole Ethernet frame. Packets come in order of their time, which is not negative. @outbound: it
 * left the machine that was watched. @comment: for people, nullable. */
void pcapng_writer_add_packet (PcapngWriter *writer, guint interface, gint64 time_ns,
                               gboolean outbound, const guint8 *frame, gsize size,
                               const char *comment);

guint64 pcapng_writer_get_packets (const PcapngWriter *writer);

/* Flushes. FALSE with a GError (file): not all could be written. */
gboolean pcapng_writer_finish (PcapngWriter *writer, GError **error);

G_END_DECLS
