/* SPDX-License-Identifier: Apache-2.0 */
/* tun.h - a TUN device: an interface whose packets this process reads and writes.
 *
 * It is gone with its descriptor. Packets are whole IPv4 packets, with all checksums done and no
 * segmentation left to anybody. */
#pragma once

#include <glib.h>
#include <netinet/in.h>

G_BEGIN_DECLS

/* Longest name of an interface. */
#define LAB_TUN_NAME_MAX 15

/* Every address of the lab's links is one of a pair with this many bits of network. */
#define LAB_TUN_PREFIX 30

typedef struct {
  const char *name;        /* at most LAB_TUN_NAME_MAX bytes */
  in_addr_t address, peer; /* network byte order */
  guint mtu_bytes;
} LabTunOptions;

/* Makes an interface in the namespace that the calling thread is in, up and with its address.
 * Returns a descriptor in non-blocking mode, or -1 with LAB_ERROR. */
int lab_tun_open (const LabTunOptions *options, GError **error);

/* The interface @name of the thread's namespace goes down or comes up; its address stays. */
gboolean lab_tun_set_up (const char *name, gboolean up, GError **error);

G_END_DECLS
