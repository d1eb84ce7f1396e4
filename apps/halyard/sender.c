/* SPDX-License-Identifier: MIT */
/* One stretch of bytes with the ends of the datagrams in it. */
#include "sender.h"

#include <string.h>

int sender_init(struct sender *sender, struct hy_object *parent, const struct hy_address *address)
{
    int rc = hy_udp_socket_init(&sender->socket, parent);

    if (rc < 0) {
        return rc;
    }
    sender->address = *address;
    sender->datagrams = 0;
    sender->bytes = 0;
    sender->count = 0;
    sender->first = 0;
    sender->used = 0;
    return 0;
}

static size_t datagram_start(const struct sender *sender, size_t index)
{
    return index == 0 ? 0 : sender->ends[index - 1];
}

bool sender_add(struct sender *sender, const char *text, size_t size, bool join)
{
    if (sender->first > 0 || sender->used > (size_t)SENDER_BATCH * SENDER_DATAGRAM_SIZE) {
        return false;
    }
    size_t open_size =
        sender->count > 0 ? sender->used - datagram_start(sender, sender->count - 1) : 0;
    bool fits =
        sender->count > 0 && open_size > 0 && open_size + size <= (size_t)SENDER_DATAGRAM_SIZE;
    if (!(join && fits)) {
        if (sender->count == SENDER_BATCH) {
            return false;
        }
        sender->count++;
    }
    memcpy(sender->data + sender->used, text, size);
    sender->used += size;
    sender->ends[sender->count - 1] = sender->used;
    return true;
}

int sender_flush(struct sender *sender)
{
    while (sender->first < sender->count) {
        struct hy_outgoing_datagram datagrams[SENDER_BATCH];
        size_t count = sender->count - sender->first;

        for (size_t i = 0; i < count; i++) {
            size_t start = datagram_start(sender, sender->first + i);

            datagrams[i] = (struct hy_outgoing_datagram){
                .to = &sender->address,
                .data = sender->data + start,
                .size = sender->ends[sender->first + i] - start,
            };
        }
        int sent = hy_udp_socket_send_batch(&sender->socket, datagrams, count);
        if (sent < 0) {
            return sent;
        }
        sender->datagrams += (uint64_t)sent;
        for (size_t i = 0; i < (size_t)sent && i < count; i++) {
            sender->bytes += datagrams[i].size;
        }
        sender->first += (size_t)sent;
    }
    sender->count = 0;
    sender->first = 0;
    sender->used = 0;
    return 0;
}
