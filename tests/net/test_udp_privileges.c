/* SPDX-License-Identifier: MIT */
/* UDP sockets of a program without privileges, on Linux: the receive buffer, low ports. */
#include "udp_fixture.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/syscall.h>

static char logged[1200];
static int warnings;

static void keep_log(enum hy_log_level level, const char *category, const char *message)
{
    if (level != HY_LOG_WARNING || strcmp(category, "udp") != 0)
        return;
    warnings++;
    snprintf(logged, sizeof logged, "%s", message);
}

static size_t read_number(const char *path)
{
    char text[32] = "";
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof text, file) == NULL)
        text[0] = '\0';
    fclose(file);
    return strtoul(text, NULL, 10);
}

/* What an unprivileged program meets; capabilities belong to a thread, so it is tried in one. */
struct unprivileged {
    size_t asked, granted;
    int strict_rc, plain_rc, low_port_rc;
    struct hy_error strict_error, low_port_error;
};

static void *try_unprivileged(void *context)
{
    struct unprivileged *result = context;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    if (syscall(SYS_capset, &header, data) < 0)
        return NULL;
    struct hy_udp_socket udp;
    if (hy_udp_socket_init(&udp, NULL) < 0)
        return NULL;
    if (hy_udp_socket_set_receive_buffer(&udp, result->asked) < 0)
        return NULL;
    result->strict_rc = hy_udp_socket_bind(&udp, "127.0.0.1:0", HY_UDP_STRICT_BUFFER);
    result->strict_error = *hy_last_error();
    result->plain_rc = hy_udp_socket_bind(&udp, "127.0.0.1:0", 0);
    result->granted = hy_udp_socket_receive_buffer(&udp);
    result->low_port_rc = hy_udp_socket_close(&udp);
    result->low_port_rc = hy_udp_socket_bind(&udp, "127.0.0.1:1", 0);
    result->low_port_error = *hy_last_error();
    hy_udp_socket_fini(&udp);
    return context;
}

static void less_than_asked_is_a_warning_or_an_error(void **state)
{
    (void)state;
    struct unprivileged result = {.asked = 2 * read_number("/proc/sys/net/core/rmem_max")};
    if (result.asked == 0 || result.asked > 1000000000)
        skip();
    pthread_t thread;
    void *done;
    hy_log_set_handler(keep_log);
    warnings = 0;
    assert_int_equal(pthread_create(&thread, NULL, try_unprivileged, &result), 0);
    pthread_join(thread, &done);
    hy_log_set_handler(NULL);
    assert_non_null(done);
    assert_int_equal(result.strict_rc, -HY_EACCES);
    assert_non_null(strstr(result.strict_error.message, "net.core.rmem_max"));
    assert_int_equal(result.plain_rc, 0);
    assert_int_equal(result.granted, result.asked / 2);
    assert_true(warnings >= 1);
    assert_non_null(strstr(logged, "net.core.rmem_max"));
    if (read_number("/proc/sys/net/ipv4/ip_unprivileged_port_start") > 1) {
        assert_int_equal(result.low_port_rc, -HY_EACCES);
        assert_non_null(strstr(result.low_port_error.message, "below 1024"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UDP_TEST(less_than_asked_is_a_warning_or_an_error),
    };
    return cmocka_run_group_tests_name("udp", tests, warm_up, NULL);
}
