// Asks the queue how it stands, or for the analysis of a song: proto/PROTOCOL.md over a Unix socket with libprotobuf-c.
//
//   queue SOCKET                 prints how many jobs wait, run and have ended
//   queue SOCKET USER SONG       asks for the analysis of a song of the user, and prints the job
//
// Exits with 1 where the queue refuses, and with 2 where it cannot be asked.

#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "analysis/v1/frame.pb-c.h"
#include "analysis/v1/queue.pb-c.h"

#define KIND(name) ANALYSIS__V1__FRAME__KIND__##name
enum { MAX_FRAME_BYTES = (4 << 20) + (64 << 10), UNLIMITED_CREDIT = 2147483647, TIMEOUT_SECONDS = 10 };
typedef Analysis__V1__Frame Frame;

static void demand(int condition, const char *otherwise) {
    if (condition) return;
    fprintf(stderr, "queue: %s\n", otherwise);
    exit(2);
}

static void send_frame(FILE *to, const Frame *frame) {
    size_t size = analysis__v1__frame__get_packed_size(frame);
    demand(size <= MAX_FRAME_BYTES, "the request is too long");
    uint32_t length = htonl(size);
    uint8_t *bytes = malloc(size);
    demand(bytes != NULL, "there is no memory");
    analysis__v1__frame__pack(frame, bytes);
    fwrite(&length, sizeof length, 1, to);
    demand(fwrite(bytes, size, 1, to) == 1 && fflush(to) == 0, "the connection was lost");
    free(bytes);
}

static Frame *receive_frame(FILE *from) {
    uint32_t length;
    demand(fread(&length, sizeof length, 1, from) == 1, "the connection was lost, or silent for too long");
    length = ntohl(length);
    demand(length > 0 && length <= MAX_FRAME_BYTES, "the queue sent what is no frame");
    uint8_t *bytes = malloc(length);
    demand(bytes != NULL, "there is no memory");
    demand(fread(bytes, length, 1, from) == 1, "the connection was lost within a frame");
    Frame *frame = analysis__v1__frame__unpack(NULL, length, bytes);
    demand(frame != NULL, "the queue sent what is no frame");
    free(bytes);
    return frame;
}

// The reply to a call with one request, on a connection of its own.
static ProtobufCMessage *call(const char *path, char *method, const ProtobufCMessage *request,
                              const ProtobufCMessageDescriptor *type) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = TIMEOUT_SECONDS + 2};
    demand(strlen(path) < sizeof address.sun_path, "the path of the socket is too long: 107 bytes fit");
    strcpy(address.sun_path, path);
    int queue = socket(AF_UNIX, SOCK_STREAM, 0);
    demand(connect(queue, (struct sockaddr *)&address, sizeof address) == 0, "nobody answers at the socket");
    setsockopt(queue, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    FILE *from = fdopen(queue, "rb"), *to = fdopen(queue, "wb");
    demand(from && to, "there is no memory");

    Frame hello = ANALYSIS__V1__FRAME__INIT, sent = ANALYSIS__V1__FRAME__INIT, *frame;
    hello.kind = KIND(HELLO), hello.version = 1, hello.credit = UNLIMITED_CREDIT;
    sent.kind = KIND(CALL), sent.stream = 1, sent.method = method, sent.timeout_us = TIMEOUT_SECONDS * 1000000;
    sent.has_message = sent.end = 1, sent.payload.len = protobuf_c_message_get_packed_size(request);
    demand((sent.payload.data = malloc(sent.payload.len + 1)) != NULL, "there is no memory");
    protobuf_c_message_pack(request, sent.payload.data);
    send_frame(to, &hello), send_frame(to, &sent);
    demand((frame = receive_frame(from))->kind == KIND(HELLO) && frame->version == 1, "the queue speaks no version 1");
    while ((frame = receive_frame(from))->kind != KIND(STATUS)) demand(frame->kind != KIND(GOAWAY), frame->detail);
    if (frame->status) fprintf(stderr, "queue: status %u: %s\n", frame->status, frame->detail), exit(1);
    ProtobufCMessage *reply = protobuf_c_message_unpack(type, NULL, frame->payload.len, frame->payload.data);
    demand(reply != NULL, "the queue sent what is no reply");
    return reply;
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    demand(count == 2 || count == 4, "usage: queue SOCKET [USER SONG]");
    if (count == 2) {
        Analysis__V1__QueueStatusRequest request = ANALYSIS__V1__QUEUE_STATUS_REQUEST__INIT;
        Analysis__V1__QueueStatus *status = (Analysis__V1__QueueStatus *)call(
            arguments[1], "analysis.v1.Queue/GetStatus", &request.base, &analysis__v1__queue_status__descriptor);
        return printf("%" PRIu64 " pending, %" PRIu64 " in progress, %" PRIu64 " completed, %" PRIu64 " failed\n",
                      status->pending, status->in_progress, status->completed, status->failed) < 0;
    }
    Analysis__V1__EnqueueRequest request = ANALYSIS__V1__ENQUEUE_REQUEST__INIT;
    request.type = ANALYSIS__V1__JOB_TYPE__JOB_TYPE_SONG, request.user_id = arguments[2], request.target_id = arguments[3];
    Analysis__V1__EnqueueReply *reply = (Analysis__V1__EnqueueReply *)call(
        arguments[1], "analysis.v1.Queue/Enqueue", &request.base, &analysis__v1__enqueue_reply__descriptor);
    return printf(reply->job ? "job %s\n" : "nothing to analyse%s\n", reply->job ? reply->job->id : "") < 0;
}
