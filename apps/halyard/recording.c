/* SPDX-License-Identifier: MIT */
/*
 * Lines of one second are held until the first line of another time tells how many they are; the
 * group is bounded, so that a file with one time only does not fill the memory.
 */
#include "recording.h"

#include "ais/origin.h"
#include "ais/sentence.h"
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS    INT64_C(1000000000)
#define STEP_BACK_NS (60 * SECOND_NS)
#define GAP_NS       (3600 * SECOND_NS)

enum {
    GROUP_LINES = 8192,
    GROUP_BYTES = 2 * 1024 * 1024,
};

struct held_line {
    size_t start;
    size_t size;
    unsigned sentences;
};

struct recording {
    struct input *input;
    double rate;

    /* The group in hand: lines[first] to lines[count - 1]. */
    struct held_line lines[GROUP_LINES];
    size_t first;
    size_t count;
    size_t used; /* bytes of text */
    int64_t group_due_ns;
    int64_t group_span_ns; /* its lines are spread over this */

    /* The line that begins the next group. It stays in the input's buffer until taken. */
    const char *next_text;
    size_t next_size;
    unsigned next_sentences;
    int64_t next_time_ns; /* UNIX; 0: not told */
    bool has_next;

    int64_t time_ns; /* of the group, UNIX; 0: none told yet */
    int64_t due_ns;  /* of time_ns */
    int result;      /* of the input: 1 while it goes on */
    char text[GROUP_BYTES + INPUT_LINE_MAX + 2];
};

int recording_open(const char *path, double rate, struct recording **ret_recording)
{
    struct recording *recording = calloc(1, sizeof(*recording));

    if (recording == NULL) {
        return -ENOMEM;
    }
    int rc = input_open(path, &recording->input);
    if (rc < 0) {
        free(recording);
        return rc;
    }
    recording->rate = rate;
    recording->result = 1;
    *ret_recording = recording;
    return 0;
}

void recording_close(struct recording *recording)
{
    if (recording != NULL) {
        input_close(recording->input);
        free(recording);
    }
}

/* The time that the line tells, and how many sentences it has. */
static void examine(struct recording *recording)
{
    const char *cursor = recording->next_text;
    const char *end = cursor + recording->next_size;
    struct ais_origin origin = {0};
    struct ais_sentence item;
    enum ais_item kind;

    recording->next_sentences = 0;
    while ((kind = ais_scan(&cursor, end, &item)) != AIS_ITEM_END) {
        if (kind == AIS_ITEM_TAG_BLOCK) {
            ais_origin_from_tag_block(&origin, item.text);
        } else if (kind == AIS_ITEM_OTHER) {
            (void)ais_origin_from_pghp(&origin, item.text);
        } else {
            recording->next_sentences++;
            if (item.reject == AIS_REJECT_NONE) {
                ais_origin_from_suffix(&origin, item.suffix);
                ais_origin_from_prefix(&origin, item.prefix);
            }
        }
    }
    recording->next_time_ns = origin.time_ns;
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\r' && text[i] != '\n' && text[i] != ' ') {
            return false;
        }
    }
    return true;
}

/* Makes sure that the next line is known, if there is one. */
static void look_ahead(struct recording *recording)
{
    while (!recording->has_next && recording->result > 0) {
        ptrdiff_t size = input_line(recording->input, &recording->next_text);

        recording->result = size > 0 ? 1 : (int)size;
        if (size > 0 && !is_blank(recording->next_text, (size_t)size)) {
            recording->next_size = (size_t)size;
            recording->has_next = true;
            examine(recording);
        }
    }
}

static void hold(struct recording *recording)
{
    struct held_line *line = &recording->lines[recording->count++];

    line->start = recording->used;
    line->size = recording->next_size;
    line->sentences = recording->next_sentences;
    memcpy(recording->text + line->start, recording->next_text, line->size);
    if (recording->text[line->start + line->size - 1] != '\n') {
        recording->text[line->start + line->size++] = '\n';
    }
    recording->used += line->size;
    recording->has_next = false;
}

static bool has_room(const struct recording *recording)
{
    return recording->count < GROUP_LINES && recording->used < GROUP_BYTES;
}

/* Moves on to the time of the next group; how far, the rules in the header say. */
static void advance(struct recording *recording, int64_t time_ns)
{
    int64_t step_ns = time_ns - recording->time_ns;

    if (recording->time_ns != 0 && step_ns < 0 && step_ns >= -STEP_BACK_NS) {
        return;
    }
    if (recording->time_ns != 0) {
        recording->due_ns += step_ns < 0 || step_ns > GAP_NS ? SECOND_NS : step_ns;
    }
    recording->time_ns = time_ns;
}

/* How long the group lasts: whole seconds are a coarse clock, anything finer is exact. */
static int64_t group_span_ns(const struct recording *recording, bool is_cut)
{
    int64_t span_ns = SECOND_NS;

    if (recording->time_ns % SECOND_NS != 0 || is_cut) {
        return 0;
    }
    if (recording->has_next && recording->next_time_ns != 0) {
        int64_t step_ns = recording->next_time_ns - recording->time_ns;

        span_ns = step_ns < 0 ? 0 : step_ns < SECOND_NS ? step_ns : SECOND_NS;
    }
    return span_ns;
}

static void collect_group(struct recording *recording)
{
    recording->first = 0;
    recording->count = 0;
    recording->used = 0;
    look_ahead(recording);
    if (!recording->has_next) {
        return;
    }
    if (recording->next_time_ns != 0) {
        advance(recording, recording->next_time_ns);
    }
    recording->group_due_ns = recording->due_ns;
    recording->group_span_ns = 0;
    if (recording->time_ns == 0) {
        hold(recording);
        recording->due_ns += (int64_t)((double)SECOND_NS / recording->rate);
        return;
    }
    int64_t group_time_ns = recording->next_time_ns;
    do {
        hold(recording);
        look_ahead(recording);
    } while (recording->has_next && has_room(recording) &&
             (recording->next_time_ns == 0 || recording->next_time_ns == group_time_ns));
    recording->group_span_ns =
        group_span_ns(recording, recording->has_next && !has_room(recording));
}

int recording_next(struct recording *recording, struct recording_line *ret_line)
{
    if (recording->first == recording->count) {
        collect_group(recording);
    }
    if (recording->first == recording->count) {
        return recording->result;
    }
    const struct held_line *line = &recording->lines[recording->first];
    ret_line->text = recording->text + line->start;
    ret_line->size = line->size;
    ret_line->sentences = line->sentences;
    ret_line->due_ns = recording->group_due_ns + recording->group_span_ns *
                                                     (int64_t)recording->first /
                                                     (int64_t)recording->count;
    recording->first++;
    return 1;
}
