/* SPDX-License-Identifier: MIT */
/* UTF-8: every code point, every border of the table, fail-fast, cuts at every place. */
#include "guard.h"
#include "utf8.h"

/* Encodes any 21-bit value in the form of the given size, valid or not. */
static size_t encode(uint32_t code, size_t size, uint8_t *out)
{
    static const uint8_t first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    if (size == 1) {
        out[0] = (uint8_t)code;
        return 1;
    }
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (uint8_t)(first[size] | code);
    return size;
}

static size_t shortest(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static void every_value_in_every_form(void **state)
{
    (void)state;
    static const uint32_t ends[] = {0, 0x80, 0x800, 0x10000, 0x200000};
    uint8_t octets[4];
    for (size_t size = 1; size <= 4; size++) {
        for (uint32_t code = 0; code < ends[size]; code++) {
            bool is_valid =
                shortest(code) == size && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
            encode(code, size, octets);
            if (hy__utf8_is_valid(octets, size) != is_valid)
                fail_msg("code point %X in %zu octets: expected %d", code, size, is_valid);
        }
    }
}

/* For every two octets: the state machine must fail exactly where no completion exists. */
static void fails_at_the_first_octet_that_cannot_be(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            bool can_begin = a < 0x80 || (a >= 0xC2 && a <= 0xF4);
            bool can_follow = (b >= 0x80 && b <= 0xBF) && !(a == 0xE0 && b < 0xA0) &&
                              !(a == 0xED && b > 0x9F) && !(a == 0xF0 && b < 0x90) &&
                              !(a == 0xF4 && b > 0x8F);
            if (a < 0x80)
                can_follow = b < 0x80 || (b >= 0xC2 && b <= 0xF4);
            struct hy__utf8 utf8 = {0};
            uint8_t first = (uint8_t)a;
            uint8_t second = (uint8_t)b;
            assert_int_equal(hy__utf8_feed(&utf8, &first, 1), can_begin);
            if (!can_begin)
                break;
            assert_int_equal(hy__utf8_feed(&utf8, &second, 1), can_follow);
            if (!can_follow) { /* a failed text stays failed */
                uint8_t letter = 'a';
                assert_false(hy__utf8_is_complete(&utf8));
                assert_false(hy__utf8_feed(&utf8, &letter, 1));
            }
        }
    }
}

static void lone_octets(void **state)
{
    (void)state;
    for (unsigned octet = 0x80; octet < 0x100; octet++) {
        uint8_t text = (uint8_t)octet;
        assert_false(hy__utf8_is_valid(&text, 1));
    }
    assert_true(hy__utf8_is_valid("", 0));
    assert_true(hy__utf8_is_valid("\0", 1));
}

/* One bad octet at each place of a long ASCII text, at each alignment, at a page's end. */
static void bad_octet_at_every_place(void **state)
{
    (void)state;
    struct guard guard = guard_create(128);
    for (size_t size = 1; size <= 40; size++) {
        char *text = guard.memory + guard.size - size;
        memset(text, 'a', size);
        assert_true(hy__utf8_is_valid(text, size));
        for (size_t at = 0; at < size; at++) {
            text[at] = (char)0xFF;
            assert_false(hy__utf8_is_valid(text, size));
            text[at] = 'a';
        }
    }
    guard_destroy(&guard);
}

static const char mixed[] =
    "plain ASCII text, \xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\xA2 and \xF4\x8F\xBF\xBF"
    "\xED\x9F\xBF\xEE\x80\x80 more than eight letters";

static void cut_at_every_place(void **state)
{
    (void)state;
    size_t size = sizeof mixed - 1;
    for (size_t a = 0; a <= size; a++) {
        for (size_t b = a; b <= size; b++) {
            struct hy__utf8 utf8 = {0};
            assert_true(hy__utf8_feed(&utf8, mixed, a));
            assert_true(hy__utf8_feed(&utf8, mixed + a, b - a));
            assert_true(hy__utf8_feed(&utf8, mixed + b, size - b));
            assert_true(hy__utf8_is_complete(&utf8));
        }
        bool is_border = a == size || ((uint8_t)mixed[a] & 0xC0) != 0x80;
        assert_int_equal(hy__utf8_is_valid(mixed, a), is_border);
    }
}

static void prefix_ends_on_a_border(void **state)
{
    (void)state;
    const char text[] = "ab\xE2\x82\xAC\xF0\x9F\x9A\xA2z";
    static const size_t expected[] = {0, 1, 2, 2, 2, 5, 5, 5, 5, 9, 10, 10};
    for (size_t max = 0; max < 12; max++)
        assert_int_equal(hy__utf8_prefix(text, sizeof text - 1, max), expected[max]);
    assert_int_equal(hy__utf8_prefix("ab\xFFzz", 5, 5), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_in_every_form),
        cmocka_unit_test(fails_at_the_first_octet_that_cannot_be),
        cmocka_unit_test(lone_octets),
        cmocka_unit_test(bad_octet_at_every_place),
        cmocka_unit_test(cut_at_every_place),
        cmocka_unit_test(prefix_ends_on_a_border),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
