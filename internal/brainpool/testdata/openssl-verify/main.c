/*
 * A second opinion on points and ECDSA signatures: OpenSSL's. The tests compile it with
 *
 *     cc -O2 -o openssl-verify main.c -lcrypto
 *
 * openssl-verify verify          reads lines "curve point digest signature" in hexadecimal, the signature as r||s and an empty digest
 *                                as "-", and prints for each 1 (valid), 0 (not valid) or - (OpenSSL refuses the point)
 * openssl-verify params CURVE    prints p, a, b, x, y and q of a curve in hexadecimal, one a line
 * openssl-verify bench CURVE SECONDS
 *                                prints how many signatures per second it verifies with one key, on one core
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE = 2048 };

static void fail(const char *what)
{
    fprintf(stderr, "openssl-verify: %s\n", what);
    exit(2);
}

/* Turns hexadecimal into octets, and gives their number. */
static size_t unhex(const char *hex, unsigned char *out, size_t room)
{
    size_t n = 0;

    if (strcmp(hex, "-") == 0)
        return 0;
    if (!OPENSSL_hexstr2buf_ex(out, room, &n, hex, '\0'))
        fail("bad hexadecimal");
    return n;
}

/* Gives the public key, or NULL if OpenSSL refuses the point. */
static EVP_PKEY *public_key(char *curve, unsigned char *point, size_t n)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, n),
        OSSL_PARAM_construct_end(),
    };

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
        fail("no EC keys");
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* Wraps r||s as OpenSSL wants it. */
static int wrap(const unsigned char *sig, size_t n, unsigned char **der)
{
    ECDSA_SIG *s = ECDSA_SIG_new();
    int len;

    if (s == NULL || ECDSA_SIG_set0(s, BN_bin2bn(sig, n / 2, NULL), BN_bin2bn(sig + n / 2, n / 2, NULL)) != 1)
        fail("no memory");
    len = i2d_ECDSA_SIG(s, der);
    ECDSA_SIG_free(s);
    return len;
}

static int verify(EVP_PKEY *key, const unsigned char *digest, size_t digest_len, const unsigned char *der, int der_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    int ok;

    if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1)
        fail("cannot verify");
    ok = EVP_PKEY_verify(ctx, der, der_len, digest, digest_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static void verify_lines(void)
{
    char line[LINE], curve[LINE], hex_point[LINE], hex_digest[LINE], hex_sig[LINE], last[LINE] = "";
    unsigned char point[LINE], digest[LINE], sig[LINE], *der;
    EVP_PKEY *key = NULL;

    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "%s %s %s %s", curve, hex_point, hex_digest, hex_sig) != 4)
            fail("a line needs curve, point, digest and signature");
        if (strcmp(hex_point, last) != 0) { /* lines of one key come together */
            EVP_PKEY_free(key);
            key = public_key(curve, point, unhex(hex_point, point, sizeof point));
            strcpy(last, hex_point);
        }
        if (key == NULL) {
            puts("-");
            continue;
        }
        der = NULL;
        int der_len = wrap(sig, unhex(hex_sig, sig, sizeof sig), &der);
        puts(verify(key, digest, unhex(hex_digest, digest, sizeof digest), der, der_len) ? "1" : "0");
        OPENSSL_free(der);
    }
    EVP_PKEY_free(key);
}

static void print_params(const char *curve)
{
    EC_GROUP *g = EC_GROUP_new_by_curve_name(OBJ_txt2nid(curve));
    BIGNUM *n[6];

    if (g == NULL)
        fail("curve not known");
    for (int i = 0; i < 6; i++)
        n[i] = BN_new();
    if (!EC_GROUP_get_curve(g, n[0], n[1], n[2], NULL) ||
        !EC_POINT_get_affine_coordinates(g, EC_GROUP_get0_generator(g), n[3], n[4], NULL) ||
        !EC_GROUP_get_order(g, n[5], NULL))
        fail("no parameters");
    for (int i = 0; i < 6; i++)
        puts(BN_bn2hex(n[i]));
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* As "openssl speed" does: one context, one key, one signature, again and again. */
static void bench(const char *curve, double seconds)
{
    EVP_PKEY *key = EVP_EC_gen(curve);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    unsigned char digest[32], sig[256];
    size_t len = sizeof sig;
    long count = 0;
    double start;

    memset(digest, 0x5a, sizeof digest);
    if (key == NULL || ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_sign(ctx, sig, &len, digest, sizeof digest) != 1)
        fail("cannot sign");
    if (EVP_PKEY_verify_init(ctx) != 1)
        fail("cannot verify");
    for (start = now(); now() - start < seconds; count += 16)
        for (int i = 0; i < 16; i++)
            if (EVP_PKEY_verify(ctx, sig, len, digest, sizeof digest) != 1)
                fail("own signature not valid");
    printf("%.0f\n", count / (now() - start));
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "verify") == 0)
        verify_lines();
    else if (argc == 3 && strcmp(argv[1], "params") == 0)
        print_params(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "bench") == 0)
        bench(argv[2], atof(argv[3]));
    else
        fail("usage: openssl-verify verify | params CURVE | bench CURVE SECONDS");
    return 0;
}
