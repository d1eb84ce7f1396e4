/* SPDX-License-Identifier: MIT */
/* Addresses: what is read, what is refused and how, and that text survives the round trip. */
#include <halyard/address.h>

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../helpers/check.h"

#include <cmocka.h>

static void text_survives_the_round_trip(void **state)
{
    static const struct {
        const char *text, *canonical;
        enum hy_address_family family;
        uint16_t port;
    } cases[] = {
        {"0.0.0.0:10110", "0.0.0.0:10110", HY_ADDRESS_IPV4, 10110},
        {"127.0.0.1:0", "127.0.0.1:0", HY_ADDRESS_IPV4, 0},
        {"255.255.255.255:65535", "255.255.255.255:65535", HY_ADDRESS_IPV4, 65535},
        {"10.0.0.1:00080", "10.0.0.1:80", HY_ADDRESS_IPV4, 80},
        {"[::]:10110", "[::]:10110", HY_ADDRESS_IPV6, 10110},
        {"[::1]:1", "[::1]:1", HY_ADDRESS_IPV6, 1},
        {"[2001:DB8:0:0::7]:443", "[2001:db8::7]:443", HY_ADDRESS_IPV6, 443},
        {"[fe80::1%4000000000]:1", "[fe80::1%4000000000]:1", HY_ADDRESS_IPV6, 1},
        {"[::ffff:192.0.2.1]:9", "[::ffff:192.0.2.1]:9", HY_ADDRESS_IPV6, 9},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hy_address address, again;
        assert_int_equal(hy_address_parse(cases[i].text, &address), 0);
        assert_string_equal(hy_address_to_text(&address).text, cases[i].canonical);
        assert_int_equal(hy_address_get_family(&address), cases[i].family);
        assert_int_equal(hy_address_port(&address), cases[i].port);
        assert_int_equal(hy_address_parse(cases[i].canonical, &again), 0);
        assert_true(hy_address_is_equal(&address, &again));
    }
}

/* Linux shows an interface by its name, Windows by its number. */
static void an_interface_has_a_name_and_a_number(void **state)
{
    struct hy_address by_name, by_number;
    (void)state;
    assert_int_equal(hy_address_parse("[fe80::1%1]:1", &by_number), 0);
    SKIP_ON_WINDOWS("interfaces have other names on each machine");
    assert_int_equal(hy_address_parse("[fe80::1%lo]:1", &by_name), 0);
    assert_true(hy_address_is_equal(&by_name, &by_number));
    assert_string_equal(hy_address_to_text(&by_number).text, "[fe80::1%lo]:1");
}

static void wrong_text_is_refused_with_advice(void **state)
{
    static const struct {
        const char *text, *advice;
        int code;
    } cases[] = {
        {"localhost:10110", "numeric", HY_EINVAL},
        {"example.org:1", "names a host", HY_EINVAL},
        {"127.0.0.1", "has no port", HY_EINVAL},
        {"[::1]", "has no port", HY_EINVAL},
        {"[::1]10110", "has no port", HY_EINVAL},
        {"[::1:10110", "bracket", HY_EINVAL},
        {"::1:10110", "in brackets", HY_EINVAL},
        {":10110", "no address", HY_EINVAL},
        {"[]:10110", "brackets", HY_EINVAL},
        {"[127.0.0.1]:10110", "only an IPv6", HY_EINVAL},
        {"127.0.0.1:", "0 to 65535", HY_EINVAL},
        {"127.0.0.1:65536", "0 to 65535", HY_EINVAL},
        {"127.0.0.1:99999999999999999999", "0 to 65535", HY_EINVAL},
        {"127.0.0.1:-1", "0 to 65535", HY_EINVAL},
        {"127.0.0.1:+1", "0 to 65535", HY_EINVAL},
        {"127.0.0.1: 1", "0 to 65535", HY_EINVAL},
        {"127.0.0.1:1x", "0 to 65535", HY_EINVAL},
        {"127.0.0.256:1", "not an address", HY_EINVAL},
        {"127.0.1:1", "not an address", HY_EINVAL},
        {" 127.0.0.1:1", "names a host", HY_EINVAL},
        {"[::g]:1", "not an address", HY_EINVAL},
        {"[1::2::3]:1", "not an address", HY_EINVAL},
        {"[fe80::1%nosuch0]:1", "nosuch0", HY_ENOENT},
        {"[fe80::1%]:1", "no interface", HY_ENOENT},
        {"", "no port", HY_EINVAL},
        {"[", "bracket", HY_EINVAL},
        {NULL, "NULL", HY_EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hy_address address, before;
        memset(&address, 0x5a, sizeof address);
        before = address;
        assert_int_equal(hy_address_parse(cases[i].text, &address), -cases[i].code);
        assert_int_equal(hy_last_error()->code, cases[i].code);
        if (strstr(hy_last_error()->message, cases[i].advice) == NULL)
            fail_msg("\"%s\" gave: %s", cases[i].text, hy_last_error()->message);
        assert_memory_equal(&address, &before, sizeof address);
    }
}

static void long_text_is_refused(void **state)
{
    static const struct {
        const char *before, *after;
    } frames[] = {{"", ""}, {"[", "]:1"}, {"", ":1"}, {"[fe80::1%", "]:1"}, {"1.2.3.4:", ""}};
    char filler[5000];
    (void)state;
    memset(filler, '1', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        char text[6000];
        snprintf(text, sizeof text, "%s%s%s", frames[i].before, filler, frames[i].after);
        struct hy_address address;
        assert_true(hy_address_parse(text, &address) < 0);
        assert_true(hy_address_parse_host(text, 1, &address) < 0);
        assert_true(strlen(hy_last_error()->message) < sizeof hy_last_error()->message);
    }
}

static void a_host_needs_no_port(void **state)
{
    struct hy_address address;
    (void)state;
    assert_int_equal(hy_address_parse_host("239.192.0.4", 7, &address), 0);
    assert_string_equal(hy_address_to_text(&address).text, "239.192.0.4:7");
    assert_int_equal(hy_address_parse_host("ff02::1", 7, &address), 0);
    assert_string_equal(hy_address_to_text(&address).text, "[ff02::1]:7");
    assert_int_equal(hy_address_parse_host("[::1]", 0, &address), 0);
    assert_string_equal(hy_address_to_text(&address).text, "[::1]:0");
    assert_int_equal(hy_address_parse_host("1.2.3.4:5", 0, &address), -HY_EINVAL);
    assert_int_equal(hy_address_parse_host("", 0, &address), -HY_EINVAL);
    assert_int_equal(hy_address_parse_host("[", 0, &address), -HY_EINVAL);
    assert_int_equal(hy_address_parse_host("[]", 0, &address), -HY_EINVAL);
    assert_int_equal(hy_address_parse_host(NULL, 0, &address), -HY_EINVAL);
}

static void parsed(const char *host, struct hy_address *ret_address)
{
    assert_int_equal(hy_address_parse_host(host, 0, ret_address), 0);
}

static void questions(void **state)
{
    static const struct {
        const char *host;
        bool is_any, is_loopback, is_multicast;
    } cases[] = {
        {"0.0.0.0", true, false, false},    {"::", true, false, false},
        {"127.0.0.1", false, true, false},  {"127.255.0.9", false, true, false},
        {"::1", false, true, false},        {"128.0.0.1", false, false, false},
        {"224.0.0.0", false, false, true},  {"239.255.255.255", false, false, true},
        {"240.0.0.0", false, false, false}, {"223.255.255.255", false, false, false},
        {"ff00::", false, false, true},     {"fe80::1", false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hy_address address;
        parsed(cases[i].host, &address);
        assert_int_equal(hy_address_is_any(&address), cases[i].is_any);
        assert_int_equal(hy_address_is_loopback(&address), cases[i].is_loopback);
        assert_int_equal(hy_address_is_multicast(&address), cases[i].is_multicast);
    }
}

static void equality_looks_at_every_part(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1:1",   "127.0.0.1:2", "127.0.0.2:1",          "[::1]:1",
        "[::1]:2",       "[::2]:1",     "[fe80::1]:1",          "[fe80::1%1]:1",
        "[fe80::1%2]:1", "[::]:0",      "[::ffff:127.0.0.1]:1", "0.0.0.0:0"};
    const size_t count = sizeof texts / sizeof texts[0];
    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            struct hy_address a, b;
            assert_int_equal(hy_address_parse(texts[i], &a), 0);
            assert_int_equal(hy_address_parse(texts[j], &b), 0);
            assert_int_equal(hy_address_is_equal(&a, &b), i == j);
        }
}

static void making_and_changing(void **state)
{
    struct hy_address none = {{0}};
    struct hy_address address = hy_address_any(HY_ADDRESS_IPV4, 5);
    (void)state;
    assert_string_equal(hy_address_to_text(&address).text, "0.0.0.0:5");
    hy_address_set_port(&address, 65535);
    assert_string_equal(hy_address_to_text(&address).text, "0.0.0.0:65535");
    address = hy_address_any(HY_ADDRESS_IPV6, 5);
    hy_address_set_port(&address, 6);
    assert_string_equal(hy_address_to_text(&address).text, "[::]:6");
    address = hy_address_loopback(HY_ADDRESS_IPV4, 7);
    assert_string_equal(hy_address_to_text(&address).text, "127.0.0.1:7");
    address = hy_address_loopback(HY_ADDRESS_IPV6, 7);
    assert_string_equal(hy_address_to_text(&address).text, "[::1]:7");
    address = hy_address_any(HY_ADDRESS_NONE, 7);
    assert_true(hy_address_is_equal(&address, &none));
    hy_address_set_port(&none, 9);
    assert_int_equal(hy_address_port(&none), 0);
    assert_int_equal(hy_address_get_family(&none), HY_ADDRESS_NONE);
    assert_false(hy_address_is_any(&none) || hy_address_is_loopback(&none) ||
                 hy_address_is_multicast(&none));
    assert_string_equal(hy_address_to_text(&none).text, "(no address)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_survives_the_round_trip),
        cmocka_unit_test(an_interface_has_a_name_and_a_number),
        cmocka_unit_test(wrong_text_is_refused_with_advice),
        cmocka_unit_test(long_text_is_refused),
        cmocka_unit_test(a_host_needs_no_port),
        cmocka_unit_test(questions),
        cmocka_unit_test(equality_looks_at_every_part),
        cmocka_unit_test(making_and_changing),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
