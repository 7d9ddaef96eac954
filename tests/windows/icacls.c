/* Wine's own icacls.exe does nothing. This one does what Potok asks of it, as Windows' own does: `PATH /inheritance:r /grant:r WHO:RIGHTS... /q`,
   WHO as a SID (`*S-1-5-18`) or as an account, RIGHTS `F` or `(OI)(CI)F`. Anything else is an error. */
#include <windows.h>
#include <sddl.h>
#include <stdio.h>
#include <wchar.h>

static int fail(const wchar_t *what, const wchar_t *about) {
    fwprintf(stderr, L"icacls: %ls: %ls (%lu)\n", what, about, GetLastError());
    return 1;
}

/* One entry of the list as text; its rights are cut off. */
static int add_entry(wchar_t *list, size_t room, wchar_t *grant) {
    wchar_t *rights = wcsrchr(grant, L':'), *sid = NULL;
    if (!rights || rights[1] == 0) return fail(L"no rights", grant);
    *rights++ = 0;
    int is_folder = wcscmp(rights, L"(OI)(CI)F") == 0;
    if (!is_folder && wcscmp(rights, L"F") != 0) return fail(L"unknown rights", rights);
    if (grant[0] != L'*') {
        BYTE account[SECURITY_MAX_SID_SIZE];
        wchar_t domain[256];
        DWORD account_bytes = sizeof account, domain_length = 256;
        SID_NAME_USE use;
        if (!LookupAccountNameW(NULL, grant, account, &account_bytes, domain, &domain_length, &use)) return fail(L"no such account", grant);
        if (!ConvertSidToStringSidW(account, &sid)) return fail(L"no SID", grant);
    }
    size_t length = wcslen(list);
    swprintf(list + length, room - length, L"(A;%ls;FA;;;%ls)", is_folder ? L"OICI" : L"", sid ? sid : grant + 1);
    return 0;
}

int wmain(int count, wchar_t **words) {
    wchar_t list[2048] = L"D:P";
    int has_no_inheritance = 0, grants = 0;
    if (count < 2) return fail(L"no path", L"");
    for (int n = 2; n < count; n++) {
        if (wcscmp(words[n], L"/inheritance:r") == 0) has_no_inheritance = 1;
        else if (wcscmp(words[n], L"/grant:r") == 0) grants = 1;
        else if (wcscmp(words[n], L"/q") == 0) grants = 0;
        else if (!grants) return fail(L"unknown word", words[n]);
        else if (add_entry(list, 2048, words[n])) return 1;
    }
    if (!has_no_inheritance) return fail(L"what is inherited stays", words[1]);
    PSECURITY_DESCRIPTOR described;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(list, SDDL_REVISION_1, &described, NULL)) return fail(L"no list", list);
    if (!SetFileSecurityW(words[1], DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, described)) return fail(L"refused", words[1]);
    return 0;
}
