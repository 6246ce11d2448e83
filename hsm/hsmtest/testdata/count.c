/* A PKCS#11 module in front of another one. It passes every call on, and writes a line to a file for those that a test counts:

     PROCESS CALL RETURN-VALUE SESSION [LAST-OCTETS-OF-THE-DATA]

   COUNT_MODULE names the module behind it, COUNT_LOG the file. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pkcs11go.h"

static CK_FUNCTION_LIST_PTR behind;
static CK_FUNCTION_LIST list;
static int out = -1;

/* One write per line: the file is opened for appending, so that lines of several processes do not mix. */
static CK_RV note(const char *call, CK_RV rv, CK_SESSION_HANDLE session, const unsigned char *data, unsigned long length)
{
	char line[256];
	int n = snprintf(line, sizeof line, "%d %s %lx %lx ", (int)getpid(), call, (unsigned long)rv, (unsigned long)session);
	unsigned long i = length > 33 ? length - 33 : 0;
	for (; i < length; i++)
		n += snprintf(line + n, sizeof line - n, "%02x", data[i]);
	line[n++] = '\n';
	if (write(out, line, n) != n)
		abort();
	return rv;
}

static CK_RV count_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session)
{
	CK_RV rv = behind->C_OpenSession(slot, flags, application, notify, session);
	return note("C_OpenSession", rv, rv == CKR_OK ? *session : 0, NULL, 0);
}

static CK_RV count_CloseSession(CK_SESSION_HANDLE session)
{
	return note("C_CloseSession", behind->C_CloseSession(session), session, NULL, 0);
}

static CK_RV count_CloseAllSessions(CK_SLOT_ID slot)
{
	return note("C_CloseAllSessions", behind->C_CloseAllSessions(slot), 0, NULL, 0);
}

static CK_RV count_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length)
{
	return note("C_Login", behind->C_Login(session, user, pin, length), session, NULL, 0);
}

static CK_RV count_Initialize(CK_VOID_PTR arguments)
{
	return note("C_Initialize", behind->C_Initialize(arguments), 0, NULL, 0);
}

static CK_RV count_Finalize(CK_VOID_PTR reserved)
{
	return note("C_Finalize", behind->C_Finalize(reserved), 0, NULL, 0);
}

static CK_RV count_Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR signature, CK_ULONG_PTR size)
{
	CK_RV rv = behind->C_Sign(session, data, length, signature, size);
	if (signature == NULL)
		return rv; /* only the length was asked for */
	return note("C_Sign", rv, session, data, length);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR answer)
{
	if (behind == NULL) {
		const char *module = getenv("COUNT_MODULE"), *log = getenv("COUNT_LOG");
		void *library = module ? dlopen(module, RTLD_NOW | RTLD_LOCAL) : NULL;
		CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
		if (get == NULL || log == NULL || get(&behind) != CKR_OK)
			return CKR_GENERAL_ERROR;
		out = open(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
		if (out < 0)
			return CKR_GENERAL_ERROR;
		memcpy(&list, behind, sizeof list);
		list.C_GetFunctionList = C_GetFunctionList;
		list.C_Initialize = count_Initialize;
		list.C_Finalize = count_Finalize;
		list.C_OpenSession = count_OpenSession;
		list.C_CloseSession = count_CloseSession;
		list.C_CloseAllSessions = count_CloseAllSessions;
		list.C_Login = count_Login;
		list.C_Sign = count_Sign;
	}
	*answer = &list;
	return CKR_OK;
}
