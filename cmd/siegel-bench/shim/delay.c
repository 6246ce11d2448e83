/* A PKCS#11 module that passes everything on to another one, and takes DELAY_US microseconds longer for each signature, as a token across a
 * network does. REAL is the path of the other module. Which function stands where in CK_FUNCTION_LIST: PKCS#11 2.40, section 3.6 (pkcs11f.h). */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

typedef unsigned long rv;
typedef rv (*sign_function)(unsigned long, unsigned char *, unsigned long, unsigned char *, unsigned long *);

enum { GET_FUNCTION_LIST = 3, SIGN = 43, FUNCTIONS = 68 };

struct list {
	unsigned char major, minor;
	void *function[FUNCTIONS];
};

static struct list *real, ours;

static rv sign(unsigned long session, unsigned char *data, unsigned long size, unsigned char *signature, unsigned long *length)
{
	struct timespec delay = {0, DELAY_US * 1000L};
	if (signature != NULL) /* otherwise it only asks how long the signature will be */
		nanosleep(&delay, NULL);
	return ((sign_function)real->function[SIGN])(session, data, size, signature, length);
}

rv C_GetFunctionList(struct list **out)
{
	if (real == NULL) {
		void *module = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
		rv (*get)(struct list **) = module == NULL ? NULL : (rv(*)(struct list **))dlsym(module, "C_GetFunctionList");
		if (get == NULL || get(&real) != 0)
			return 5; /* CKR_GENERAL_ERROR */
		memcpy(&ours, real, sizeof ours);
		ours.function[GET_FUNCTION_LIST] = (void *)C_GetFunctionList;
		ours.function[SIGN] = (void *)sign;
	}
	*out = &ours;
	return 0;
}
